/** Waits for a connection: so many requests go to all servers at once, and so many to one. */
import type { Clock, Micros } from '../../ports/clock.ts';
import { millis } from '../../ports/clock.ts';
import type { Failure } from '../../protocol/result.ts';
import { trackerLimits } from './limits.ts';

/** One that waits, or has its turn. Exactly one of both is called, in a later step. */
export interface Waiting {
  /** Its turn: whoever has it calls `over` once. */
  begin(over: (unreachable: Failure | null) => void): void;
  /** The server was found to be unreachable a moment ago, or too many wait. */
  refuse(error: Failure): void;
}

interface Server {
  readonly name: string;
  underWay: number;
  readonly waiting: Set<Waiting>;
  /** Of the last that could not reach it. */
  error: Failure | null;
  downUntil: Micros;
}

const tooMany: Failure = { code: 'busy', message: 'too many announces wait for their turn' };

export class Line {
  readonly #clock: Clock;
  /** In the order in which they are served: the one that was served goes behind the others. */
  readonly #servers = new Map<string, Server>();
  #underWay = 0;
  #waiting = 0;
  #pumping = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Requests that have a connection. */
  get underWay(): number {
    return this.#underWay;
  }

  /** The answer takes it out of the line while it waits; later it does nothing. */
  join(name: string, waiting: Waiting): () => void {
    const server = this.#server(name);
    if (this.#clock.now() < server.downUntil && server.error !== null) {
      const { error } = server;
      return this.#later(() => waiting.refuse(error));
    }
    if (this.#waiting >= trackerLimits.waitingMax) return this.#later(() => waiting.refuse(tooMany));
    server.waiting.add(waiting);
    this.#waiting++;
    this.#pumpLater();
    return () => {
      if (server.waiting.delete(waiting)) this.#waiting--;
    };
  }

  #server(name: string): Server {
    let server = this.#servers.get(name);
    if (server === undefined) {
      if (this.#servers.size >= trackerLimits.serversMax) this.#forgetIdle();
      server = { name, underWay: 0, waiting: new Set(), error: null, downUntil: 0 };
      this.#servers.set(name, server);
    }
    return server;
  }

  #forgetIdle(): void {
    for (const { name, underWay, waiting } of this.#servers.values()) {
      if (underWay === 0 && waiting.size === 0) this.#servers.delete(name);
    }
  }

  #later(run: () => void): () => void {
    const timer = this.#clock.setTimer(0, run);
    return () => this.#clock.clearTimer(timer);
  }

  #pumpLater(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    this.#clock.setTimer(0, () => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    for (let server = this.#next(); server !== null; server = this.#next()) {
      const [first] = server.waiting;
      if (first === undefined) return;
      server.waiting.delete(first);
      this.#waiting--;
      server.underWay++;
      this.#underWay++;
      this.#servers.delete(server.name);
      this.#servers.set(server.name, server);
      this.#begin(server, first);
    }
  }

  #next(): Server | null {
    if (this.#underWay >= trackerLimits.connectionsMax || this.#waiting === 0) return null;
    for (const server of this.#servers.values()) {
      if (server.waiting.size > 0 && server.underWay < trackerLimits.connectionsPerServerMax) return server;
    }
    return null;
  }

  #begin(server: Server, waiting: Waiting): void {
    let isOver = false;
    waiting.begin((unreachable) => {
      if (isOver) return;
      isOver = true;
      server.underWay--;
      this.#underWay--;
      if (unreachable !== null) this.#down(server, unreachable);
      this.#pumpLater();
    });
  }

  /** What one has found out is told to all that wait for the same server. */
  #down(server: Server, error: Failure): void {
    server.error = error;
    server.downUntil = this.#clock.now() + millis(trackerLimits.downMs);
    const refused = [...server.waiting];
    this.#waiting -= refused.length;
    server.waiting.clear();
    for (const waiting of refused) this.#later(() => waiting.refuse(error));
  }
}
