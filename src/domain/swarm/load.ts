import { type Micros, seconds } from '../../ports/clock.ts';

/** What a node has uploaded counts half after so long. */
const HALF_LIFE: Micros = seconds(60);
const MIB = 1_048_576;

/**
 * How busy a node is with uploading: the bytes by which its counters have grown, fading with time. Uploads under way are
 * not known to the tracker; what was uploaded in the last minute or two stands for them.
 */
export class UploadLoad {
  #bytes = 0;
  #at: Micros = 0;

  add(bytes: number, now: Micros): void {
    this.#bytes = this.#faded(now) + bytes;
    this.#at = now;
  }

  /**
   * 0 below 1 MiB, then one more with each doubling: among nodes about equally busy it is more to the point who was
   * handed out longest ago.
   */
  level(now: Micros): number {
    const bytes = this.#faded(now);
    return bytes < MIB ? 0 : 1 + Math.floor(Math.log2(bytes / MIB));
  }

  #faded(now: Micros): number {
    return this.#bytes * 0.5 ** ((now - this.#at) / HALF_LIFE);
  }
}
