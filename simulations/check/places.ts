/** What is on the disk of a replica's log, as a model: where each entry is, of which epoch, and its hash in short. */

/** An entry's place in a log. */
export interface Place {
  readonly seq: number;
  readonly epoch: number;
  /** The first 48 bits of its hash, which covers all that came before: enough to tell histories of a run apart. */
  readonly hash: number;
}

/** A place as the ledger says it. */
export interface RawPlace {
  readonly seq: number;
  readonly epoch: number;
  readonly hash: Uint8Array;
}

const shortHash = (hash: Uint8Array): number => {
  let short = 0;
  for (let index = 0; index < 6; index++) short = short * 256 + (hash[index] ?? 0);
  return short;
};

export const placeOf = ({ seq, epoch, hash }: RawPlace): Place => ({ seq, epoch, hash: shortHash(hash) });

export const samePlace = (a: Place, b: Place): boolean => a.seq === b.seq && a.epoch === b.epoch && a.hash === b.hash;

export const placeText = ({ seq, epoch, hash }: Place): string =>
  `${seq} of epoch ${epoch} (${hash.toString(16).padStart(12, '0').slice(0, 6)})`;

const EMPTY: Place = { seq: 0, epoch: 0, hash: 0 };

/** The durable log of one replica. Compaction is not followed: what was once there can be asked for until a snapshot replaces it. */
export class DurableLog {
  #base: Place = EMPTY;
  #places: Place[] = [];
  appliedSeq = 0;

  get last(): Place {
    return this.#places.at(-1) ?? this.#base;
  }

  /** What is older came as a snapshot. */
  get baseSeq(): number {
    return this.#base.seq;
  }

  /** Null behind the end, and before what came as a snapshot. */
  at(seq: number): Place | null {
    return seq === this.#base.seq ? this.#base : (this.#places[seq - this.#base.seq - 1] ?? null);
  }

  append(place: Place): void {
    this.#places.push(place);
  }

  /** What goes. */
  truncateAfter(seq: number): readonly Place[] {
    return this.#places.splice(Math.max(0, seq - this.#base.seq));
  }

  /** A snapshot takes the place of everything, or the log is what it is found to be. What goes. */
  replace(base: Place, appliedSeq: number): readonly Place[] {
    const gone = this.#places;
    this.#base = base;
    this.#places = [];
    this.appliedSeq = appliedSeq;
    return gone;
  }
}
