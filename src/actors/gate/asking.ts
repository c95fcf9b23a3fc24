/** Announces and scrapes of guests on their way to a replica: held while nobody serves, repeated, given up in time. */
import type { Clock, Micros, TimerId } from '../../ports/clock.ts';
import { millis } from '../../ports/clock.ts';
import type { GuestAnnouncedFrame, GuestAnnounceFrame, GuestScrapedFrame, GuestScrapeFrame } from '../../protocol/control/messages.ts';

type Question = GuestAnnounceFrame | GuestScrapeFrame;
type Outcome = GuestAnnouncedFrame['outcome'] | GuestScrapedFrame['outcome'];
type Answer = Exclude<Outcome, { kind: 'later' }>;

export interface AskingWays {
  /** Who serves now, and in which epoch; null: nobody. */
  serving(): string | null;
  /** To whoever serves. False: nobody does. */
  send(frame: Question): boolean;
}

interface UnderWay {
  readonly question: Question;
  readonly askedAt: Micros;
  /** Null: nobody answered in time. */
  readonly done: (answer: Answer | null) => void;
  sentTo: string | null;
}

/** A client waits no longer for its answer: a failover is over by then, usually, and a client by UDP repeats after 15 s. */
const HOLD_MS = 5_000;
/** A replica that cannot tell yet is asked again after so long. */
const AGAIN_MS = 250;

const SILENT_MS_MAX = 0xffff_ffff;

/** How long ago something was, in the milliseconds of a frame. */
export const silenceSince = (at: Micros, now: Micros): number => Math.min(SILENT_MS_MAX, Math.max(0, Math.floor((now - at) / 1_000)));

export class Asking {
  readonly #clock: Clock;
  readonly #ways: AskingWays;
  readonly #max: number;
  /** By nonce, in the order of asking. */
  readonly #underWay = new Map<number, UnderWay>();
  #nonce = 0;
  #holdTimer: TimerId | null = null;
  #againTimer: TimerId | null = null;

  constructor(clock: Clock, ways: AskingWays, underWayMax: number) {
    this.#clock = clock;
    this.#ways = ways;
    this.#max = underWayMax;
  }

  get size(): number {
    return this.#underWay.size;
  }

  /** Answers once, in a later step; false where too much is under way, and nothing is answered. */
  ask(question: Question, done: (answer: Answer | null) => void): boolean {
    if (this.#underWay.size >= this.#max) return false;
    const nonce = ++this.#nonce;
    const asked: UnderWay = { question: { ...question, nonce }, askedAt: this.#clock.now(), done, sentTo: null };
    this.#underWay.set(nonce, asked);
    this.#send(asked);
    this.#watch();
    return true;
  }

  /** Somebody else may serve, or nobody: what was sent elsewhere is lost, or sent again. */
  routeChanged(): void {
    for (const asked of this.#underWay.values()) this.#send(asked);
  }

  answered({ nonce, outcome }: GuestAnnouncedFrame | GuestScrapedFrame): void {
    const asked = this.#underWay.get(nonce);
    if (asked === undefined) return;
    if (outcome.kind === 'later') {
      asked.sentTo = null;
      return this.#again();
    }
    this.#underWay.delete(nonce);
    asked.done(outcome);
  }

  /** Gives all of it up: what waits is answered as if its time were over. */
  stop(): void {
    const waiting = [...this.#underWay.values()];
    this.#underWay.clear();
    for (const { done } of waiting) done(null);
    for (const timer of [this.#holdTimer, this.#againTimer]) if (timer !== null) this.#clock.clearTimer(timer);
    this.#holdTimer = null;
    this.#againTimer = null;
  }

  #send(asked: UnderWay): void {
    const serving = this.#ways.serving();
    if (serving === asked.sentTo) return;
    asked.sentTo = null;
    if (serving === null) return;
    const { question, askedAt } = asked;
    const frame = question.kind === 'guestScrape' ? question : { ...question, silentMs: silenceSince(askedAt, this.#clock.now()) };
    if (this.#ways.send(frame)) asked.sentTo = serving;
  }

  #again(): void {
    this.#againTimer ??= this.#clock.setTimer(millis(AGAIN_MS), () => {
      this.#againTimer = null;
      this.routeChanged();
    });
  }

  /** All wait equally long: the first one's time is over first. */
  #watch(): void {
    if (this.#holdTimer !== null) return;
    const first = this.#underWay.values().next();
    if (first.done === true) return;
    const left = Math.max(0, first.value.askedAt + millis(HOLD_MS) - this.#clock.now());
    this.#holdTimer = this.#clock.setTimer(left, () => {
      this.#holdTimer = null;
      const over = this.#clock.now() - millis(HOLD_MS);
      for (const [nonce, { askedAt, done }] of this.#underWay) {
        if (askedAt > over) break;
        this.#underWay.delete(nonce);
        done(null);
      }
      this.#watch();
    });
  }
}
