/** Tells a new primary what the old one knew of the swarms, at a bounded rate (docs/availability.md, soft state). */
import type { Clock, Micros, TimerId } from '../../ports/clock.ts';
import { millis } from '../../ports/clock.ts';
import type { AnnounceFrame, ReplyFrame, RequestFrame } from '../../protocol/control/messages.ts';
import type { AnnounceCache } from './announce-cache.ts';

/** Told of in one tick: nodes, and messages of at most 64 contents. */
const NODES_PER_TICK = 4;
const MESSAGES_PER_TICK = 8;
const TICK_MS = 10;
/** An `enter` that is not answered by then was lost. */
const DEADLINE_MS = 5_000;
/** Nodes whose `enter` is under way. */
const ENTERING_MAX = 256;

export interface ReplayWays {
  /** To the primary of now; false when there is none. */
  send(frame: RequestFrame | AnnounceFrame): boolean;
  epochSeen(): number;
}

export class Replayer {
  readonly #clock: Clock;
  readonly #cache: AnnounceCache;
  readonly #ways: ReplayWays;
  /** Its own requests: a random client id, so that nobody else's are mistaken for them. */
  readonly #client: string;
  /** In the order of asking. */
  readonly #entering = new Map<number, { readonly announces: readonly AnnounceFrame[]; readonly askedAt: Micros }>();
  /** Nodes still to be told of. */
  #nodes: Iterator<string> | null = null;
  /** Of nodes that are let in; one node's at a time. */
  readonly #messages: AnnounceFrame[][] = [];
  #timer: TimerId | null = null;
  #n = 0;

  constructor(clock: Clock, cache: AnnounceCache, client: string, ways: ReplayWays) {
    this.#clock = clock;
    this.#cache = cache;
    this.#client = client;
    this.#ways = ways;
  }

  /** Begins anew for another primary. */
  start(): void {
    this.stop();
    this.#nodes = this.#cache.nodes()[Symbol.iterator]();
    this.#tick();
  }

  stop(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#nodes = null;
    this.#messages.length = 0;
    this.#entering.clear();
  }

  /** Whether the reply was to one of these requests. */
  replied(reply: ReplyFrame): boolean {
    if (reply.requestId.client !== this.#client) return false;
    const asked = this.#entering.get(reply.requestId.n);
    this.#entering.delete(reply.requestId.n);
    if (reply.body.ok && asked !== undefined && asked.announces.length > 0) this.#messages.push([...asked.announces]);
    return true;
  }

  #tick(): void {
    this.#timer = null;
    this.#forgetLost();
    for (let count = 0; count < NODES_PER_TICK && this.#nodes !== null && this.#entering.size < ENTERING_MAX; count++) this.#enterNext();
    for (let count = 0; count < MESSAGES_PER_TICK && this.#messages.length > 0; count++) this.#announceNext();
    const over = this.#nodes === null && this.#entering.size === 0 && this.#messages.length === 0;
    if (!over) this.#timer = this.#clock.setTimer(millis(TICK_MS), () => this.#tick());
  }

  #enterNext(): void {
    const next = this.#nodes?.next();
    if (next === undefined || next.done === true) {
      this.#nodes = null;
      return;
    }
    const replay = this.#cache.replay(next.value);
    if (replay === null) return;
    this.#n += 1;
    const requestId = { client: this.#client, n: this.#n };
    const sent = this.#ways.send({ ...replay.enter, requestId, epoch: this.#ways.epochSeen(), deadlineMs: DEADLINE_MS });
    if (sent) this.#entering.set(this.#n, { announces: replay.announces, askedAt: this.#clock.now() });
  }

  /** Nodes in turn, so that one with very many contents holds up nobody. */
  #announceNext(): void {
    const [frame, ...rest] = this.#messages.shift() ?? [];
    if (frame !== undefined) this.#ways.send(frame);
    if (rest.length > 0) this.#messages.push(rest);
  }

  #forgetLost(): void {
    const since = this.#clock.now() - millis(DEADLINE_MS);
    for (const [n, { askedAt }] of this.#entering) {
      if (askedAt > since) return;
      this.#entering.delete(n);
    }
  }
}
