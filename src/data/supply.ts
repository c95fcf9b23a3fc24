import type { PieceIndex } from '../protocol/bittorrent/ids.ts';
import type { Picker } from '../domain/transfer/picker.ts';
import type { PieceMap } from '../domain/transfer/piece-map.ts';
import type { Peer } from './peer.ts';

export interface SupplySettings {
  readonly map: PieceMap;
  readonly picker: Picker;
  /** The transfer's peers; changes as they come and go. */
  readonly peers: ReadonlyMap<number, Peer>;
  /** Something is wanted, and may be asked for. */
  wanting(): boolean;
  /** Somebody who is no peer has what is missing: a web seed. */
  elsewhere(): boolean;
  /** Whether somebody has what is missing; told when it changes. */
  changed(there: boolean): void;
}

/** What the peers of a transfer have that is missing here: whom to be interested in, and how rare each piece is. */
export class Supply {
  readonly #settings: SupplySettings;
  #there = false;

  constructor(settings: SupplySettings) {
    this.#settings = settings;
  }

  /** The peer has said what it has. Those with everything make no piece rarer than another and are not counted. */
  joined(peer: Peer): void {
    peer.counted = peer.bits?.complete === false;
    if (peer.bits !== null && peer.counted) for (const piece of peer.bits.pieces()) this.#settings.picker.peerGained(piece);
  }

  /** It has one piece more. True where that is wanted. */
  gained(peer: Peer, piece: PieceIndex): boolean {
    this.#settings.picker.peerGained(piece);
    if (!this.#settings.map.needs(piece)) return false;
    if (peer.useful++ === 0) this.check();
    if (this.#settings.wanting()) peer.setInterested(true);
    return true;
  }

  /** The piece is here now: who had nothing else to give is of no more interest. */
  stored(piece: PieceIndex): void {
    for (const peer of this.#settings.peers.values()) {
      if (peer.bits?.has(piece) !== true || --peer.useful > 0) continue;
      peer.setInterested(false);
      this.check();
    }
  }

  /** Counts from scratch what the peer is good for. */
  count(peer: Peer): void {
    peer.useful = 0;
    if (peer.bits === null || !this.#settings.wanting()) return;
    for (const piece of peer.bits.pieces()) if (this.#settings.map.needs(piece)) peer.useful++;
  }

  /** It is no peer any more. */
  left(peer: Peer): void {
    if (peer.bits !== null && peer.counted) for (const piece of peer.bits.pieces()) this.#settings.picker.peerLost(piece);
    this.check();
  }

  /** Tells where the answer has changed. */
  check(): void {
    const there = [...this.#settings.peers.values()].some((peer) => peer.useful > 0) || this.#settings.elsewhere();
    if (there === this.#there) return;
    this.#there = there;
    this.#settings.changed(there);
  }
}
