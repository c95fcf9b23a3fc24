import { type Micros, millis } from '../../ports/clock.ts';
import { below } from '../../ports/random.ts';
import type { Random } from '../../ports/random.ts';

export interface LinkQuality {
  readonly latencyMs: number;
  /** Added to the latency, uniformly from 0 up to this. */
  readonly jitterMs: number;
  /** Of datagrams: this share of them is lost, 0 to 1. Default 0. Connections send again what is lost. */
  readonly lossShare?: number;
}

/** How bytes are cut. */
export interface Slicing {
  readonly bytesMax: number;
  readonly random: Random;
}

/** What waits for a link that is blocked. */
export interface Held {
  release(): void;
}

/** The way from one host to another; the way back is another link. */
export class Link {
  readonly random: Random;
  /** Bytes that come over it are cut at random into pieces of at most so many. */
  slicing: Slicing | null = null;
  /** Where jitter comes from. */
  #chance: Random;
  #latency: Micros = 0;
  #jitter: Micros = 0;
  #lossShare = 0;
  readonly #blocks = new Set<object>();
  readonly #held = new Set<Held>();

  constructor(random: Random, quality: LinkQuality) {
    this.random = random;
    this.#chance = random;
    this.setQuality(quality);
  }

  /** `chance`: where jitter comes from; by default the link's own. */
  setQuality({ latencyMs, jitterMs, lossShare = 0 }: LinkQuality, chance: Random = this.random): void {
    this.#chance = chance;
    this.#latency = millis(latencyMs);
    this.#jitter = millis(jitterMs);
    this.#lossShare = lossShare;
  }

  /** Without jitter. */
  get latency(): Micros {
    return this.#latency;
  }

  /** How long the next packet travels. */
  travelTime(): Micros {
    return this.#jitter === 0 ? this.#latency : this.#latency + below(this.#chance, 'jitter', this.#jitter);
  }

  /** How long the next datagram travels; null when it is lost. Draws of its own: connections are none the wiser. */
  datagramTime(): Micros | null {
    if (this.#lossShare > 0 && this.#chance.u32('datagram lost') < this.#lossShare * 0x1_0000_0000) return null;
    return this.#jitter === 0 ? this.#latency : this.#latency + below(this.#chance, 'datagram jitter', this.#jitter);
  }

  get blocked(): boolean {
    return this.#blocks.size > 0;
  }

  /** Blocks may overlap, each known by its cause: the link is open again when all have been taken away. */
  block(cause: object): void {
    this.#blocks.add(cause);
  }

  unblock(cause: object): void {
    if (this.#blocks.delete(cause) && this.#blocks.size === 0) this.#release();
  }

  /** Takes all blocks away. */
  heal(): void {
    if (this.#blocks.size === 0) return;
    this.#blocks.clear();
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
