import type { PieceIndex } from '../../protocol/bittorrent/ids.ts';

/** One delivery of a whole piece: who sent each unit, and a digest of what was sent. Names are the peers' stable ones. */
export interface Delivery {
  readonly sources: readonly string[];
  readonly digests: readonly string[];
}

export type BadPiece =
  /** One source sent all of it: that one lies. */
  | { readonly kind: 'ban'; readonly names: readonly string[] }
  /** Several did: ask for it again from one alone, and compare. */
  | { readonly kind: 'isolate' };

/** Suspect deliveries kept; the oldest go first. */
const DELIVERIES_MAX = 64;

/**
 * Finds out who sent wrong bytes, so that only the liar is punished: a bad piece from several sources is fetched again
 * from one; once it is right, whoever sent other bytes the first time is the liar.
 */
export class BlameLedger {
  readonly #suspect = new Map<PieceIndex, Delivery[]>();

  /** Whether a piece has failed before; then the digests of its next delivery are wanted. */
  suspects(piece: PieceIndex): boolean {
    return this.#suspect.has(piece);
  }

  failed(piece: PieceIndex, delivery: Delivery): BadPiece {
    const names = new Set(delivery.sources);
    if (names.size === 1) return { kind: 'ban', names: [...names] };
    const held = this.#suspect.get(piece) ?? [];
    this.#suspect.set(piece, [...held, delivery]);
    const [oldest] = this.#suspect.keys();
    if (this.#suspect.size > DELIVERIES_MAX && oldest !== undefined) this.#suspect.delete(oldest);
    return { kind: 'isolate' };
  }

  /** The piece is right now. Answers who sent other bytes before. */
  passed(piece: PieceIndex, digests: readonly string[]): readonly string[] {
    const liars = new Set<string>();
    for (const delivery of this.#suspect.get(piece) ?? []) {
      for (const [unit, digest] of delivery.digests.entries()) {
        if (digest !== digests[unit]) liars.add(delivery.sources[unit] as string);
      }
    }
    this.#suspect.delete(piece);
    return [...liars];
  }
}
