/**
 * Forced promotions. R2 keeps a replica from leading that may lack acknowledged changes; an operator may override it, and
 * what only the other replica had is overridden with it. The configuration carries how often that has happened, every
 * replica remembers of which generation its log is, and a log of an older one than the primary's may hold *applied*
 * entries that the primary does not have: they are kept aside (quarantine) before they are replaced. Between logs of the
 * same generation that stays a broken invariant.
 */
import type { Configuration } from './types.ts';

export const generationOf = ({ generation }: Pick<Configuration, 'generation'>): number => generation ?? 0;

/** The field as configurations carry it: left out where no promotion was ever forced. */
export const withGeneration = (generation: number): Pick<Configuration, 'generation'> => (generation === 0 ? {} : { generation });

/**
 * The search for the last entry that two logs have in common, by asking for single ones: where one is the same, all
 * before it are (the hash chain). A value of its own for each search.
 */
export class CommonSearch {
  /** The last one known to be the same, or that could not be compared because it is compacted; -1 for none. */
  #low = -1;
  /** The first one known to differ, or behind the end. */
  #high: number;
  #same = -1;
  readonly #firstGuess: number;

  /** @param applied where they agree most often: the end of what the follower has applied. @param end the last entry that both may have. */
  constructor(applied: number, end: number) {
    this.#high = end + 1;
    this.#firstGuess = Math.min(applied, end);
  }

  /** The next one to compare; null when the search is over. */
  get next(): number | null {
    if (this.#high - this.#low <= 1) return null;
    return this.#low === -1 && this.#firstGuess < this.#high ? this.#firstGuess : Math.floor((this.#low + this.#high) / 2);
  }

  /** The last entry that is the same, after the search; null where none could be found. */
  get common(): number | null {
    return this.#same < 0 ? null : this.#same;
  }

  /** From where on nothing is known to differ: `common`, or later where entries could not be compared. */
  get undisputed(): number {
    return this.#low;
  }

  /** What came of comparing `next`. `unknown`: it is compacted on the asking side. */
  compared(seq: number, outcome: 'same' | 'other' | 'unknown'): void {
    if (outcome === 'other') this.#high = Math.min(this.#high, seq);
    else this.#low = Math.max(this.#low, seq);
    if (outcome === 'same') this.#same = Math.max(this.#same, seq);
  }
}
