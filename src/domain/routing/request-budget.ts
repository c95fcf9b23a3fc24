import type { Micros } from '../../ports/clock.ts';

/** A token bucket of requests: `perSecond` on average, `burst` at once. */
export class RequestBudget {
  readonly #perSecond: number;
  readonly #burst: number;
  #level: number;
  #at: Micros;

  constructor(perSecond: number, burst: number, now: Micros) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#level = burst;
    this.#at = now;
  }

  /** Whether so much could be taken. */
  has(now: Micros, cost: number): boolean {
    this.#fill(now);
    return this.#level >= cost;
  }

  /** Milliseconds to wait; 0 when `cost` was taken. */
  take(now: Micros, cost: number): number {
    this.#fill(now);
    if (this.#level >= cost) {
      this.#level -= cost;
      return 0;
    }
    return Math.ceil(((cost - this.#level) / this.#perSecond) * 1_000);
  }

  #fill(now: Micros): void {
    this.#level = Math.min(this.#burst, this.#level + ((now - this.#at) * this.#perSecond) / 1_000_000);
    this.#at = now;
  }
}
