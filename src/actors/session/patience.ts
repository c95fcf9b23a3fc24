/**
 * When a node gives another proxy a try although the link to its own stands: one that fell silent closes no connection, and
 * one that does not reach the primary may be the only one (docs/availability.md, one fault: writes resume within 6 s).
 */
import type { Clock, Micros, TimerId } from '../../ports/clock.ts';
import { millis } from '../../ports/clock.ts';

export interface PatienceWays {
  /** Since when the oldest request waits that was sent over this link (of a person: `personal`); null where none does. */
  waitingSince(personal: boolean): Micros | null;
  /** The proxy has said that it knows no primary, and one may come by itself. */
  withoutPrimary(): boolean;
  /** It has said that none will come by itself as far as it sees, and other proxies have not. */
  stranded(): boolean;
  /** Asks the proxy for a sign of life. */
  ping(): void;
  /** To the next proxy. */
  leave(reason: string): void;
}

const LOOK_EVERY_MS = 500;
/** A request that waits so long, and not a word from the proxy: is it there? */
const PING_AFTER_MS = 1_000;
/** A failover takes less, so that a node does not run about in each. */
const PATIENCE_MS = 3_000;
/** No failover is to be waited for: another proxy may see a primary, and who waits is to hear of either soon. */
const STRANDED_MS = 1_000;
/** Where no proxy has an answer the next try takes twice as long, up to this; not where a person waits. */
const PATIENCE_MAX_MS = 6_000;

export class ProxyPatience {
  readonly #clock: Clock;
  readonly #ways: PatienceWays;
  #heardAt: Micros = 0;
  #patienceMs = PATIENCE_MS;
  #timer: TimerId | null = null;

  constructor(clock: Clock, ways: PatienceWays) {
    this.#clock = clock;
    this.#ways = ways;
  }

  /** The link is up, or something came over it. */
  heard(): void {
    this.#heardAt = this.#clock.now();
  }

  /** A request was answered to the end: this proxy does its work. */
  answered(): void {
    this.#patienceMs = PATIENCE_MS;
  }

  /** A request has left: from now on it is looked after it, as long as one waits. */
  sent(): void {
    this.#timer ??= this.#clock.setTimer(millis(LOOK_EVERY_MS), () => {
      this.#timer = null;
      this.#look();
    });
  }

  stop(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #look(): void {
    const since = this.#ways.waitingSince(false);
    if (since === null) return;
    const now = this.#clock.now();
    const person = this.#ways.waitingSince(true);
    const silence = now - Math.max(this.#heardAt, since);
    const silent = silence >= millis(this.#patienceMs);
    const long = now - since >= millis(this.#patienceMs) || (person !== null && now - person >= millis(PATIENCE_MS));
    if (now - since >= millis(STRANDED_MS) && this.#ways.stranded())
      return this.#ways.leave('it reaches no tracker that may lead, and a request waits');
    if (silent || (long && this.#ways.withoutPrimary())) {
      this.#patienceMs = Math.min(PATIENCE_MAX_MS, this.#patienceMs * 2);
      this.#ways.leave(
        silent ? `nothing heard for ${Math.round(silence / 1_000)} ms, and a request waits` : 'it has no primary, and a request waits',
      );
      return;
    }
    if (silence >= millis(PING_AFTER_MS)) this.#ways.ping();
    this.sent();
  }
}
