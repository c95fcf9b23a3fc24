import type { Micros } from '../../ports/clock.ts';
import { type Due, DueHeap } from '../../ports/due-heap.ts';
import type { Scheduler } from './scheduler.ts';

/** The smallest scheduler: virtual time that jumps from one due event to the next. */
export class VirtualScheduler implements Scheduler {
  readonly #heap = new DueHeap();
  #now: Micros = 0;

  now(): Micros {
    return this.#now;
  }

  at(time: Micros, fire: () => void): Due {
    return this.#heap.add(Math.max(time, this.#now), fire);
  }

  cancel(due: Due): void {
    this.#heap.remove(due);
  }

  /** Fires the next event; false when there is none. */
  next(): boolean {
    const due = this.#heap.take();
    if (due === undefined) return false;
    this.#now = due.at;
    due.fire();
    return true;
  }

  /** Fires all that is due up to and at `time`, which is then the time. */
  runUntil(time: Micros): void {
    for (let first = this.#heap.first(); first !== undefined && first.at <= time; first = this.#heap.first()) this.next();
    this.#now = Math.max(this.#now, time);
  }

  /** Fires until nothing is due any more. */
  runUntilIdle(): void {
    while (this.next());
  }
}
