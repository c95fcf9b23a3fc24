import {
  encodeMetadataMessage,
  type MetadataMessage,
  metadataPieceBytes,
  metadataPieceCount,
} from '../protocol/bittorrent/metadata-message.ts';
import type { Peer } from './peer.ts';

/** How often a peer may have the whole of it over one connection. */
const TIMES_MAX = 3;

/** Gives the info dictionary to peers that have come by a magnet link (BEP 9): each request gets its piece, or a reject. */
export class MetadataServing {
  readonly #info: Uint8Array;
  /** Pieces that each peer has had. */
  readonly #given = new WeakMap<Peer, number>();

  constructor(info: Uint8Array) {
    this.#info = info;
  }

  get bytes(): number {
    return this.#info.length;
  }

  /** `message`: what the peer sent. Answers to what was never asked are passed over. */
  message(peer: Peer, message: MetadataMessage): void {
    if (message.kind === 'request') peer.sendExtended('ut_metadata', encodeMetadataMessage(this.#answer(peer, message.piece)));
  }

  #answer(peer: Peer, piece: number): MetadataMessage {
    const count = metadataPieceCount(this.#info.length);
    const given = this.#given.get(peer) ?? 0;
    if (piece >= count || given >= count * TIMES_MAX) return { kind: 'reject', piece };
    this.#given.set(peer, given + 1);
    const data = this.#info.subarray(piece * metadataPieceBytes, (piece + 1) * metadataPieceBytes);
    return { kind: 'data', piece, totalBytes: this.#info.length, data };
  }
}
