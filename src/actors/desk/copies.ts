/**
 * Copies of one change: a node that changes its proxy sends again what was not answered, and the first copy may still be
 * on its way or at work. Each alone is judged by what is there when its turn comes: one might be refused and the other done.
 */
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
/** Nobody takes these for an end: the same request is asked again, or what became of it is not known. */
const NOT_FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'busy',
  'unavailable',
  'not-primary',
  'not-entered',
  'indeterminate',
  'internal',
  'degraded',
  'disk-full',
]);

/** Whoever knows no more than the id of a request is not told what came of it. */
const keyOf = ({ requestId, operation, token }: RequestFrame): string =>
  `${requestIdText(requestId)} ${toHex(sha256(JSON.stringify([operation, token])))}`;

/** Of the changes under way who else waits for the reply; of those that were refused, with what words. */
export class Copies {
  readonly #clock: Clock;
  readonly #underWay = new Map<string, Reply[]>();
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

  /** True where another copy is at work: `reply` hears what that one is answered. Otherwise this one is at work from now on. */
  joins(request: RequestFrame, reply: Reply): boolean {
    const key = keyOf(request);
    const others = this.#underWay.get(key);
    if (others === undefined) {
      this.#underWay.set(key, []);
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

  /** The copy at work is answered: so are all that wait. */
  answered(request: RequestFrame, frame: ReplyFrame): void {
    const key = keyOf(request);
    const others = this.#underWay.get(key) ?? [];
    this.#underWay.delete(key);
    this.#waiting -= others.length;
    const { body } = frame;
    if (!body.ok && !NOT_FINAL.has(body.code)) this.#remember(key, { code: body.code, message: body.message, at: this.#clock.now() });
    for (const reply of others) reply(frame);
  }

  clear(): void {
    this.#underWay.clear();
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
