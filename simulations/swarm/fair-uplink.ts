import type { Micros } from '../../src/ports/clock.ts';
import type { Due, DueHeap } from '../../src/ports/due-heap.ts';

interface Flow {
  readonly key: number;
  /** The virtual time at which it is through. */
  readonly tag: number;
}

/**
 * An uplink that its flows share evenly (processor sharing in virtual time): V grows by rate/n a second, a flow of b bytes
 * that begins at V is through at V + b. Coming and going costs one event, not one for each flow.
 */
export class FairUplink {
  readonly #heap: DueHeap;
  readonly #bytesPerMicro: number;
  readonly #done: (key: number) => void;
  readonly #flows: Flow[] = [];
  #virtual = 0;
  #at: Micros = 0;
  #due: Due | null = null;
  /** Bytes that have left. */
  sentBytes = 0;

  constructor(heap: DueHeap, bytesPerSecond: number, done: (key: number) => void) {
    this.#heap = heap;
    this.#bytesPerMicro = bytesPerSecond / 1_000_000;
    this.#done = done;
  }

  get busy(): boolean {
    return this.#flows.length > 0;
  }

  start(now: Micros, key: number, bytes: number): void {
    this.#advance(now);
    this.#flows.push({ key, tag: this.#virtual + bytes });
    this.#schedule(now);
  }

  /** What of it has left is wasted. */
  cancel(now: Micros, key: number): void {
    const place = this.#flows.findIndex((flow) => flow.key === key);
    if (place === -1) return;
    this.#advance(now);
    this.#flows.splice(place, 1);
    this.#schedule(now);
  }

  #advance(now: Micros): void {
    const bytes = (now - this.#at) * this.#bytesPerMicro;
    this.#at = now;
    if (this.#flows.length === 0) return;
    this.#virtual += bytes / this.#flows.length;
    this.sentBytes += bytes;
  }

  #schedule(now: Micros): void {
    if (this.#due !== null) this.#heap.remove(this.#due);
    this.#due = null;
    if (this.#flows.length === 0) return;
    const first = this.#first();
    // Rounded up: never early, so that no run beats the physics by rounding.
    const wait = Math.max(0, Math.ceil(((first.tag - this.#virtual) * this.#flows.length) / this.#bytesPerMicro));
    this.#due = this.#heap.add(now + wait, () => this.#fire(now + wait));
  }

  #fire(now: Micros): void {
    this.#due = null;
    this.#advance(now);
    const first = this.#first();
    this.#flows.splice(this.#flows.indexOf(first), 1);
    this.#schedule(now);
    this.#done(first.key);
  }

  #first(): Flow {
    let first = this.#flows[0] as Flow;
    for (const flow of this.#flows) if (flow.tag < first.tag) first = flow;
    return first;
  }
}
