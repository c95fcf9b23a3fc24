/** Tells a new primary what the old one knew of the swarms, at a bounded rate (docs/availability.md, soft state). */
import type { Clock, TimerId } from '../../ports/clock.ts';
import { millis } from '../../ports/clock.ts';
import type { AnnounceFrame, ReplyFrame, RequestFrame } from '../../protocol/control/messages.ts';
import type { AnnounceCache } from './announce-cache.ts';

/** Nodes told of per tick. */
const NODES_PER_TICK = 4;
const TICK_MS = 10;
const DEADLINE_MS = 5_000;

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
  readonly #entering = new Map<number, readonly AnnounceFrame[]>();
  #waiting: string[] = [];
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
    this.#waiting = this.#cache.nodes();
    this.#tick();
  }

  stop(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#waiting = [];
    this.#entering.clear();
  }

  /** Whether the reply was to one of these requests. */
  replied(reply: ReplyFrame): boolean {
    if (reply.requestId.client !== this.#client) return false;
    const announces = this.#entering.get(reply.requestId.n);
    this.#entering.delete(reply.requestId.n);
    if (reply.body.ok) for (const frame of announces ?? []) this.#ways.send(frame);
    return true;
  }

  #tick(): void {
    for (const node of this.#waiting.splice(0, NODES_PER_TICK)) {
      const replay = this.#cache.replay(node);
      if (replay === null) continue;
      this.#n += 1;
      const requestId = { client: this.#client, n: this.#n };
      const sent = this.#ways.send({ ...replay.enter, requestId, epoch: this.#ways.epochSeen(), deadlineMs: DEADLINE_MS });
      if (sent) this.#entering.set(this.#n, replay.announces);
    }
    if (this.#waiting.length > 0) this.#timer = this.#clock.setTimer(millis(TICK_MS), () => this.#tick());
  }
}
