import type { Crypto } from '../ports/crypto.ts';

const SMALLEST_BYTES = 16 * 1024;

/**
 * Memory for pieces under way, shared by all transfers of a node: never more than the limit (but always one buffer, or
 * nothing could move). Buffers come in powers of two and are used again; free ones of other sizes make room.
 */
export class BufferPool {
  readonly #crypto: Pick<Crypto, 'allocate'>;
  readonly #bytesMax: number;
  readonly #free = new Map<number, Uint8Array[]>();
  readonly #waiting = new Set<() => void>();
  #usedBytes = 0;
  #freeBytes = 0;

  constructor(crypto: Pick<Crypto, 'allocate'>, bytesMax: number) {
    this.#crypto = crypto;
    this.#bytesMax = bytesMax;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** At least `bytes` long; null when the limit is reached. */
  take(bytes: number): Uint8Array | null {
    const size = sizeFor(bytes);
    if (this.#usedBytes > 0 && this.#usedBytes + size > this.#bytesMax) return null;
    this.#usedBytes += size;
    const again = this.#free.get(size)?.pop();
    if (again !== undefined) {
      this.#freeBytes -= size;
      return again;
    }
    if (this.#usedBytes + this.#freeBytes > this.#bytesMax) {
      this.#free.clear();
      this.#freeBytes = 0;
    }
    return this.#crypto.allocate(size);
  }

  /** The buffer must not be used any more. Who waits is told, one after the other. */
  give(buffer: Uint8Array): void {
    const free = this.#free.get(buffer.length) ?? [];
    free.push(buffer);
    this.#free.set(buffer.length, free);
    this.#usedBytes -= buffer.length;
    this.#freeBytes += buffer.length;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const retry of waiting) retry();
  }

  /** Calls `retry` once when a buffer has come free. */
  wait(retry: () => void): void {
    this.#waiting.add(retry);
  }
}

const sizeFor = (bytes: number): number => 2 ** Math.ceil(Math.log2(Math.max(bytes, SMALLEST_BYTES)));

const BOUNCE_BYTES = 64 * 1024;
const WORD_BYTES = 8;
/** In ordinary memory, beginning at a word. */
const bounce = new Uint8Array(BOUNCE_BYTES + WORD_BYTES);

/**
 * Copies into memory of `Crypto.allocate`. That is shared memory, into which V8 copies byte by byte unless both sides
 * stand alike to a word (0.5 s a GiB); so what stands otherwise goes through memory that stands right (0.1 s).
 */
export const copyInto = (memory: Uint8Array, at: number, bytes: Uint8Array): void => {
  const shift = (memory.byteOffset + at) % WORD_BYTES;
  if (bytes.byteOffset % WORD_BYTES === shift) {
    memory.set(bytes, at);
    return;
  }
  for (let from = 0; from < bytes.length; from += BOUNCE_BYTES) {
    const part = bytes.subarray(from, from + BOUNCE_BYTES);
    bounce.set(part, shift);
    memory.set(bounce.subarray(shift, shift + part.length), at + from);
  }
};
