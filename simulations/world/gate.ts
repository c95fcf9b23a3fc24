import type { Micros } from '../../src/ports/clock.ts';
import type { Due } from '../../src/ports/due-heap.ts';
import type { Gate as TransportGate } from '../../src/transports/memory/gate.ts';
import type { Scheduler } from './clock.ts';

/**
 * The door between a process and the world. It is shut while the process is stopped (SIGSTOP) or still busy with a slow
 * step; what comes meanwhile waits, and then goes in one by one, in the order in which it came.
 */
export class Gate implements TransportGate {
  readonly #scheduler: Scheduler;
  readonly #shutBy = new Set<object>();
  #waiting: (() => void)[] = [];
  #wake: Due | null = null;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get open(): boolean {
    return this.#shutBy.size === 0 && this.#waiting.length === 0;
  }

  pass(run: () => void): void {
    if (this.open) run();
    else this.#waiting.push(run);
  }

  /** Reasons may overlap: the gate is open again when all have been taken away. */
  shut(cause: object): void {
    this.#shutBy.add(cause);
  }

  reopen(cause: object): void {
    if (this.#shutBy.delete(cause)) this.#next();
  }

  /** Shuts for so long. */
  busyFor(micros: Micros): void {
    const cause = {};
    this.shut(cause);
    this.#scheduler.at(this.#scheduler.now() + micros, () => this.reopen(cause));
  }

  /** The process is gone: what waited finds that out by itself. */
  drop(): void {
    this.#shutBy.clear();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const run of waiting) run();
  }

  #next(): void {
    if (this.#shutBy.size > 0 || this.#waiting.length === 0 || this.#wake !== null) return;
    this.#wake = this.#scheduler.at(this.#scheduler.now(), () => {
      this.#wake = null;
      if (this.#shutBy.size > 0) return;
      this.#waiting.shift()?.();
      this.#next();
    });
  }
}
