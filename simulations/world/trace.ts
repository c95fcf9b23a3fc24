import type { Cause } from '../../src/bus/reactor.ts';
import type { Micros } from '../../src/ports/clock.ts';

const hex = (lane: number): string => (lane >>> 0).toString(16).padStart(8, '0');

/**
 * The fingerprint of a run: a hash over every step of every process, in order. Two runs with the same hash did the
 * same. Two 32-bit lanes, for a hash of `node:crypto` for each step would cost more than the step.
 */
export class TraceHash {
  #a = 0x6a09_e667 | 0;
  #b = 0xbb67_ae85 | 0;
  readonly #words = new Map<string, number>();

  step(at: Micros, process: number, { port, kind, id, bytes }: Cause): void {
    this.#mix(at | 0);
    this.#mix(Math.floor(at / 0x1_0000_0000) | 0);
    this.#mix(process);
    this.#mix(this.#word(port));
    this.#mix(this.#word(kind));
    this.#mix(id | 0);
    if (bytes !== undefined) this.#mixBytes(bytes);
  }

  /** 16 hexadecimal digits. */
  digest(): string {
    return hex(this.#a) + hex(this.#b);
  }

  #mix(word: number): void {
    const a = Math.imul(this.#a ^ word, 0x9e37_79b1);
    this.#a = (a << 15) | (a >>> 17);
    this.#b = Math.imul(this.#b + word, 0x85eb_ca6b) ^ (this.#a >>> 7);
  }

  /** As `#mix` for every four bytes, with the lanes in local variables: it is most of what a trace costs. */
  #mixBytes(bytes: Uint8Array): void {
    const { length } = bytes;
    this.#mix(length);
    const view = new DataView(bytes.buffer, bytes.byteOffset, length);
    const whole = length - (length % 4);
    let a = this.#a;
    let b = this.#b;
    for (let at = 0; at < whole; at += 4) {
      const word = view.getInt32(at, true);
      const mixed = Math.imul(a ^ word, 0x9e37_79b1);
      a = (mixed << 15) | (mixed >>> 17);
      b = Math.imul(b + word, 0x85eb_ca6b) ^ (a >>> 7);
    }
    this.#a = a;
    this.#b = b;
    for (let at = whole; at < length; at++) this.#mix(view.getUint8(at));
  }

  /** A string as a word; ports and kinds are few. */
  #word(text: string): number {
    let word = this.#words.get(text);
    if (word === undefined) {
      word = 0;
      for (let i = 0; i < text.length; i++) word = Math.imul(word ^ text.charCodeAt(i), 0x0100_0193);
      this.#words.set(text, word);
    }
    return word;
  }
}
