import type { Reactor } from '../bus/reactor.ts';
import type { Clock, Micros, Millis, TimerId } from '../ports/clock.ts';
import { type Due, DueHeap } from '../ports/due-heap.ts';

/** What a daemon's reactor is made with: `new Reactor(monotonicMicros)`. */
export const monotonicMicros = (): Micros => Number(process.hrtime.bigint() / 1_000n);

/** Node's timers overflow beyond 2^31 - 1 ms; a longer wait is made of several. */
const WAIT_MAX_MS = 2_000_000_000;

export interface SystemClock extends Clock {
  /** Drops all timers, so that they do not keep the process alive. */
  close(): void;
}

/**
 * One heap of timers over one timer of Node's, so that timers fire in the order of their due times, and equal ones in
 * the order of setting. Each fires in a step of its own.
 */
class HeapClock implements SystemClock {
  readonly #reactor: Reactor;
  readonly #heap = new DueHeap();
  readonly #timers = new Map<TimerId, Due>();
  #lastId = 0;
  #waiting: { readonly timeout: NodeJS.Timeout; readonly at: Micros } | null = null;

  constructor(reactor: Reactor) {
    this.#reactor = reactor;
  }

  now(): Micros {
    return this.#reactor.now();
  }

  wallNow(): Millis {
    return Date.now();
  }

  setTimer(delay: Micros, fire: () => void): TimerId {
    if (!(delay >= 0)) throw new Error(`A timer's delay is 0 or more, not ${delay}`);
    const id = ++this.#lastId;
    const from = this.#reactor.stepping ? this.#reactor.now() : monotonicMicros();
    const due = this.#heap.add(from + delay, () => {
      this.#timers.delete(id);
      this.#reactor.step({ port: 'clock', id, kind: 'timer' }, fire);
    });
    this.#timers.set(id, due);
    this.#wait();
    return id;
  }

  clearTimer(id: TimerId): void {
    const due = this.#timers.get(id);
    if (due === undefined) return;
    this.#timers.delete(id);
    this.#heap.remove(due);
    if (this.#heap.size === 0) this.#stopWaiting();
  }

  close(): void {
    for (const due of this.#timers.values()) this.#heap.remove(due);
    this.#timers.clear();
    this.#stopWaiting();
  }

  #wait(): void {
    const first = this.#heap.first();
    if (first === undefined || (this.#waiting !== null && this.#waiting.at <= first.at)) return;
    this.#stopWaiting();
    const ms = Math.ceil((first.at - monotonicMicros()) / 1_000);
    const timeout = setTimeout(() => this.#fireDue(), Math.min(Math.max(ms, 0), WAIT_MAX_MS));
    this.#waiting = { timeout, at: first.at };
  }

  #stopWaiting(): void {
    if (this.#waiting !== null) clearTimeout(this.#waiting.timeout);
    this.#waiting = null;
  }

  #fireDue(): void {
    this.#waiting = null;
    // Timers set by these steps are due later than this: a timer of 0 must not keep sockets from being served.
    const until = monotonicMicros();
    try {
      for (let first = this.#heap.first(); first !== undefined && first.at <= until; first = this.#heap.first()) {
        this.#heap.remove(first);
        first.fire();
      }
    } finally {
      this.#wait();
    }
  }
}

export const createClock = (reactor: Reactor): SystemClock => new HeapClock(reactor);
