import type { Clock } from '../ports/clock.ts';
import { millis } from '../ports/clock.ts';
import type { PieceIndex } from '../protocol/bittorrent/ids.ts';
import { encodeMessage } from '../protocol/bittorrent/wire.ts';
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

  /** The piece is here. The peers that lack it hear of it within `haveDelayMs`. */
  add(piece: PieceIndex): void {
    this.#pieces.push(piece);
    if (this.#pieces.length > 1) return;
    this.#clock.setTimer(millis(dataLimits.haveDelayMs), () => {
      const pieces = this.#pieces;
      this.#pieces = [];
      for (const peer of this.#peers.values()) {
        tell(
          peer,
          pieces.filter((one) => peer.bits?.has(one) !== true),
        );
      }
    });
  }
}

const tell = (peer: Peer, pieces: readonly PieceIndex[]): void => {
  if (pieces.length > 0) peer.sendBytes(Buffer.concat(pieces.map((piece) => encodeMessage({ kind: 'have', piece }))));
};
