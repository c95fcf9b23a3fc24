/** Requests under way at a proxy: held while there is no primary, repeated under their own id, answered exactly once. */
import { isWrite, lateAnswer } from '../../domain/routing/operations.ts';
import type { Clock, Micros, TimerId } from '../../ports/clock.ts';
import { millis } from '../../ports/clock.ts';
import { requestIdText } from '../../domain/routing/request-log.ts';
import { waitingWords } from '../../domain/routing/route.ts';
import type { ErrorCode, ReplyFrame, RequestFrame } from '../../protocol/control/messages.ts';

/** Where requests go now. */
export type Route =
  | { readonly kind: 'primary'; readonly name: string; readonly epoch: number }
  /** No primary: all but changes goes to this replica. Changes wait for a primary, or are refused where none will come by itself. */
  | { readonly kind: 'soft'; readonly follower: string; readonly waitsFor: string | null }
  | { readonly kind: 'hold' }
  | { readonly kind: 'unavailable' };

/** Who asked. The object stays the same while the link does. */
export interface Asker {
  /** Reads of this session see at least this entry: its own writes, and never an older state than before. */
  seqSeen: number;
  reply(frame: ReplyFrame): void;
}

export interface RequestWays {
  route(): Route;
  /** False when there is no link. */
  send(to: string, frame: RequestFrame): boolean;
  /** The highest epoch that a primary is known of (R12). */
  epochSeen(): number;
  sawEpoch(epoch: number): void;
  /** The one reply to a request, as it leaves. */
  answered(frame: RequestFrame, reply: ReplyFrame): void;
}

interface UnderWay {
  frame: RequestFrame;
  asker: Asker;
  readonly deadlineAt: Micros;
  readonly timer: TimerId;
  /** The replica that has it now, and the epoch it was sent in; null while held. */
  sentTo: string | null;
  sentEpoch: number;
  /** What the node had seen then. */
  sentMinSeq: number;
  /** Some replica may have done it, if it is a change. */
  maybeDone: boolean;
  /** `maybeDone` without what the last send adds to it: that one's answer says what became of it, but not of those before. */
  maybeDoneBefore: boolean;
}

export interface RequestLimits {
  readonly requestsUnderWayMax: number;
  readonly requestDeadlineMs: number;
  /** Tails of all requests together: torrent files on their way. */
  readonly tailBytesMax: number;
}

const RETRY_AFTER_MS = 100;
const BUSY_RETRY_MS = 500;
/** In the place of an epoch: sent to a follower. */
const SOFT = -1;
const NO_TAIL = new Uint8Array(0);

export class RequestTable {
  readonly #clock: Clock;
  readonly #limits: RequestLimits;
  readonly #ways: RequestWays;
  readonly #underWay = new Map<string, UnderWay>();
  #tailBytes = 0;
  #retryTimer: TimerId | null = null;

  constructor(clock: Clock, limits: RequestLimits, ways: RequestWays) {
    this.#clock = clock;
    this.#limits = limits;
    this.#ways = ways;
  }

  get size(): number {
    return this.#underWay.size;
  }

  /** Takes a request; it is answered once, at its deadline at the latest. */
  take(frame: RequestFrame, asker: Asker): void {
    const key = requestIdText(frame.requestId);
    const known = this.#underWay.get(key);
    if (known !== undefined) {
      // The node repeats it over a new link: the answer goes there.
      known.asker = asker;
      known.frame = withMoreSeen(known.frame, frame);
      return;
    }
    const { requestsUnderWayMax, tailBytesMax } = this.#limits;
    if (this.#underWay.size >= requestsUnderWayMax || this.#tailBytes + frame.tail.length > tailBytesMax) {
      return this.refuse(frame, asker, 'busy', 'The proxy has as many requests under way as it takes; try again.', BUSY_RETRY_MS);
    }
    const wait = millis(Math.min(frame.deadlineMs, this.#limits.requestDeadlineMs));
    const timer = this.#clock.setTimer(wait, () => this.#expire(key));
    const request: UnderWay = {
      frame,
      asker,
      deadlineAt: this.#clock.now() + wait,
      timer,
      sentTo: null,
      sentEpoch: 0,
      sentMinSeq: 0,
      maybeDone: false,
      maybeDoneBefore: false,
    };
    this.#underWay.set(key, request);
    this.#tailBytes += frame.tail.length;
    this.#dispatch(key, request);
  }

  /** Answers a request that is not taken. */
  refuse(frame: RequestFrame, asker: Asker, code: ErrorCode, message: string, retryAfterMs?: number): void {
    this.#answer(frame, asker, {
      kind: 'reply',
      requestId: frame.requestId,
      epoch: this.#ways.epochSeen(),
      seq: 0,
      durability: 'none',
      body: { ok: false, code, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
      tail: NO_TAIL,
    });
  }

  /** There is another route: what waits goes on its way, what was sent elsewhere is sent again. */
  routeChanged(): void {
    for (const [key, request] of this.#underWay) this.#dispatch(key, request);
  }

  /** The link to a replica is down: what it had is held, or goes to the next. */
  replicaDown(name: string): void {
    for (const request of this.#underWay.values()) if (request.sentTo === name) request.sentTo = null;
  }

  /** A reply of a replica; late ones, and those of a deposed primary, are dropped. */
  replied(from: string, reply: ReplyFrame): void {
    const key = requestIdText(reply.requestId);
    const request = this.#underWay.get(key);
    if (request === undefined || request.sentTo !== from) return;
    if (!this.#current(request, reply) || this.#tooOld(request, reply)) return this.#again(request);
    if (!reply.body.ok && reply.body.code === 'not-primary') {
      request.maybeDone = request.maybeDoneBefore;
      return this.#again(request);
    }
    if (!reply.body.ok && this.#undecided(request, reply.body.code)) return this.#again(request);
    request.asker.seqSeen = Math.max(request.asker.seqSeen, reply.seq);
    this.#forget(key, request);
    this.#answer(request.frame, request.asker, reply);
  }

  /**
   * Nothing that the asker could be told: whether the change is made is not known. A replica that has no time now says
   * nothing of what became of an earlier send.
   */
  #undecided({ frame, maybeDoneBefore }: UnderWay, code: ErrorCode): boolean {
    if (code === 'indeterminate') return true;
    return maybeDoneBefore && isWrite(frame.operation.op) && (code === 'busy' || code === 'unavailable');
  }

  /** Drops everything without an answer: the process stops. */
  clear(): void {
    for (const [key, request] of this.#underWay) this.#forget(key, request);
    if (this.#retryTimer !== null) this.#clock.clearTimer(this.#retryTimer);
    this.#retryTimer = null;
  }

  /**
   * R12: a reply below the highest epoch seen comes from a primary that was deposed. A follower's soft read has no epoch,
   * and what a replica says that is no primary raises none: a candidate's epoch may never come to be.
   */
  #current(request: UnderWay, reply: ReplyFrame): boolean {
    if (request.sentEpoch === SOFT) return true;
    if (reply.body.ok && reply.stale !== true) this.#ways.sawEpoch(reply.epoch);
    return reply.epoch >= this.#ways.epochSeen();
  }

  /** It was repeated by a node that has seen more since it was sent: what is read of an older state is asked again. */
  #tooOld({ frame, sentEpoch, sentMinSeq }: UnderWay, { seq, durability, body }: ReplyFrame): boolean {
    const isRead = body.ok && durability === 'none' && sentEpoch !== SOFT;
    return isRead && sentMinSeq < frame.minSeq && seq < frame.minSeq;
  }

  #again(request: UnderWay): void {
    request.sentTo = null;
    this.#retryTimer ??= this.#clock.setTimer(millis(RETRY_AFTER_MS), () => {
      this.#retryTimer = null;
      this.routeChanged();
    });
  }

  #dispatch(key: string, request: UnderWay): void {
    const route = this.#ways.route();
    const write = isWrite(request.frame.operation.op);
    if (route.kind === 'primary') return this.#send(request, route.name, route.epoch);
    if (route.kind === 'soft' && !write) return this.#send(request, route.follower, SOFT);
    // What may have been done is neither done nor refused: a primary that comes in time can tell.
    if (write && request.maybeDone) return;
    if (route.kind === 'unavailable') this.#turnAway(key, request, 'The proxy reaches neither tracker nor backup.');
    else if (route.kind === 'soft' && route.waitsFor !== null)
      this.#turnAway(key, request, `Nothing was changed: ${waitingWords(route.follower, route.waitsFor)}.`);
  }

  #turnAway(key: string, request: UnderWay, message: string): void {
    this.#forget(key, request);
    this.refuse(request.frame, request.asker, 'unavailable', message, BUSY_RETRY_MS);
  }

  #send(request: UnderWay, to: string, epoch: number): void {
    if (request.sentTo === to && request.sentEpoch === epoch) return;
    const { frame, asker } = request;
    const deadlineMs = Math.max(0, Math.floor((request.deadlineAt - this.#clock.now()) / 1_000));
    // Nothing else can answer: a follower is not asked for more than it has, and its reply says that it may be stale.
    // Otherwise what the node has seen counts too (R12): it may know of a primary that this proxy has not heard of yet.
    const seen =
      epoch === SOFT
        ? { epoch: 0, minSeq: 0 }
        : { epoch: Math.max(frame.epoch, this.#ways.epochSeen()), minSeq: Math.max(frame.minSeq, asker.seqSeen) };
    if (!this.#ways.send(to, { ...frame, ...seen, deadlineMs })) {
      request.sentTo = null;
      return;
    }
    request.sentTo = to;
    request.sentEpoch = epoch;
    request.sentMinSeq = frame.minSeq;
    request.maybeDoneBefore = request.maybeDone;
    request.maybeDone = true;
  }

  #expire(key: string): void {
    const request = this.#underWay.get(key);
    if (request === undefined) return;
    this.#forget(key, request);
    const { code, message } = lateAnswer(request.frame.operation.op, request.maybeDone);
    this.refuse(request.frame, request.asker, code, message);
  }

  #answer(frame: RequestFrame, asker: Asker, reply: ReplyFrame): void {
    this.#ways.answered(frame, reply);
    asker.reply(reply);
  }

  #forget(key: string, request: UnderWay): void {
    this.#underWay.delete(key);
    this.#tailBytes -= request.frame.tail.length;
    this.#clock.clearTimer(request.timer);
  }
}

/** A request that a node repeats says what the node has seen by now. */
const withMoreSeen = (known: RequestFrame, repeated: RequestFrame): RequestFrame => {
  const minSeq = Math.max(known.minSeq, repeated.minSeq);
  const epoch = Math.max(known.epoch, repeated.epoch);
  return minSeq === known.minSeq && epoch === known.epoch ? known : { ...known, minSeq, epoch };
};
