/** Measures of speed, limits of speed, and what follows from them. Times are microseconds, rates bytes a second. */
import type { Micros } from '../../ports/clock.ts';

const SECOND = 1_000_000;
const SLOTS = 8;

/** Bytes a second over the last seconds, in slots of one second: steady enough to show, quick enough to choke by. */
export class RateMeter {
  /** Empty until something comes: most meters of a node with many contents never measure anything. */
  #slots: number[] = [];
  #second = -1;
  #first = -1;
  #total = 0;

  /** Bytes since the meter was made. */
  get total(): number {
    return this.#total;
  }

  add(now: Micros, bytes: number): void {
    this.#advance(now);
    const at = this.#second % SLOTS;
    this.#slots[at] = (this.#slots[at] ?? 0) + bytes;
    this.#total += bytes;
  }

  /** The average of up to seven whole seconds and the one that is under way. */
  rate(now: Micros): number {
    if (this.#first === -1) return 0;
    this.#advance(now);
    let sum = 0;
    for (const bytes of this.#slots) sum += bytes;
    const since = Math.max(this.#first, (this.#second - SLOTS + 1) * SECOND);
    return sum / Math.max(0.5, (now - since) / SECOND);
  }

  #advance(now: Micros): void {
    const second = Math.floor(now / SECOND);
    if (this.#first === -1) {
      this.#first = now;
      this.#slots = Array.from({ length: SLOTS }, () => 0);
      this.#second = second;
    }
    for (let s = Math.max(this.#second + 1, second - SLOTS + 1); s <= second; s++) this.#slots[s % SLOTS] = 0;
    this.#second = Math.max(this.#second, second);
  }
}

/**
 * A token bucket that may go into debt: a taker goes ahead while the level is above zero, so that a block larger than
 * the bucket is possible and the average still holds.
 */
export class TokenBucket {
  #rate: number;
  #level: number;
  #at: Micros;

  /** `bytesPerSecond` 0: no limit. */
  constructor(bytesPerSecond: number, now: Micros) {
    this.#rate = bytesPerSecond;
    this.#level = this.#burst();
    this.#at = now;
  }

  get bytesPerSecond(): number {
    return this.#rate;
  }

  setRate(bytesPerSecond: number, now: Micros): void {
    this.#refill(now);
    this.#rate = bytesPerSecond;
    this.#level = Math.min(this.#level, this.#burst());
  }

  /** Whether `bytes` may go now; then they are taken. */
  take(now: Micros, bytes: number): boolean {
    if (this.#rate === 0) return true;
    this.#refill(now);
    if (this.#level <= 0) return false;
    this.#level -= bytes;
    return true;
  }

  /** Gives back what was taken and not used. */
  giveBack(bytes: number): void {
    this.#level = Math.min(this.#level + bytes, this.#burst());
  }

  /** How long until `take` says yes. */
  waitMicros(now: Micros): Micros {
    if (this.#rate === 0) return 0;
    this.#refill(now);
    return this.#level > 0 ? 0 : Math.ceil(((1 - this.#level) / this.#rate) * SECOND);
  }

  /** A tenth of a second's worth may pass at once. */
  #burst(): number {
    return Math.max(1, this.#rate / 10);
  }

  #refill(now: Micros): void {
    this.#level = Math.min(this.#burst(), this.#level + ((now - this.#at) * this.#rate) / SECOND);
    this.#at = now;
  }
}

export const QUEUE_BYTES_MIN = 256 * 1024;
export const QUEUE_BYTES_MAX = 8 * 1024 * 1024;
/** What is asked for beyond bandwidth × delay, so that neither jitter nor a slow step of ours starves the link. */
const HEADROOM_SECONDS = 0.2;

/**
 * How many bytes to have asked for at one peer: bandwidth × delay and some headroom, where `delayMicros` is the
 * shortest time seen between a request and its block. A fixed pipeline starves on fast networks.
 */
export const requestQueueBytes = (rate: number, delayMicros: Micros | null): number => {
  const delay = delayMicros === null ? 0 : delayMicros / SECOND;
  const wanted = rate * (delay + HEADROOM_SECONDS);
  return Math.min(QUEUE_BYTES_MAX, Math.max(2 * QUEUE_BYTES_MIN, Math.ceil(wanted)));
};

/** A peer that owes blocks and has sent none for this long is snubbed: its requests go to others. */
export const SNUB_AFTER_MS = 30_000;

/** A block that comes more slowly than this, in bytes a second, is no help where others have it. */
const BLOCK_RATE_MIN = 2_048;

/** Whether a block that is coming in is to be had of somebody else instead: after the patience it has come at less than 2 KiB a second. */
export const isStalled = (facts: {
  readonly now: Micros;
  readonly startedAt: Micros;
  /** Bytes of it that have come. */
  readonly bytes: number;
  readonly othersCanDeliver: boolean;
}): boolean => {
  const tookMicros = facts.now - facts.startedAt;
  return facts.othersCanDeliver && tookMicros >= SNUB_AFTER_MS * 1_000 && (facts.bytes * 1_000_000) / tookMicros < BLOCK_RATE_MIN;
};

/**
 * Whether a peer has let us down: it holds requests and no byte of a block has come for the patience. The patience is
 * shorter while somebody else could deliver the same blocks at once.
 */
export const isSnubbed = (facts: {
  readonly now: Micros;
  readonly outstandingBytes: number;
  /** The later of its last block byte and the first of the requests that it holds. */
  readonly waitingSince: Micros;
  readonly othersCanDeliver: boolean;
}): boolean => {
  if (facts.outstandingBytes === 0) return false;
  const patienceMs = facts.othersCanDeliver ? SNUB_AFTER_MS / 3 : SNUB_AFTER_MS;
  return facts.now - facts.waitingSince >= patienceMs * 1_000;
};
