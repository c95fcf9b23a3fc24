import type { Micros } from '../../ports/clock.ts';
import { type Due, DueHeap } from '../../ports/due-heap.ts';
import type { Scheduler } from './scheduler.ts';

/** A float that is this little below a tag has reached it. */
const ROUNDING_BYTES = 0.001;

/**
 * A host's uplink, shared equally among the transfers under way: processor sharing in virtual time. `V` grows by
 * rate / n; a transfer of b bytes that starts at `V` ends when `V` reaches its tag `V + b`. So a transfer that starts
 * or ends costs O(log n), and there is one event at most, whatever n is.
 */
export class Uplink {
  readonly #scheduler: Scheduler;
  /** Transfers by tag. */
  readonly #transfers = new DueHeap();
  #bytesPerMicro: number;
  #virtual = 0;
  #virtualAt: Micros = 0;
  #wake: Due | null = null;
  #firing = false;

  /** `bytesPerSecond`: 0 stops everything. */
  constructor(scheduler: Scheduler, bytesPerSecond: number) {
    this.#scheduler = scheduler;
    this.#bytesPerMicro = bytesPerSecond / 1_000_000;
  }

  /**
   * Begins a transfer; `done` is called when its last byte has left. `tagBefore` is the tag of the transfer that the
   * same connection ended in this instant, so that rounding to whole microseconds does not add up.
   */
  start(bytes: number, tagBefore: number | null, done: () => void): Due {
    this.#advance();
    const transfer = this.#transfers.add((tagBefore ?? this.#virtual) + bytes, done);
    this.#reschedule();
    return transfer;
  }

  cancel(transfer: Due): void {
    this.#advance();
    this.#transfers.remove(transfer);
    this.#reschedule();
  }

  setRate(bytesPerSecond: number): void {
    this.#advance();
    this.#bytesPerMicro = bytesPerSecond / 1_000_000;
    this.#reschedule();
  }

  #advance(): void {
    const now = this.#scheduler.now();
    if (this.#transfers.size > 0) this.#virtual += ((now - this.#virtualAt) * this.#bytesPerMicro) / this.#transfers.size;
    this.#virtualAt = now;
  }

  #fire(): void {
    this.#wake = null;
    this.#advance();
    this.#firing = true;
    const ended: Due[] = [];
    for (
      let first = this.#transfers.first();
      first !== undefined && first.at <= this.#virtual + ROUNDING_BYTES;
      first = this.#transfers.first()
    ) {
      this.#transfers.remove(first);
      ended.push(first);
    }
    for (const transfer of ended) transfer.fire();
    this.#firing = false;
    this.#reschedule();
  }

  #reschedule(): void {
    if (this.#firing) return;
    const first = this.#transfers.first();
    if (first === undefined || this.#bytesPerMicro === 0) {
      this.#wakeAt(null);
      return;
    }
    const wait = ((first.at - this.#virtual) * this.#transfers.size) / this.#bytesPerMicro;
    this.#wakeAt(this.#scheduler.now() + Math.max(0, Math.ceil(wait - 1e-6)));
  }

  #wakeAt(time: Micros | null): void {
    if (this.#wake !== null) {
      if (this.#wake.at === time) return;
      this.#scheduler.cancel(this.#wake);
    }
    this.#wake = time === null ? null : this.#scheduler.at(time, () => this.#fire());
  }
}

/** A host's downlink: what comes is taken in order of leaving the senders, at most so fast. */
export class Downlink {
  readonly #microsPerByte: number;
  #freeAt = 0;

  constructor(bytesPerSecond: number) {
    this.#microsPerByte = 1_000_000 / bytesPerSecond;
  }

  /** When the last of these bytes is in, if the first could come such that they all are in at `earliest`. */
  reserve(earliest: Micros, bytes: number): Micros {
    this.#freeAt = Math.max(earliest, this.#freeAt + bytes * this.#microsPerByte);
    return Math.ceil(this.#freeAt);
  }
}
