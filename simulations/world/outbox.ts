import type { Cause, Reactor } from '../../src/bus/reactor.ts';
import type { Micros } from '../../src/ports/clock.ts';
import type { Scheduler } from './clock.ts';

/** Whether the process still runs: none of its answers is delivered any more when it does not. */
export interface Life {
  readonly alive: boolean;
}

/** How a simulated port answers a process: later, in a step of its own, and not after the process is gone. */
export class Outbox {
  readonly #scheduler: Scheduler;
  readonly #reactor: Reactor;
  readonly #life: Life;
  readonly #port: Cause['port'];
  #freeAt: Micros = 0;
  #lastId = 0;

  constructor(port: Cause['port'], scheduler: Scheduler, reactor: Reactor, life: Life) {
    this.#port = port;
    this.#scheduler = scheduler;
    this.#reactor = reactor;
    this.#life = life;
  }

  /** Runs `work` after what was asked before, and `micros` of its own. */
  inTurn(micros: number, work: () => void): void {
    this.#freeAt = Math.max(this.#freeAt, this.#scheduler.now()) + Math.ceil(micros);
    this.#at(this.#freeAt, work);
  }

  /** Runs `work` after `micros`, whatever else is under way. */
  after(micros: number, work: () => void): void {
    this.#at(this.#scheduler.now() + Math.ceil(micros), work);
  }

  /** Delivers now; called from work that `inTurn` or `after` runs. */
  answer(kind: string, handle: () => void, bytes?: Uint8Array): void {
    const cause = { port: this.#port, id: ++this.#lastId, kind };
    this.#reactor.step(bytes === undefined ? cause : { ...cause, bytes }, handle);
  }

  #at(time: Micros, work: () => void): void {
    this.#scheduler.at(time, () => {
      if (this.#life.alive) work();
    });
  }
}
