import type { Reactor } from '../../src/bus/reactor.ts';
import type { Clock, Micros, Millis, TimerId } from '../../src/ports/clock.ts';
import type { Due } from '../../src/ports/due-heap.ts';
import type { Gate } from './gate.ts';

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

/** The clocks of a machine, whatever runs on it. */
export class MachineClock {
  readonly #scheduler: Scheduler;
  #rate: number;
  /** Local time and the world's when the rate was last set. */
  #local = 0;
  #since: Micros = 0;
  /** What wall time is wrong by. */
  wallSkewMs: number;

  constructor(scheduler: Scheduler, quality: ClockQuality) {
    this.#scheduler = scheduler;
    this.#rate = quality.rate ?? 1;
    this.wallSkewMs = quality.wallSkewMs ?? 0;
  }

  get rate(): number {
    return this.#rate;
  }

  /** Microseconds of this machine since the world began; not whole. */
  now(): number {
    return this.#local + (this.#scheduler.now() - this.#since) * this.#rate;
  }

  wallNow(): Millis {
    return this.#scheduler.wallNow() + this.wallSkewMs;
  }

  /** From now on; timers that run must be re-based. */
  setRate(rate: number): void {
    if (!(rate > 0)) throw new Error(`The rate of a clock is above 0, not ${rate}`);
    this.#local = this.now();
    this.#since = this.#scheduler.now();
    this.#rate = rate;
  }
}

interface Timer {
  /** Local time at which it is due. */
  readonly at: number;
  readonly fire: () => void;
  due: Due;
}

/** A process's clock over virtual time. */
export class SimulatedClock implements Clock {
  readonly #scheduler: Scheduler;
  readonly #reactor: Reactor;
  readonly #machine: MachineClock;
  readonly #gate: Gate;
  readonly #timers = new Map<TimerId, Timer>();
  #lastId = 0;

  constructor(scheduler: Scheduler, reactor: Reactor, machine: MachineClock, gate: Gate) {
    this.#scheduler = scheduler;
    this.#reactor = reactor;
    this.#machine = machine;
    this.#gate = gate;
  }

  now(): Micros {
    return this.#reactor.now();
  }

  wallNow(): Millis {
    return this.#machine.wallNow();
  }

  setTimer(delay: Micros, fire: () => void): TimerId {
    if (!(delay >= 0)) throw new Error(`A timer's delay is 0 or more, not ${delay}`);
    const id = ++this.#lastId;
    this.#timers.set(id, { at: this.#machine.now() + delay, fire, due: this.#after(delay, id) });
    return id;
  }

  clearTimer(id: TimerId): void {
    const timer = this.#timers.get(id);
    if (timer === undefined) return;
    this.#timers.delete(id);
    this.#scheduler.cancel(timer.due);
  }

  /** The rate of the machine's clock has changed: what runs is due at another time of the world. */
  rebase(): void {
    const local = this.#machine.now();
    for (const [id, timer] of this.#timers) {
      // One that has fired waits at the gate.
      if (timer.due.place < 0) continue;
      this.#scheduler.cancel(timer.due);
      timer.due = this.#after(Math.max(0, timer.at - local), id);
    }
  }

  /** Timers that run. */
  get timers(): number {
    return this.#timers.size;
  }

  /** The process is gone. */
  drop(): void {
    for (const { due } of this.#timers.values()) this.#scheduler.cancel(due);
    this.#timers.clear();
  }

  #after(delay: number, id: TimerId): Due {
    return this.#scheduler.at(this.#scheduler.now() + Math.ceil(delay / this.#machine.rate), () => {
      if (this.#gate.open) this.#fire(id);
      else this.#gate.pass(() => this.#fire(id));
    });
  }

  #fire(id: TimerId): void {
    const timer = this.#timers.get(id);
    if (timer === undefined) return;
    this.#timers.delete(id);
    this.#reactor.step({ port: 'clock', id, kind: 'timer' }, timer.fire);
  }
}
