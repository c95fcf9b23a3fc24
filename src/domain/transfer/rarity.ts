import type { PieceIndex } from '../../protocol/bittorrent/ids.ts';
import { PRIORITY_MAX, PRIORITY_NORMAL, type Priority } from './piece-map.ts';

/** Copies beyond this many are equally common. */
const AVAILABILITY_MAX = 63;
const BUCKETS = PRIORITY_MAX * (AVAILABILITY_MAX + 1);

/**
 * Pieces that may be started, ordered by priority, then rarity, ties at random: one array in which every bucket is a
 * run. A piece moves to a neighbouring bucket by one swap, so that a `have` costs the same with 16,384 pieces as with 16.
 */
export class RarityOrder {
  readonly #availability: Uint16Array;
  readonly #priority: Uint8Array;
  readonly #order: Int32Array;
  /** Where a piece stands in `order`; -1: it may not be started. */
  readonly #position: Int32Array;
  /** End of each bucket's run. */
  readonly #ends = new Int32Array(BUCKETS);
  readonly #below: (limit: number) => number;
  #size = 0;

  /** `below` draws a uniform integer from 0 to its argument, that excluded. */
  constructor(pieceCount: number, below: (limit: number) => number) {
    this.#availability = new Uint16Array(pieceCount);
    this.#priority = new Uint8Array(pieceCount).fill(PRIORITY_NORMAL);
    this.#order = new Int32Array(pieceCount);
    this.#position = new Int32Array(pieceCount).fill(-1);
    this.#below = below;
  }

  /** How many pieces may be started. */
  get size(): number {
    return this.#size;
  }

  at(place: number): PieceIndex {
    return this.#order[place] as PieceIndex;
  }

  contains(piece: PieceIndex): boolean {
    return this.#position[piece] !== -1;
  }

  /** Whether neither is to be started before the other. */
  sameRank(piece: PieceIndex, other: PieceIndex): boolean {
    return this.#bucket(piece) === this.#bucket(other);
  }

  /** How many peers have it, those that have everything not counted. */
  availability(piece: PieceIndex): number {
    return this.#availability[piece] as number;
  }

  add(piece: PieceIndex, priority: Priority): void {
    if (this.contains(piece) || priority === 0) return;
    this.#priority[piece] = priority;
    let place = this.#size++;
    const bucket = this.#bucket(piece);
    // A hole wanders from the end to the bucket: the first of each later bucket goes to that bucket's end.
    for (let b = BUCKETS - 1; b > bucket; b--) {
      const first = this.#ends[b - 1] as number;
      if (first !== place) this.#put(this.#order[first] as number, place);
      place = first;
      this.#ends[b] = (this.#ends[b] as number) + 1;
    }
    this.#put(piece, place);
    this.#ends[bucket] = place + 1;
    this.#shuffleIn(place, bucket);
  }

  remove(piece: PieceIndex): void {
    if (!this.contains(piece)) return;
    let place = this.#position[piece] as number;
    for (let b = this.#bucket(piece); b < BUCKETS; b++) {
      const last = (this.#ends[b] as number) - 1;
      if (last !== place) this.#put(this.#order[last] as number, place);
      place = last;
      this.#ends[b] = last;
    }
    this.#position[piece] = -1;
    this.#size--;
  }

  more(piece: PieceIndex): void {
    const copies = this.#availability[piece] as number;
    this.#availability[piece] = copies + 1;
    if (copies >= AVAILABILITY_MAX || !this.contains(piece)) return;
    const before = this.#bucket(piece) - 1;
    const last = (this.#ends[before] as number) - 1;
    this.#swap(this.#position[piece] as number, last);
    this.#ends[before] = last;
    this.#shuffleIn(last, before + 1);
  }

  fewer(piece: PieceIndex): void {
    const before = this.#bucket(piece);
    this.#availability[piece] = Math.max(0, (this.#availability[piece] as number) - 1);
    if (!this.contains(piece) || this.#bucket(piece) === before) return;
    const first = this.#ends[before - 1] as number;
    this.#swap(this.#position[piece] as number, first);
    this.#ends[before - 1] = first + 1;
    this.#shuffleIn(first, before - 1);
  }

  #bucket(piece: number): number {
    const common = Math.min(this.#availability[piece] as number, AVAILABILITY_MAX);
    return (PRIORITY_MAX - (this.#priority[piece] as number)) * (AVAILABILITY_MAX + 1) + common;
  }

  #shuffleIn(place: number, bucket: number): void {
    const start = bucket === 0 ? 0 : (this.#ends[bucket - 1] as number);
    this.#swap(place, start + this.#below((this.#ends[bucket] as number) - start));
  }

  #swap(a: number, b: number): void {
    const held = this.#order[a] as number;
    this.#put(this.#order[b] as number, a);
    this.#put(held, b);
  }

  #put(piece: number, place: number): void {
    this.#order[place] = piece;
    this.#position[piece] = place;
  }
}
