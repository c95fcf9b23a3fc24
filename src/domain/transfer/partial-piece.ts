import type { PieceIndex } from '../../protocol/bittorrent/ids.ts';

/** What a piece is counted in: the block of ordinary clients. Larger blocks are whole runs of it. */
export const UNIT_BYTES = 16 * 1024;

/** Consecutive units of one piece. */
export interface Run {
  readonly piece: PieceIndex;
  readonly unit: number;
  readonly units: number;
}

/** A piece under way: which of its units were asked for and which are here. */
export class PartialPiece {
  readonly piece: PieceIndex;
  readonly units: number;
  /** Must come from one source alone, so that a liar among several is found out. */
  readonly exclusive: boolean;
  /** The peer that started it and goes on with it; null when that one left. */
  leader: number | null;
  readonly #asked: Uint8Array;
  readonly #got: Uint8Array;
  #free: number;
  #missing: number;

  constructor(piece: PieceIndex, bytes: number, leader: number, exclusive: boolean) {
    this.piece = piece;
    this.units = Math.ceil(bytes / UNIT_BYTES);
    this.exclusive = exclusive;
    this.leader = leader;
    this.#asked = new Uint8Array(this.units);
    this.#got = new Uint8Array(this.units);
    this.#free = this.units;
    this.#missing = this.units;
  }

  /** Units that are neither here nor asked for. */
  get free(): number {
    return this.#free;
  }

  get missing(): number {
    return this.#missing;
  }

  got(unit: number): boolean {
    return this.#got[unit] === 1;
  }

  asked(unit: number): number {
    return this.#asked[unit] as number;
  }

  /** Takes the first run of free units, of at most `unitsMax`, and marks it as asked for. */
  takeFree(unitsMax: number): Run | null {
    if (this.#free === 0) return null;
    let first = 0;
    while (this.#got[first] === 1 || this.#asked[first] !== 0) first++;
    let end = first;
    while (end < this.units && end - first < unitsMax && this.#got[end] === 0 && this.#asked[end] === 0) {
      this.#asked[end++] = 1;
      this.#free--;
    }
    return { piece: this.piece, unit: first, units: end - first };
  }

  /** Endgame: a run of units that others were asked for, at most `copiesMax` requests for each. */
  takeAgain(unitsMax: number, copiesMax: number, asking: (unit: number) => boolean): Run | null {
    const open = (unit: number): boolean => unit < this.units && this.#got[unit] === 0 && this.asked(unit) < copiesMax && !asking(unit);
    let first = 0;
    while (first < this.units && !open(first)) first++;
    let end = first;
    while (end - first < unitsMax && open(end)) this.#asked[end] = this.asked(end++) + 1;
    return end === first ? null : { piece: this.piece, unit: first, units: end - first };
  }

  /** A request for the unit is over without it: rejected, cancelled, or its peer is gone. */
  release(unit: number): void {
    if (this.#asked[unit] === 0) return;
    this.#asked[unit] = this.asked(unit) - 1;
    if (this.#asked[unit] === 0 && this.#got[unit] === 0) this.#free++;
  }

  /** Whether the unit was missing. */
  receive(unit: number): boolean {
    if (this.#got[unit] === 1) return false;
    if (this.#asked[unit] === 0) this.#free--;
    this.#got[unit] = 1;
    this.#missing--;
    return true;
  }

  /** Forgets what is here, so that one source delivers all of it. */
  restart(): void {
    this.#got.fill(0);
    this.#missing = this.units;
    this.#free = 0;
    for (const asked of this.#asked) if (asked === 0) this.#free++;
  }
}
