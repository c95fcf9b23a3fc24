/**
 * Copies of one change: a node that changes its proxy sends again what was not answered, and the first copy may still be
 * on its way or at work. Each alone is judged by what is there when its turn comes: one might be refused and the other done.
 */
import { indeterminateWords } from '../../domain/routing/operations.ts';
import { requestIdText } from '../../domain/routing/request-log.ts';
import { type Clock, type Micros, seconds } from '../../ports/clock.ts';
import type { ErrorCode, ReplyFrame, RequestFrame } from '../../protocol/control/messages.ts';
import { sha256, toHex } from '../../protocol/digest.ts';

export interface Refused {
  readonly code: ErrorCode;
  readonly message: string;
}

type Reply = (frame: ReplyFrame) => void;

/** No request waits for longer; a copy that comes later finds nobody who waits for it. */
const REMEMBERED_SECONDS = 60;
const REFUSALS_MAX = 4_096;
/** Nobody takes these for an end: the request is asked again, or what became of it is not known. By all others it was not done. */
const NOT_FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'busy',
  'unavailable',
  'not-primary',
  'not-entered',
  'indeterminate',
  'internal',
]);

const mayBeDone = ({ operation }: RequestFrame): ReplyFrame['body'] => ({
  ok: false,
  code: 'indeterminate',
  message: indeterminateWords(operation.op),
});

/** Whoever knows no more than the id of a request is not told what came of it. */
const keyOf = ({ requestId, operation, token }: RequestFrame): string =>
  `${requestIdText(requestId)} ${toHex(sha256(JSON.stringify([operation, token])))}`;

/**
 * Of the changes under way who waits for the reply; of those that were refused, with what words; and which are still
 * being written though whoever asked was told that their time is up.
 */
export class Copies {
  readonly #clock: Clock;
  readonly #underWay = new Map<string, Reply[]>();
  /** How many of the copies of each are still being written. The replica bounds them. */
  readonly #undecided = new Map<string, number>();
  /** The oldest first. */
  readonly #refused = new Map<string, Refused & { readonly at: Micros }>();
  #waiting = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Copies that wait for the reply of another one. */
  get waiting(): number {
    return this.#waiting;
  }

  /** True where another copy is at work. Otherwise this one is from now on. `reply` hears what the one at work is answered. */
  joins(request: RequestFrame, reply: Reply): boolean {
    const key = keyOf(request);
    const others = this.#underWay.get(key);
    if (others === undefined) {
      this.#underWay.set(key, [reply]);
      return false;
    }
    others.push(reply);
    this.#waiting++;
    return true;
  }

  /** How a copy was refused of late: so is every later one. */
  refusalOf(request: RequestFrame): Refused | null {
    const refused = this.#refused.get(keyOf(request));
    return refused === undefined || this.#clock.now() - refused.at > seconds(REMEMBERED_SECONDS) ? null : refused;
  }

  /** The copy at work has its answer: all that wait are told, it first. */
  answered(request: RequestFrame, frame: ReplyFrame): void {
    const key = keyOf(request);
    const waiting = this.#underWay.get(key) ?? [];
    this.#underWay.delete(key);
    this.#waiting -= Math.max(0, waiting.length - 1);
    const { body } = frame;
    const final = !body.ok && !NOT_FINAL.has(body.code);
    const premature = final && this.#undecided.has(key);
    if (final && !premature) this.#remember(key, { code: body.code, message: body.message, at: this.#clock.now() });
    const told = premature ? { ...frame, body: mayBeDone(request) } : frame;
    for (const reply of waiting) reply(told);
  }

  /** A copy that was answered already is still being written, until `decided`: no other one is told that it was refused. */
  leftUndecided(request: RequestFrame): void {
    const key = keyOf(request);
    this.#undecided.set(key, (this.#undecided.get(key) ?? 0) + 1);
  }

  decided(request: RequestFrame): void {
    const key = keyOf(request);
    const left = (this.#undecided.get(key) ?? 0) - 1;
    if (left > 0) this.#undecided.set(key, left);
    else this.#undecided.delete(key);
  }

  clear(): void {
    this.#underWay.clear();
    this.#undecided.clear();
    this.#waiting = 0;
  }

  #remember(key: string, refused: Refused & { readonly at: Micros }): void {
    this.#refused.delete(key);
    this.#refused.set(key, refused);
    if (this.#refused.size <= REFUSALS_MAX) return;
    for (const oldest of this.#refused.keys()) {
      this.#refused.delete(oldest);
      break;
    }
  }
}
