import { Bitfield } from '../../protocol/bittorrent/bitfield.ts';
import type { PieceIndex } from '../../protocol/bittorrent/ids.ts';

/** How much a piece is wanted. 0: not at all; 1: low, 2: normal, 3: high. */
export type Priority = 0 | 1 | 2 | 3;
export const PRIORITY_NORMAL: Priority = 2;
export const PRIORITY_MAX = 3;

/**
 * What this node has of a content and what it wants: the facts that the picker, the wire and the progress bar share.
 * A piece is had from the moment it was verified and written.
 */
export class PieceMap {
  readonly count: number;
  readonly #have: Bitfield;
  readonly #pieceBytes: (piece: PieceIndex) => number;
  /** Null while every piece is wanted as any other, which is the rule. */
  #priorities: Uint8Array | null = null;
  #wantedMissing: number;
  #wantedBytes = 0;
  #doneBytes = 0;

  /** `pieceBytes` counts data without padding. Every piece starts out wanted as any other. */
  constructor(count: number, pieceBytes: (piece: PieceIndex) => number) {
    this.count = count;
    this.#have = Bitfield.empty(count);
    this.#pieceBytes = pieceBytes;
    this.#wantedMissing = count;
    for (let piece = 0; piece < count; piece++) this.#wantedBytes += pieceBytes(piece as PieceIndex);
  }

  has(piece: PieceIndex): boolean {
    return this.#have.has(piece);
  }

  get haveCount(): number {
    return this.#have.size;
  }

  /** Everything there is, wanted or not. */
  get full(): boolean {
    return this.#have.complete;
  }

  /** A copy, as it goes over the wire and into the journal. */
  haveBytes(): Uint8Array {
    return this.#have.toBytes();
  }

  bytes(piece: PieceIndex): number {
    return this.#pieceBytes(piece);
  }

  priority(piece: PieceIndex): Priority {
    return this.#priorities === null ? PRIORITY_NORMAL : (this.#priorities[piece] as Priority);
  }

  setPriority(piece: PieceIndex, priority: Priority): void {
    this.#account(piece, -1);
    this.#priorities ??= new Uint8Array(this.count).fill(PRIORITY_NORMAL);
    this.#priorities[piece] = priority;
    this.#account(piece, 1);
  }

  /** Wanted and not had. */
  needs(piece: PieceIndex): boolean {
    return this.priority(piece) !== 0 && !this.#have.has(piece);
  }

  gain(piece: PieceIndex): void {
    if (this.#have.has(piece)) return;
    this.#account(piece, -1);
    this.#have.add(piece);
    this.#account(piece, 1);
  }

  /** The piece turned out not to be there: a re-check, a changed file. */
  lose(piece: PieceIndex): void {
    if (!this.#have.has(piece)) return;
    this.#account(piece, -1);
    this.#have.delete(piece);
    this.#account(piece, 1);
  }

  /** Everything that is wanted is had. */
  get complete(): boolean {
    return this.#wantedMissing === 0;
  }

  /** Bytes of wanted pieces. */
  get wantedBytes(): number {
    return this.#wantedBytes;
  }

  /** Bytes of wanted pieces that are had. */
  get doneBytes(): number {
    return this.#doneBytes;
  }

  get leftBytes(): number {
    return this.#wantedBytes - this.#doneBytes;
  }

  /** Takes a piece out of the sums, or puts it back. */
  #account(piece: PieceIndex, sign: 1 | -1): void {
    if (this.priority(piece) === 0) return;
    const bytes = this.#pieceBytes(piece) * sign;
    this.#wantedBytes += bytes;
    if (this.#have.has(piece)) this.#doneBytes += bytes;
    else this.#wantedMissing += sign;
  }
}
