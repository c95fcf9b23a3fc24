import { type Micros, millis, seconds } from '../../ports/clock.ts';

/** Wrong passwords that cost nothing: people mistype. */
const FREE_FAILURES = 5;
const FIRST_DELAY_MS = 1_000;
const DELAY_MAX_MS = 5 * 60_000;
/** After so long without a failure all is forgotten. */
const MEMORY_SECONDS = 15 * 60;
const ENTRIES_MAX = 10_000;

interface Entry {
  failures: number;
  lastAt: Micros;
  freeAt: Micros;
}

/**
 * Slows down guessing: after five wrong passwords for an account from one host, each further one doubles the wait. By
 * (account, host), so that nobody locks somebody else out. Soft state: a failover forgives at most one window.
 */
export class LoginThrottle {
  /** In the order of their last failure, oldest first. */
  readonly #entries = new Map<string, Entry>();

  /** Milliseconds until the next try is allowed; 0 when it is now. */
  waitMs(folded: string, host: string, now: Micros): number {
    const entry = this.#entries.get(keyOf(folded, host));
    return entry === undefined || now - entry.lastAt > seconds(MEMORY_SECONDS) ? 0 : Math.ceil(Math.max(0, entry.freeAt - now) / 1_000);
  }

  failed(folded: string, host: string, now: Micros): void {
    const key = keyOf(folded, host);
    const before = this.#entries.get(key);
    this.#entries.delete(key);
    const forgotten = before === undefined || now - before.lastAt > seconds(MEMORY_SECONDS);
    const failures = forgotten ? 1 : before.failures + 1;
    const delayMs = failures < FREE_FAILURES ? 0 : Math.min(DELAY_MAX_MS, FIRST_DELAY_MS * 2 ** Math.min(20, failures - FREE_FAILURES));
    this.#entries.set(key, { failures, lastAt: now, freeAt: now + millis(delayMs) });
    if (this.#entries.size <= ENTRIES_MAX) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      break;
    }
  }

  /** Takes a failure back that was none: nobody looked at the password. */
  forgive(folded: string, host: string, now: Micros): void {
    const entry = this.#entries.get(keyOf(folded, host));
    if (entry === undefined) return;
    entry.failures--;
    entry.freeAt = now;
  }

  succeeded(folded: string, host: string): void {
    this.#entries.delete(keyOf(folded, host));
  }
}

const keyOf = (folded: string, host: string): string => `${host} ${folded}`;
