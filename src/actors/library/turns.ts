import { type Clock, type Micros, millis, type TimerId } from '../../ports/clock.ts';
import type { Transfer } from '../transfer/transfer.ts';

/** A download that finds no source within this time gives its turn to the next. */
const TURN_MS = 15_000;

/** Whose turn it is to download: so many at once, the others in the order in which they came. */
export class Turns {
  readonly #clock: Clock;
  readonly #activeMax: number;
  readonly #transfers: ReadonlyMap<string, Transfer>;
  readonly #queue: Transfer[] = [];
  readonly #grantedAt = new WeakMap<Transfer, Micros>();
  #timer: TimerId | null = null;

  /** `transfers` are all of the node; the map changes as they come and go. */
  constructor(clock: Clock, activeMax: number, transfers: ReadonlyMap<string, Transfer>) {
    this.#clock = clock;
    this.#activeMax = activeMax;
    this.#transfers = transfers;
  }

  enqueue(transfer: Transfer): void {
    this.#queue.push(transfer);
    this.grant();
  }

  /** Lets the next downloads go, as far as the limit allows. */
  grant(): void {
    if (this.#queue.length === 0) return;
    let active = this.#active();
    while (active < this.#activeMax) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      if (next.phase !== 'queued') continue;
      next.post({ type: 'slot.granted' });
      this.#grantedAt.set(next, this.#clock.now());
      active++;
    }
    if (this.#queue.length === 0) return;
    this.#timer ??= this.#clock.setTimer(millis(TURN_MS), () => {
      this.#timer = null;
      this.grant();
    });
  }

  stop(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #active(): number {
    const now = this.#clock.now();
    let active = 0;
    for (const transfer of this.#transfers.values()) {
      const early = now - (this.#grantedAt.get(transfer) ?? Number.NEGATIVE_INFINITY) < millis(TURN_MS);
      if (transfer.phase === 'downloading' || (transfer.phase === 'waiting' && early)) active++;
    }
    return active;
  }
}
