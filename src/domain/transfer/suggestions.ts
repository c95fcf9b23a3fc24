import type { PieceIndex } from '../../protocol/bittorrent/ids.ts';

const MANY = 0xffff;

/**
 * What a node that has everything would rather be asked for next: the piece that it gave least. Peers that ask a lone seed
 * know neither what others asked of it a moment ago nor what arrived beyond their neighbours; left to themselves they
 * fetch many pieces from it twice before every piece has left it once, and until then nobody can finish. Told by
 * `suggest` (BEP 6); advice, which a peer takes where the piece is as rare as any in its own view.
 */
export class Suggestions {
  readonly #given: Uint16Array;
  readonly #below: (limit: number) => number;

  /** `below` draws a uniform integer from 0 to its argument, that excluded. */
  constructor(pieceCount: number, below: (limit: number) => number) {
    this.#given = new Uint16Array(pieceCount);
    this.#below = below;
  }

  /** A peer was promised the piece: it was suggested, or asked for without that. */
  give(piece: PieceIndex): void {
    this.#given[piece] = Math.min(MANY, (this.#given[piece] as number) + 1);
  }

  /** The piece given least that the peer lacks, ties at random; null where it lacks none. */
  next(lacks: (piece: PieceIndex) => boolean): PieceIndex | null {
    const { length } = this.#given;
    const from = this.#below(length);
    let best = -1;
    let least = MANY + 1;
    for (let n = 0; n < length; n++) {
      const piece = (from + n) % length;
      const given = this.#given[piece] as number;
      if (given < least && lacks(piece as PieceIndex)) {
        best = piece;
        least = given;
        if (least === 0) break;
      }
    }
    return best === -1 ? null : (best as PieceIndex);
  }
}
