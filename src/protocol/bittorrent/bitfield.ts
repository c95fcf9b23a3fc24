import type { PieceIndex } from './ids.ts';

/** A set of pieces of a torrent, laid out as the wire has it: piece 0 is the highest bit of the first byte. */
export class Bitfield {
  readonly pieceCount: number;
  readonly #bytes: Uint8Array;
  #size: number;

  private constructor(pieceCount: number, bytes: Uint8Array, size: number) {
    this.pieceCount = pieceCount;
    this.#bytes = bytes;
    this.#size = size;
  }

  /** No piece. */
  static empty(pieceCount: number): Bitfield {
    return new Bitfield(pieceCount, new Uint8Array(bitfieldBytes(pieceCount)), 0);
  }

  /** Every piece. */
  static full(pieceCount: number): Bitfield {
    const bytes = new Uint8Array(bitfieldBytes(pieceCount)).fill(0xff);
    const spare = bytes.length * 8 - pieceCount;
    if (spare > 0) bytes[bytes.length - 1] = (0xff << spare) & 0xff;
    return new Bitfield(pieceCount, bytes, pieceCount);
  }

  /** A copy of what came over the wire; null where the length is wrong or a spare bit at the end is set (BEP 3). */
  static from(bytes: Uint8Array, pieceCount: number): Bitfield | null {
    if (!isBitfield(bytes, pieceCount)) return null;
    let size = 0;
    for (const byte of bytes) size += bitsOfByte[byte] as number;
    // Not `slice`: a Buffer's shares its memory.
    return new Bitfield(pieceCount, new Uint8Array(bytes), size);
  }

  /** How many pieces are in the set. */
  get size(): number {
    return this.#size;
  }

  get complete(): boolean {
    return this.#size === this.pieceCount;
  }

  has(piece: PieceIndex): boolean {
    return ((this.#bytes[piece >> 3] as number) & (0x80 >> (piece & 7))) !== 0;
  }

  /** True where the piece was not in the set before. */
  add(piece: PieceIndex): boolean {
    if (this.has(piece)) return false;
    this.#bytes[piece >> 3] = (this.#bytes[piece >> 3] as number) | (0x80 >> (piece & 7));
    this.#size++;
    return true;
  }

  /** True where the piece was in the set before. */
  delete(piece: PieceIndex): boolean {
    if (!this.has(piece)) return false;
    this.#bytes[piece >> 3] = (this.#bytes[piece >> 3] as number) & ~(0x80 >> (piece & 7));
    this.#size--;
    return true;
  }

  /** Pieces of the set, in order. */
  *pieces(): IterableIterator<PieceIndex> {
    for (let index = 0; index < this.pieceCount; index++) {
      if ((index & 7) === 0 && this.#bytes[index >> 3] === 0) index += 7;
      else if (this.has(index as PieceIndex)) yield index as PieceIndex;
    }
  }

  clone(): Bitfield {
    return new Bitfield(this.pieceCount, this.#bytes.slice(), this.#size);
  }

  /** A copy of the bytes for the wire or the disk. */
  toBytes(): Uint8Array {
    return this.#bytes.slice();
  }
}

/** Bytes of a bitfield of so many pieces. */
export const bitfieldBytes = (pieceCount: number): number => Math.ceil(pieceCount / 8);

/** Whether the bytes are a bitfield of so many pieces: the right length, spare bits zero. */
export const isBitfield = (bytes: Uint8Array, pieceCount: number): boolean => {
  if (bytes.length !== bitfieldBytes(pieceCount)) return false;
  const spare = bytes.length * 8 - pieceCount;
  return spare === 0 || ((bytes.at(-1) ?? 0) & ((1 << spare) - 1)) === 0;
};

const bitsOfByte = Uint8Array.from({ length: 256 }, (_, byte) => {
  let bits = 0;
  for (let rest = byte; rest > 0; rest >>= 1) bits += rest & 1;
  return bits;
});
