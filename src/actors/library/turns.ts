import { type Clock, type Micros, millis, seconds, type TimerId } from '../../ports/clock.ts';
import {
  decideTurns,
  movedPlaces,
  type QueuedTransfer,
  type QueueLimits,
  type QueueMove,
  settledPlaces,
} from '../../domain/transfer/queue.ts';
import type { TransferPlan } from '../transfer/setting.ts';
import type { Transfer } from '../transfer/transfer.ts';

/** A download that finds no source within this time keeps nobody waiting any more. */
const TURN_MS = 15_000;
/** Nor does a seed of which nobody has wanted anything for so long. */
const IDLE_SEED_SECONDS = 60;

/** Whose turn it is to download and to seed: so many at once, the others in the order of the queue. */
export class Turns {
  readonly #clock: Clock;
  readonly #limits: QueueLimits;
  readonly #transfers: ReadonlyMap<string, Transfer>;
  readonly #grantedAt = new WeakMap<Transfer, Micros>();
  /** Those that wait for a turn, as far as known. */
  readonly #waiting = new Set<Transfer>();
  /** Those whose place counts more than who was there first, until they have their turn. */
  readonly #moved = new WeakSet<Transfer>();
  /** Places of what is to begin. */
  readonly #settled = new Map<string, number>();
  #timer: TimerId | null = null;

  /** `transfers` are all of the node; the map changes as they come and go. */
  constructor(clock: Clock, limits: QueueLimits, transfers: ReadonlyMap<string, Transfer>) {
    this.#clock = clock;
    this.#limits = limits;
    this.#transfers = transfers;
  }

  enqueue(transfer: Transfer): void {
    this.#waiting.add(transfer);
    this.grant(this.#moved.has(transfer));
  }

  /** Whether one that is complete may be seeded without a turn; then it has one. */
  maySeed(transfer: Transfer): boolean {
    const others = this.#entries().filter(({ key, kind, state }) => key !== transfer.id && kind === 'seed' && state === 'running');
    const may = this.#limits.seed === 0 || others.length < this.#limits.seed;
    if (may) this.#grantedAt.set(transfer, this.#clock.now());
    return may;
  }

  /** Lets the next go, as far as the limits allow. */
  grant(reordered = false): void {
    for (const transfer of this.#waiting) if (transfer.phase !== 'queued' && transfer.phase !== 'resting') this.#waiting.delete(transfer);
    if (this.#waiting.size === 0) return;
    const { start, stop } = decideTurns(this.#entries(), this.#limits, reordered);
    for (const key of stop) this.#transfers.get(key)?.post({ type: 'slot.taken' });
    for (const key of start) {
      const transfer = this.#transfers.get(key);
      if (transfer === undefined) continue;
      this.#waiting.delete(transfer);
      this.#moved.delete(transfer);
      this.#grantedAt.set(transfer, this.#clock.now());
      transfer.post({ type: 'slot.granted' });
    }
    if (this.#waiting.size === 0) return;
    this.#timer ??= this.#clock.setTimer(millis(TURN_MS), () => {
      this.#timer = null;
      this.grant();
    });
  }

  /** Moves one in the queue, among those that download or among those that are complete. Answers its number there, from 1. */
  move(transfer: Transfer, move: QueueMove): number {
    const places = movedPlaces(this.#among(transfer), transfer.id, move);
    for (const [key, place] of places) this.#transfers.get(key)?.wishes.setPlace(place);
    if (places.size > 0) {
      this.#moved.add(transfer);
      this.grant(true);
    }
    return this.numberOf(transfer);
  }

  /** Its number in the queue, from 1. */
  numberOf(transfer: Transfer): number {
    const own = placeOf(transfer);
    return 1 + this.#among(transfer).filter(({ place }) => place < own).length;
  }

  /** All, in the order of the queue: what is downloaded, then what is complete, each with its number among its own. */
  inOrder(): { readonly transfer: Transfer; readonly number: number }[] {
    const ordered = [...this.#transfers.values()].sort((a, b) => placeOf(a) - placeOf(b));
    const of = (complete: boolean): Transfer[] => ordered.filter((transfer) => transfer.content.map.complete === complete);
    return [of(false), of(true)].flatMap((kind) => kind.map((transfer, n) => ({ transfer, number: n + 1 })));
  }

  /** Takes up the order of before: what is begun with these plans gets its place. */
  settle(plans: readonly TransferPlan[]): void {
    const places = settledPlaces(plans.map(({ record }) => record.settings?.place ?? null));
    for (const [n, { record }] of plans.entries()) this.#settled.set(record.id, places[n] ?? 0);
  }

  /** Its place of before; a new one comes last. */
  place(transfer: Transfer): void {
    const settled = this.#settled.get(transfer.id);
    // After a start they are ready in any order: one that comes first takes the turn of a later one.
    if (this.#settled.delete(transfer.id)) this.#moved.add(transfer);
    let last = 0;
    for (const other of this.#transfers.values()) if (other !== transfer) last = Math.max(last, placeOf(other));
    transfer.notes.terms.place = settled ?? last + 1;
  }

  stop(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #among(transfer: Transfer): { readonly key: string; readonly place: number }[] {
    const { complete } = transfer.content.map;
    const others = [...this.#transfers.values()].filter((other) => other.content.map.complete === complete);
    return others.map((other) => ({ key: other.id, place: placeOf(other) }));
  }

  #entries(): QueuedTransfer[] {
    const entries: QueuedTransfer[] = [];
    const now = this.#clock.now();
    for (const transfer of this.#transfers.values()) {
      const standing = standingOf(transfer, now - (this.#grantedAt.get(transfer) ?? Number.NEGATIVE_INFINITY), now);
      if (standing !== null) entries.push({ key: transfer.id, place: placeOf(transfer), ...standing });
    }
    return entries;
  }
}

const placeOf = ({ notes }: Transfer): number => notes.terms.place ?? 0;

/** `since`: its turn came. */
const standingOf = (transfer: Transfer, since: Micros, now: Micros): Pick<QueuedTransfer, 'kind' | 'state'> | null => {
  switch (transfer.phase) {
    case 'queued':
      return { kind: 'download', state: 'queued' };
    case 'downloading':
      return { kind: 'download', state: 'running' };
    case 'waiting':
      return { kind: 'download', state: since < millis(TURN_MS) ? 'running' : 'stalled' };
    case 'resting':
      return { kind: 'seed', state: 'queued' };
    case 'seeding':
      return { kind: 'seed', state: since < seconds(IDLE_SEED_SECONDS) || transfer.exchange.up.rate(now) > 0 ? 'running' : 'stalled' };
    default:
      return null;
  }
};
