/**
 * Frames on a byte stream: `u32 length | u8 kind | body`, big-endian, where `length` counts the kind and the body.
 * Without I/O; decoding never throws on bytes (house rule 7).
 */

export interface Frame {
  /** 0 to 255. */
  readonly kind: number;
  /** Owned by whoever gets the frame. */
  readonly body: Uint8Array;
}

/** Frames found so far, in order; after a violation the decoder takes no more bytes. */
export interface DecodedFrames {
  readonly frames: readonly Frame[];
  /** Why the other side does not speak the protocol; null while it does. */
  readonly violation: string | null;
}

const FRAME_HEADER_BYTES = 5;
/** Up to this size a frame leaves as one piece; beyond it the parts are sent as they are, not copied. */
const JOINED_BYTES_MAX = 16_384;
/** Memory for a body grows as its bytes come, so that a length alone costs a liar nothing of ours. */
const FIRST_BODY_BYTES_MAX = 65_536;

/**
 * A frame, as pieces to be sent one after the other. Small frames are one new piece; for large ones the parts
 * themselves follow the header and must not change until they are sent.
 */
export const encodeFrame = (kind: number, parts: readonly Uint8Array[]): Uint8Array[] => {
  let bodyBytes = 0;
  for (const part of parts) bodyBytes += part.length;
  const joined = bodyBytes + FRAME_HEADER_BYTES <= JOINED_BYTES_MAX;
  const head = new Uint8Array(FRAME_HEADER_BYTES + (joined ? bodyBytes : 0));
  const length = bodyBytes + 1;
  head[0] = length >>> 24;
  head[1] = length >>> 16;
  head[2] = length >>> 8;
  head[3] = length;
  head[4] = kind;
  if (!joined) return [head, ...parts.filter((part) => part.length > 0)];
  let at = FRAME_HEADER_BYTES;
  for (const part of parts) {
    head.set(part, at);
    at += part.length;
  }
  return [head];
};

const NOTHING = new Uint8Array(0);

/** Finds frames in a stream that is cut anywhere. Each byte is copied once, into the body it belongs to. */
export class FrameDecoder {
  readonly #frameBytesMax: number;
  readonly #head = new Uint8Array(FRAME_HEADER_BYTES);
  #headBytes = 0;
  #body: Uint8Array = NOTHING;
  #bodyBytes = 0;
  #bodyBytesTotal = 0;
  #violation: string | null = null;

  /** `frameBytesMax`: the greatest `length` taken, kind and body together; 1 to 2^32 - 1. */
  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax;
  }

  /** Bytes held of a frame that has not come whole. */
  get pendingBytes(): number {
    return this.#headBytes + this.#bodyBytes;
  }

  /** Takes the next bytes of the stream; they may be lent, nothing of them is kept. */
  push(chunk: Uint8Array): DecodedFrames {
    const frames: Frame[] = [];
    let at = 0;
    while (this.#violation === null) {
      if (this.#headBytes < FRAME_HEADER_BYTES) {
        at += this.#takeHead(chunk, at);
        if (this.#violation !== null || this.#headBytes < FRAME_HEADER_BYTES) break;
      }
      at += this.#takeBody(chunk, at);
      if (this.#bodyBytes < this.#bodyBytesTotal) break;
      frames.push({ kind: this.#head[4] as number, body: this.#body });
      this.#headBytes = 0;
      this.#bodyBytes = 0;
      this.#body = NOTHING;
    }
    return { frames, violation: this.#violation };
  }

  /** The header's length is judged as soon as its four bytes are there. */
  #takeHead(chunk: Uint8Array, from: number): number {
    const count = Math.min(FRAME_HEADER_BYTES - this.#headBytes, chunk.length - from);
    for (let i = 0; i < count; i++) this.#head[this.#headBytes + i] = chunk[from + i] as number;
    this.#headBytes += count;
    if (this.#headBytes < 4) return count;
    const [a, b, c, d] = this.#head as unknown as readonly [number, number, number, number];
    const length = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
    if (length === 0) this.#violation = 'a frame of length zero has no kind';
    else if (length > this.#frameBytesMax) this.#violation = `a frame of ${length} bytes is over the limit of ${this.#frameBytesMax}`;
    this.#bodyBytesTotal = length - 1;
    return count;
  }

  #takeBody(chunk: Uint8Array, from: number): number {
    const count = Math.min(this.#bodyBytesTotal - this.#bodyBytes, chunk.length - from);
    if (count === this.#bodyBytesTotal) {
      // Most frames come whole.
      this.#body = new Uint8Array(chunk.subarray(from, from + count));
      this.#bodyBytes = count;
      return count;
    }
    this.#reserve(this.#bodyBytes + count);
    this.#body.set(chunk.subarray(from, from + count), this.#bodyBytes);
    this.#bodyBytes += count;
    return count;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#body.length) return;
    const doubled = Math.max(bytes, this.#body.length * 2, FIRST_BODY_BYTES_MAX);
    const grown = new Uint8Array(Math.min(doubled, this.#bodyBytesTotal));
    grown.set(this.#body.subarray(0, this.#bodyBytes));
    this.#body = grown;
  }
}
