import type { Clock } from '../ports/clock.ts';
import { millis } from '../ports/clock.ts';
import { Bitfield } from '../protocol/bittorrent/bitfield.ts';
import type { PieceIndex } from '../protocol/bittorrent/ids.ts';
import { encodeMessage } from '../protocol/bittorrent/wire.ts';
import type { PieceMap } from '../domain/transfer/piece-map.ts';
import { dataLimits } from './limits.ts';
import type { Peer } from './peer.ts';

/**
 * Tells the peers of a transfer of the pieces that have come, several at once: a `have` of its own for every piece and
 * peer is most of all messages in a large swarm, and would be most of its packets.
 */
export class News {
  readonly #clock: Clock;
  readonly #peers: ReadonlyMap<number, Peer>;
  #pieces: PieceIndex[] = [];

  /** `peers` changes as they come and go. */
  constructor(clock: Clock, peers: ReadonlyMap<number, Peer>) {
    this.#clock = clock;
    this.#peers = peers;
  }

  /** Tells a peer what has come since it was told `before`, while the two were still introducing themselves. */
  since(peer: Peer, before: Uint8Array | undefined, map: PieceMap): void {
    const told = before === undefined ? null : Bitfield.from(before, map.count);
    if (told === null || told.size === map.haveCount) return;
    const pieces: PieceIndex[] = [];
    for (let piece = 0 as PieceIndex; piece < map.count; piece = (piece + 1) as PieceIndex)
      if (map.has(piece) && !told.has(piece)) pieces.push(piece);
    tell(peer, pieces.map(haveOf));
  }

  /** The piece is here. The peers that lack it hear of it within `haveDelayMs`. */
  add(piece: PieceIndex): void {
    this.#pieces.push(piece);
    if (this.#pieces.length > 1) return;
    this.#clock.setTimer(millis(dataLimits.haveDelayMs), () => {
      const pieces = this.#pieces;
      this.#pieces = [];
      const haves = pieces.map(haveOf);
      for (const peer of this.#peers.values()) {
        tell(
          peer,
          haves.filter((_, n) => peer.bits?.has(pieces[n] as PieceIndex) !== true),
        );
      }
    });
  }
}

const haveOf = (piece: PieceIndex): Uint8Array => encodeMessage({ kind: 'have', piece });

const tell = (peer: Peer, haves: readonly Uint8Array[]): void => {
  if (haves.length > 0) peer.sendBytes(Buffer.concat(haves));
};
