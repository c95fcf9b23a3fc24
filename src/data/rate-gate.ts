import type { Clock, TimerId } from '../ports/clock.ts';
import { TokenBucket } from '../domain/transfer/rates.ts';

/** Who may go on in one step. */
const TURNS_MAX = 1_024;

/**
 * A limit of speed for a whole node, shared fairly: who may not go on waits in line and goes on in turn, a run of blocks
 * at a time.
 */
export class RateGate {
  readonly #clock: Clock;
  readonly #bucket: TokenBucket;
  readonly #waiting = new Map<object, () => void>();
  #timer: TimerId | null = null;

  /** `bytesPerSecond` 0: no limit. */
  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock;
    this.#bucket = new TokenBucket(bytesPerSecond, clock.now());
  }

  get limited(): boolean {
    return this.#bucket.bytesPerSecond > 0;
  }

  /** 0 for no limit. */
  get bytesPerSecond(): number {
    return this.#bucket.bytesPerSecond;
  }

  setRate(bytesPerSecond: number): void {
    this.#bucket.setRate(bytesPerSecond, this.#clock.now());
    // Who waits was told when the old rate would have let it go.
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#schedule();
  }

  /** Whether `bytes` may go now. Whoever waits already goes first. */
  take(bytes: number): boolean {
    if (!this.limited) return true;
    if (this.#waiting.size > 0 && this.#timer !== null) return false;
    return this.#bucket.take(this.#clock.now(), bytes);
  }

  giveBack(bytes: number): void {
    if (this.limited && bytes > 0) this.#bucket.giveBack(bytes);
  }

  /** `retry` is called once, in turn, in a later step. */
  wait(who: object, retry: () => void): void {
    if (!this.#waiting.has(who)) this.#waiting.set(who, retry);
    this.#schedule();
  }

  forget(who: object): void {
    this.#waiting.delete(who);
  }

  stop(): void {
    this.#waiting.clear();
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #schedule(): void {
    if (this.#timer !== null || this.#waiting.size === 0) return;
    this.#timer = this.#clock.setTimer(this.#bucket.waitMicros(this.#clock.now()), () => this.#next());
  }

  #next(): void {
    this.#timer = null;
    for (let n = 0; n < TURNS_MAX && this.#bucket.waitMicros(this.#clock.now()) === 0; n++) {
      const [first] = this.#waiting;
      if (first === undefined) break;
      this.#waiting.delete(first[0]);
      first[1]();
    }
    this.#schedule();
  }
}
