import type { Cause, Reactor } from '../../src/bus/reactor.ts';
import type { Micros } from '../../src/ports/clock.ts';
import { below, type Random } from '../../src/ports/random.ts';
import type { Scheduler } from './clock.ts';
import type { Gate } from './gate.ts';

/** Whether the process still runs: none of its answers is delivered any more when it does not. */
export interface Life {
  readonly alive: boolean;
  readonly gate: Gate;
}

/** How a simulated port answers a process: later, in a step of its own, and not after the process is gone. */
export class Outbox {
  readonly #scheduler: Scheduler;
  readonly #reactor: Reactor;
  readonly #life: Life;
  readonly #port: Cause['port'];
  /** What was asked in turn and has not happened yet, from `#head` on. */
  #pending: (() => void)[] = [];
  #head = 0;
  #freeAt: Micros = 0;
  #lastId = 0;

  constructor(port: Cause['port'], scheduler: Scheduler, reactor: Reactor, life: Life) {
    this.#port = port;
    this.#scheduler = scheduler;
    this.#reactor = reactor;
    this.#life = life;
  }

  /** Runs `work` after what was asked before, and `micros` of its own. It happens to a stopped process too: the system does it. */
  inTurn(micros: number, work: () => void): void {
    this.#freeAt = Math.max(this.#freeAt, this.#scheduler.now()) + Math.ceil(micros);
    this.#pending.push(work);
    this.#scheduler.at(this.#freeAt, () => {
      if (this.#life.alive) this.#next();
    });
  }

  /** Runs `work` after `micros`, whatever else is under way. */
  after(micros: number, work: () => void): void {
    this.#scheduler.at(this.#scheduler.now() + Math.ceil(micros), () => {
      if (this.#life.alive) work();
    });
  }

  /** Delivers now, or when the process goes on; called from work that `inTurn` or `after` runs. */
  answer(kind: string, handle: () => void, bytes?: Uint8Array): void {
    const [port, id] = [this.#port, ++this.#lastId];
    const deliver = (): void => {
      if (this.#life.alive) this.#reactor.step(bytes === undefined ? { port, id, kind } : { port, id, kind, bytes }, handle);
    };
    this.#life.gate.pass(deliver);
  }

  /** The process is gone: of what it asked for in turn, the system still does the first few. Nobody hears of it. */
  crash(random: Random, purpose: string): void {
    const count = below(random, purpose, this.#pending.length - this.#head + 1);
    for (let done = 0; done < count; done++) this.#next();
    this.#pending = [];
    this.#head = 0;
  }

  #next(): void {
    const work = this.#pending[this.#head++];
    if (this.#head * 2 > this.#pending.length) {
      this.#pending.splice(0, this.#head);
      this.#head = 0;
    }
    work?.();
  }
}
