/** Who knocks at a gate, by address: how often, and how often with a key that is none. */
import { RequestBudget } from '../../domain/routing/request-budget.ts';
import type { Micros } from '../../ports/clock.ts';

export interface SourceLimits {
  readonly requestsPerSecond: number;
  readonly failuresPerMinute: number;
}

interface Source {
  readonly requests: RequestBudget;
  readonly failures: RequestBudget;
}

/** Addresses that are kept; the one that was heard longest ago goes first. */
const SOURCES_MAX = 50_000;
/** Clients with many torrents announce all of them when they start. */
const BURST_SECONDS = 10;
/** Passkeys that were good when they were used last: whoever has one does not guess. */
const GOOD_MAX = 50_000;

/** Whoever has one address of IPv6 has 2^64. */
const sourceOf = (host: string): string => {
  if (!host.includes(':')) return host;
  const [head = '', tail] = host.split('::', 2);
  const groups = head.split(':').filter((group) => group !== '');
  return tail === undefined || groups.length >= 4 ? groups.slice(0, 4).join(':') : `${groups.join(':')}::`;
};

export class Sources {
  readonly #limits: SourceLimits;
  readonly #sources = new Map<string, Source>();
  readonly #good = new Set<string>();

  constructor(limits: SourceLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#sources.size;
  }

  /** Whether it may ask one thing more now. */
  mayAsk(host: string, now: Micros): boolean {
    return this.#of(host, now).requests.take(now, 1) === 0;
  }

  /** Whether a passkey may be looked at: one that was good before, or any of who has not tried too many. */
  mayTry(host: string, passkeyHash: string, now: Micros): boolean {
    return this.#good.has(passkeyHash) || this.#of(host, now).failures.has(now, 1);
  }

  /** It came with a passkey that is none. */
  failed(host: string, passkeyHash: string | null, now: Micros): void {
    if (passkeyHash !== null) this.#good.delete(passkeyHash);
    this.#of(host, now).failures.take(now, 1);
  }

  succeeded(passkeyHash: string): void {
    this.#good.delete(passkeyHash);
    this.#good.add(passkeyHash);
    const oldest = this.#good.values().next();
    if (this.#good.size > GOOD_MAX && oldest.done !== true) this.#good.delete(oldest.value);
  }

  isGood(passkeyHash: string): boolean {
    return this.#good.has(passkeyHash);
  }

  #of(host: string, now: Micros): Source {
    const name = sourceOf(host);
    const { requestsPerSecond, failuresPerMinute } = this.#limits;
    const known = this.#sources.get(name);
    const source: Source = known ?? {
      requests: new RequestBudget(requestsPerSecond, requestsPerSecond * BURST_SECONDS, now),
      failures: new RequestBudget(failuresPerMinute / 60, failuresPerMinute, now),
    };
    this.#sources.delete(name);
    this.#sources.set(name, source);
    const oldest = this.#sources.keys().next();
    if (this.#sources.size > SOURCES_MAX && oldest.done !== true) this.#sources.delete(oldest.value);
    return source;
  }
}
