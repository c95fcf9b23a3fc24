/** Trackers of which one at a time is in use: a tier of a public torrent, all tiers of a private one. */
import type { TimerId } from '../../ports/clock.ts';
import { millis } from '../../ports/clock.ts';
import { trackerLimits } from './limits.ts';
import type { TrackerSetting } from './standing.ts';
import type { Tracker } from './tracker.ts';

export class Lane {
  readonly #setting: TrackerSetting;
  /** In the order in which they are tried: tier by tier, and in each the one first that answered last (BEP 12). */
  readonly #trackers: Tracker[];
  /** The one that answered last. */
  #current: Tracker | null = null;
  /** Those that were asked since the lane last had no answer. */
  readonly #tried = new Set<Tracker>();
  #turn: TimerId | null = null;
  #patience: TimerId | null = null;
  #completed = false;
  #running = false;
  /** Something is to be said as soon as the answer that is awaited has come. */
  #again = false;

  constructor(setting: TrackerSetting, trackers: readonly Tracker[]) {
    this.#setting = setting;
    this.#trackers = [...trackers];
  }

  start(): void {
    this.#running = true;
    this.#begin();
  }

  /** The download is complete: its trackers hear of it once each, the one in use at once. */
  complete(): void {
    if (this.#completed) return;
    this.#completed = true;
    this.#hurry(0);
  }

  /** More peers are wanted: asks as soon as the tracker in use allows. */
  wantMore(): void {
    if (this.#current !== null) this.#hurry(this.#current.earliestAt);
  }

  /** Says nothing more by itself. */
  halt(): void {
    this.#running = false;
    this.#clear();
    for (const tracker of this.#trackers) if (tracker.asking) tracker.drop();
  }

  get #asking(): boolean {
    return this.#trackers.some(({ asking }) => asking);
  }

  /** Announces at that time, or now where it has passed; an announce that is planned sooner stays. */
  #hurry(at: number): void {
    if (!this.#running) return;
    if (this.#asking) {
      this.#again = true;
      return;
    }
    const planned = this.#current?.nextAt ?? null;
    if (planned === null || planned > at) this.#beginAt(at);
  }

  #beginAt(at: number): void {
    const { clock } = this.#setting;
    if (this.#turn !== null) clock.clearTimer(this.#turn);
    this.#turn = clock.setTimer(Math.max(0, at - clock.now()), () => {
      this.#turn = null;
      this.#begin();
    });
  }

  #begin(): void {
    this.#tried.clear();
    this.#again = false;
    this.#next();
  }

  /** Asks the next one that may be asked. A private torrent stays with the one that works while it does (BEP 27). */
  #next(): void {
    if (!this.#running) return;
    const { clock, member } = this.#setting;
    const first = member.private && this.#current !== null ? [this.#current] : [];
    const candidate = [...first, ...this.#trackers].find(
      (tracker) => !this.#tried.has(tracker) && !tracker.asking && tracker.notBefore !== null && tracker.notBefore <= clock.now(),
    );
    if (candidate === undefined) {
      if (!this.#asking) this.#rest();
      return;
    }
    const completed = this.#completed;
    this.#tried.add(candidate);
    candidate.announce(completed, {
      begun: () => this.#bePatient(),
      replied: () => this.#use(candidate),
      done: ({ works }) => this.#answered(candidate, works, completed),
    });
  }

  /** While it does not answer, the next one is asked too; of a private torrent only when it has failed. */
  #bePatient(): void {
    const { clock, member } = this.#setting;
    if (member.private) return;
    if (this.#patience !== null) clock.clearTimer(this.#patience);
    this.#patience = clock.setTimer(millis(trackerLimits.patienceMs), () => {
      this.#patience = null;
      this.#next();
    });
  }

  /** `completed`: whether it was told so, if it had to be. */
  #answered(tracker: Tracker, works: boolean, completed: boolean): void {
    if (!this.#running) return;
    if (!works) {
      this.#next();
      return;
    }
    this.#beginAt(this.#completed && !completed ? 0 : this.#again ? tracker.earliestAt : (tracker.nextAt ?? 0));
  }

  /** It is the one in use from now on. */
  #use(tracker: Tracker): void {
    const { member } = this.#setting;
    const before = this.#current;
    this.#clear();
    for (const other of this.#trackers) {
      if (other === tracker) continue;
      if (other.asking) other.giveUp();
      other.rest();
    }
    this.#current = tracker;
    this.#preferWithinTier(tracker);
    if (member.private && before !== null && before !== tracker) member.switched?.();
  }

  /** Nobody answers: waits for the first that may be tried again. */
  #rest(): void {
    const times = this.#trackers.flatMap(({ notBefore }) => notBefore ?? []);
    if (times.length > 0) this.#beginAt(Math.min(...times));
  }

  #preferWithinTier(tracker: Tracker): void {
    const { tier } = tracker.place;
    this.#trackers.splice(this.#trackers.indexOf(tracker), 1);
    const at = this.#trackers.findIndex(({ place }) => place.tier >= tier);
    this.#trackers.splice(at < 0 ? this.#trackers.length : at, 0, tracker);
  }

  #clear(): void {
    const { clock } = this.#setting;
    if (this.#turn !== null) clock.clearTimer(this.#turn);
    if (this.#patience !== null) clock.clearTimer(this.#patience);
    this.#turn = null;
    this.#patience = null;
  }
}
