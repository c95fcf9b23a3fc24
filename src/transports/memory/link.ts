import { type Micros, millis } from '../../ports/clock.ts';
import { below } from '../../ports/random.ts';
import type { Random } from '../../ports/random.ts';

export interface LinkQuality {
  readonly latencyMs: number;
  /** Added to the latency, uniformly from 0 up to this. */
  readonly jitterMs: number;
}

/** What waits for a link that is blocked. */
export interface Held {
  release(): void;
}

/** The way from one host to another; the way back is another link. */
export class Link {
  readonly random: Random;
  #latency: Micros = 0;
  #jitter: Micros = 0;
  #blocks = 0;
  readonly #held = new Set<Held>();

  constructor(random: Random, quality: LinkQuality) {
    this.random = random;
    this.setQuality(quality);
  }

  setQuality({ latencyMs, jitterMs }: LinkQuality): void {
    this.#latency = millis(latencyMs);
    this.#jitter = millis(jitterMs);
  }

  /** Without jitter. */
  get latency(): Micros {
    return this.#latency;
  }

  /** How long the next packet travels. */
  travelTime(): Micros {
    return this.#jitter === 0 ? this.#latency : this.#latency + below(this.random, 'jitter', this.#jitter);
  }

  get blocked(): boolean {
    return this.#blocks > 0;
  }

  /** Blocks may overlap: the link is open again when each has been taken away. */
  block(): void {
    this.#blocks++;
  }

  unblock(): void {
    this.#blocks = Math.max(0, this.#blocks - 1);
    if (this.#blocks === 0) this.#release();
  }

  /** Takes all blocks away. */
  heal(): void {
    if (this.#blocks === 0) return;
    this.#blocks = 0;
    this.#release();
  }

  /** Is released when the link is open again. */
  hold(held: Held): void {
    this.#held.add(held);
  }

  #release(): void {
    const held = [...this.#held];
    this.#held.clear();
    for (const one of held) one.release();
  }
}
