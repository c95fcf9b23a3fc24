/** Requests of a node under way: repeated over the next link under their own ids, answered exactly once. */
import type { RequestFailure } from '../../data/network.ts';
import { isWrite, lateAnswer } from '../../domain/routing/operations.ts';
import type { Clock, Micros, TimerId } from '../../ports/clock.ts';
import { millis } from '../../ports/clock.ts';
import { between, type Random } from '../../ports/random.ts';
import { TORRENT_BYTES_MAX } from '../../protocol/control/limits.ts';
import type {
  Durability,
  ErrorCode,
  Operation,
  OperationName,
  OperationResults,
  ReplyFrame,
  RequestFrame,
} from '../../protocol/control/messages.ts';
import { checkOperation, results } from '../../protocol/control/schemas.ts';
import { type Done, fail, ok } from '../../protocol/result.ts';

export interface Answer<K extends OperationName = OperationName> {
  readonly value: OperationResults[K];
  readonly tail: Uint8Array;
  /** Of the replica that answered. */
  readonly epoch: number;
  /** A follower answered in the place of a primary (`ReplyFrame.stale`). */
  readonly stale: boolean;
  readonly durability: Durability;
}

/** What an asker may say of a request beside the operation. */
export interface AskOptions {
  /** Wait for a link until the deadline; otherwise fail as soon as no proxy answers. */
  readonly hold: boolean;
  /** `replicated`: the change is refused as `degraded` where it would be kept on one tracker only. */
  readonly require?: RequestFrame['require'];
}

export interface AskWays {
  /** False when there is no link: it is sent when there is one. */
  send(frame: RequestFrame): boolean;
  token(): string | null;
  epochSeen(): number;
  /** Why there is no link, or null when there is one. */
  offlineWords(): string | null;
  /** Every proxy was tried in vain. */
  gaveUp(): boolean;
  /** No primary will come by itself: who does not want to wait need not. */
  stranded(): boolean;
  /** The tracker does not take the token any more. */
  tokenRefused(token: string | null): void;
  /** The tracker does not know this node (any more). */
  notEntered(): void;
}

export const REQUEST_DEADLINE_MS = 15_000;
const REQUESTS_MAX = 1_024;
const TAIL_BYTES_MAX = 64 * 1_048_576;
/** The proxy gives up a little earlier, so that its better answer arrives. */
const DEADLINE_SLACK_MS = 500;
/** A person is told that there is no tracker after this; a failover takes less. */
const UNAVAILABLE_PATIENCE_MS = 4_000;
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 1_000;

/** Not done; worth another try within the deadline. */
const RETRIED: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['busy', 'unavailable', 'not-primary', 'not-entered']);

/**
 * Said of one tracker as it is now. A copy of a change that was sent over a link that is down may wait at its proxy, and be
 * made by the same tracker later, or by the next one.
 */
const SAID_OF_ONE_COPY: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['disk-full', 'degraded']);

/** Their answer is only worth something now. */
const NOT_RETRIED: ReadonlySet<OperationName> = new Set<OperationName>(['alive', 'ping', 'cluster']);

interface Asked {
  readonly n: number;
  readonly operation: Operation;
  readonly tail: Uint8Array;
  readonly hold: boolean;
  readonly require: RequestFrame['require'];
  readonly done: Done<Answer, RequestFailure>;
  readonly askedAt: Micros;
  readonly deadlineAt: Micros;
  readonly timer: TimerId;
  /** Sent over the link of now, and not answered. */
  sent: boolean;
  /** When it was first sent over the link of now; null before. */
  sentAt: Micros | null;
  /** Sent over a link that went down before the answer. */
  lost: boolean;
  /** Whose request it is: the token that it was first sent with. Undefined before. */
  token: string | null | undefined;
  tries: number;
  lastFailure: RequestFailure | null;
  retry: TimerId | null;
}

export class Asking {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #client: string;
  readonly #ways: AskWays;
  readonly #asked = new Map<number, Asked>();
  /** Read-your-writes, also when the next proxy knows nothing of this node, nor of the primary that answered it. */
  #seqSeen = 0;
  #epochSeen = 0;
  #tailBytes = 0;
  #n = 0;

  /** `client`: 128 secret random bits as hexadecimal digits, new for each process start. */
  constructor(clock: Clock, random: Random, client: string, ways: AskWays) {
    this.#clock = clock;
    this.#random = random;
    this.#client = client;
    this.#ways = ways;
  }

  ask<K extends OperationName>(
    operation: Extract<Operation, { op: K }>,
    tail: Uint8Array,
    { hold, require = 'any' }: AskOptions,
    done: Done<Answer<K>, RequestFailure>,
  ): void {
    const problem = this.#problem(operation, tail);
    if (problem !== null) return void this.#clock.setTimer(0, () => done(problem));
    const n = ++this.#n;
    const timer = this.#clock.setTimer(millis(REQUEST_DEADLINE_MS), () => this.#expire(n));
    const asked: Asked = {
      n,
      operation,
      tail,
      hold,
      require,
      done: done as Done<Answer, RequestFailure>,
      askedAt: this.#clock.now(),
      deadlineAt: this.#clock.now() + millis(REQUEST_DEADLINE_MS),
      timer,
      sent: false,
      sentAt: null,
      lost: false,
      token: undefined,
      tries: 0,
      lastFailure: null,
      retry: null,
    };
    this.#asked.set(n, asked);
    this.#tailBytes += tail.length;
    this.#send(asked);
  }

  /** There is a link: everything under way is sent (again). */
  linkUp(): void {
    for (const asked of this.#asked.values()) this.#send(asked);
  }

  linkDown(): void {
    for (const asked of this.#asked.values()) {
      asked.lost ||= asked.sent;
      asked.sent = false;
      asked.sentAt = null;
    }
  }

  /** Since when the oldest request has waited that was sent over the link of now (of a person: `personal`); null where none does. */
  waitingSince(personal: boolean): Micros | null {
    let oldest: Micros | null = null;
    for (const { sentAt, hold } of this.#asked.values())
      if (sentAt !== null && !(personal && hold) && (oldest === null || sentAt < oldest)) oldest = sentAt;
    return oldest;
  }

  /** No proxy answers: who does not want to wait is told. */
  gaveUp(): void {
    for (const asked of this.#asked.values()) if (!asked.hold) this.#expire(asked.n);
  }

  replied(frame: ReplyFrame): void {
    const asked = frame.requestId.client === this.#client ? this.#asked.get(frame.requestId.n) : undefined;
    if (asked === undefined) return;
    this.#seqSeen = Math.max(this.#seqSeen, frame.seq);
    // The epoch that a stand-in names may be a candidate's, which may never come to be.
    if (frame.stale !== true) this.#epochSeen = Math.max(this.#epochSeen, frame.epoch);
    if (frame.body.ok) return this.#good(asked, frame, frame.body.value);
    const { code, message, retryAfterMs } = frame.body;
    if (code === 'session-expired') this.#ways.tokenRefused(asked.token ?? null);
    if (code === 'not-entered') this.#ways.notEntered();
    const waited = this.#clock.now() - asked.askedAt > millis(UNAVAILABLE_PATIENCE_MS);
    // Too many wrong passwords, say: who would have to wait beyond the deadline is told now for how long.
    const inVain = retryAfterMs !== undefined && this.#clock.now() + millis(retryAfterMs) >= asked.deadlineAt;
    const impatient = inVain || (!asked.hold && code === 'unavailable' && (waited || this.#ways.stranded()));
    const ofOneCopy = impatient || (SAID_OF_ONE_COPY.has(code) && frame.durability === 'none');
    if (ofOneCopy && asked.lost && isWrite(asked.operation.op)) return this.#expire(asked.n);
    if (impatient || !RETRIED.has(code) || NOT_RETRIED.has(asked.operation.op)) return this.#finish(asked, fail(code, message));
    asked.sent = false;
    asked.lastFailure = { code, message };
    const wait = retryAfterMs ?? Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(asked.tries, 5));
    asked.tries += 1;
    const jittered = Math.min(10_000, wait) * between(this.#random, 'request retry', 1, 1.5);
    asked.retry ??= this.#clock.setTimer(millis(jittered), () => {
      asked.retry = null;
      this.#send(asked);
    });
  }

  /** Answers everything: the node stops. */
  stop(): void {
    for (const asked of this.#asked.values()) this.#expire(asked.n);
  }

  #problem(operation: Operation, tail: Uint8Array): { readonly ok: false; readonly error: RequestFailure } | null {
    const unfit = checkOperation(operation);
    if (unfit !== null) return fail('bad-request', `That cannot be asked (${unfit}).`);
    if (tail.length > TORRENT_BYTES_MAX)
      return fail(
        'too-large',
        `A torrent file of ${tail.length} bytes is over the limit of ${TORRENT_BYTES_MAX}; use a larger piece length.`,
      );
    if (this.#asked.size >= REQUESTS_MAX || this.#tailBytes + tail.length > TAIL_BYTES_MAX) {
      return fail('busy', 'Too many requests of this node are under way.');
    }
    return null;
  }

  #send(asked: Asked): void {
    if (asked.sent || asked.retry !== null) return;
    const left = Math.floor((asked.deadlineAt - this.#clock.now()) / 1_000) - DEADLINE_SLACK_MS;
    // Somebody else may have signed in since it was first sent, and that may still be under way: asked as another, one
    // request would be two, of which one may be refused and the other done.
    const token = asked.token === undefined ? this.#tokenFor(asked.operation) : asked.token;
    const sent = this.#ways.send({
      kind: 'request',
      requestId: { client: this.#client, n: asked.n },
      token,
      operation: asked.operation,
      minSeq: this.#seqSeen,
      require: asked.require,
      deadlineMs: Math.max(1, left),
      epoch: Math.max(this.#epochSeen, this.#ways.epochSeen()),
      from: null,
      tail: asked.tail,
    });
    asked.sent = sent;
    if (sent) {
      asked.token = token;
      asked.sentAt ??= this.#clock.now();
    }
    if (!sent && !asked.hold && this.#ways.gaveUp()) this.#expireSoon(asked);
  }

  #tokenFor({ op }: Operation): string | null {
    return op === 'register' || op === 'login' ? null : this.#ways.token();
  }

  /** Nothing is answered from within the call that asked. */
  #expireSoon(asked: Asked): void {
    this.#clock.setTimer(0, () => this.#expire(asked.n));
  }

  #good(asked: Asked, frame: ReplyFrame, value: object): void {
    const parsed = results[asked.operation.op].safeParse(value);
    if (!parsed.success) return this.#finish(asked, fail('internal', `The tracker's answer to ${asked.operation.op} is not understood.`));
    this.#finish(
      asked,
      ok({ value: parsed.data, tail: frame.tail, epoch: frame.epoch, stale: frame.stale === true, durability: frame.durability }),
    );
  }

  #expire(n: number): void {
    const asked = this.#asked.get(n);
    if (asked === undefined) return;
    const offline = this.#ways.offlineWords();
    const late = lateAnswer(asked.operation.op, asked.sent || asked.lost);
    if (late.code === 'indeterminate') return this.#finish(asked, fail(late.code, late.message));
    if (offline !== null) return this.#finish(asked, fail('offline', sentence(offline)));
    this.#finish(asked, { ok: false, error: asked.lastFailure ?? late });
  }

  #finish(asked: Asked, result: Parameters<Asked['done']>[0]): void {
    this.#asked.delete(asked.n);
    this.#tailBytes -= asked.tail.length;
    this.#clock.clearTimer(asked.timer);
    if (asked.retry !== null) this.#clock.clearTimer(asked.retry);
    asked.done(result);
  }
}

const sentence = (words: string): string => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
