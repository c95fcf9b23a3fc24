import type { Reactor } from '../../src/bus/reactor.ts';
import type { Clock, Micros, Millis, TimerId } from '../../src/ports/clock.ts';
import type { Due } from '../../src/ports/due-heap.ts';

/** How the clocks of a process's machine differ from the world's. */
export interface ClockQuality {
  /** Local seconds per second of the world. Default 1. */
  readonly rate?: number;
  /** What wall time is wrong by, in milliseconds. Default 0. */
  readonly wallSkewMs?: number;
}

/** The part of the world that clocks and answers are driven by. */
export interface Scheduler {
  now(): Micros;
  wallNow(): Millis;
  at(time: Micros, fire: () => void): Due;
  cancel(due: Due): void;
}

/** A process's clock over virtual time. */
export class SimulatedClock implements Clock {
  readonly #scheduler: Scheduler;
  readonly #reactor: Reactor;
  readonly #rate: number;
  readonly #wallSkewMs: number;
  readonly #timers = new Map<TimerId, Due>();
  #lastId = 0;

  constructor(scheduler: Scheduler, reactor: Reactor, quality: ClockQuality) {
    this.#scheduler = scheduler;
    this.#reactor = reactor;
    this.#rate = quality.rate ?? 1;
    this.#wallSkewMs = quality.wallSkewMs ?? 0;
  }

  now(): Micros {
    return this.#reactor.now();
  }

  wallNow(): Millis {
    return this.#scheduler.wallNow() + this.#wallSkewMs;
  }

  setTimer(delay: Micros, fire: () => void): TimerId {
    if (!(delay >= 0)) throw new Error(`A timer's delay is 0 or more, not ${delay}`);
    const id = ++this.#lastId;
    const due = this.#scheduler.at(this.#scheduler.now() + Math.ceil(delay / this.#rate), () => {
      this.#timers.delete(id);
      this.#reactor.step({ port: 'clock', id, kind: 'timer' }, fire);
    });
    this.#timers.set(id, due);
    return id;
  }

  clearTimer(id: TimerId): void {
    const due = this.#timers.get(id);
    if (due === undefined) return;
    this.#timers.delete(id);
    this.#scheduler.cancel(due);
  }

  /** The process is gone. */
  drop(): void {
    for (const due of this.#timers.values()) this.#scheduler.cancel(due);
    this.#timers.clear();
  }
}
