import type { Clock } from '../ports/clock.ts';
import type { Handshake } from '../protocol/bittorrent/handshake.ts';
import type { PeerId, PieceIndex, WireHash } from '../protocol/bittorrent/ids.ts';
import type { BlockRange } from '../protocol/bittorrent/wire.ts';
import type { Peer } from './peer.ts';
import type { PeerEvent, PeerState } from './peer-states.ts';
import type { Request } from './requests.ts';

/** Which torrent a connection is about, and what this side says first. */
export interface Admission {
  /** The hash of the answer: for a hybrid torrent the v2 one where the other side takes it. */
  readonly infoHash: WireHash;
  readonly pieceCount: number;
  /** The other side will check pieces by SHA-1. */
  readonly v1Only: boolean;
  /** A copy of the bits that this node has now, and how many they are. */
  readonly have: Uint8Array;
  readonly haveCount: number;
  readonly owner: PeerOwner;
}

/** Whom a peer tells what happens. `closed` is the last call and comes exactly once after `joined`. */
export interface PeerOwner {
  /** The other side has said what it has; `peer.bits` stands. */
  joined(peer: Peer): void;
  /** It says which node it is. The owner sets `peer.node` where it believes that. */
  claimed(peer: Peer, node: string): void;
  gained(peer: Peer, piece: PieceIndex): void;
  /** It chokes or unchokes us. The requests given are void. */
  choking(peer: Peer, voided: readonly Request[]): void;
  /** It wants, or wants no more. */
  interest(peer: Peer): void;
  asked(peer: Peer, range: BlockRange): void;
  cancelled(peer: Peer, range: BlockRange): void;
  /** A block that we asked for begins. False: its bytes are not wanted. */
  blockStart(peer: Peer, request: Request): boolean;
  blockBytes(peer: Peer, request: Request, offset: number, chunk: Uint8Array): void;
  blockEnd(peer: Peer, request: Request, kept: boolean): void;
  rejected(peer: Peer, request: Request): void;
  drained(peer: Peer): void;
  closed(peer: Peer, reason: string, voided: readonly Request[]): void;
}

/** What every peer of a node is made with. */
export interface PeerSetting {
  readonly clock: Clock;
  readonly peerId: PeerId;
  /** This node's id, told to own nodes. */
  readonly node: string;
  /** This program and its version. */
  readonly client: string;
  /** The handshake of the other side came. Null closes the connection; `reason` says why, for logs. */
  admit(peer: Peer, handshake: Handshake): Admission | { readonly refused: string };
  listenPort(): number | null;
  /** The connection is over; called once for every peer, also those that never joined. */
  gone(peer: Peer, reason: string): void;
  /** For recorders: a connection went from one state to another. */
  readonly moved?: PeerMoved;
}

/** Listens to the transitions of connections; must not act and must not throw. */
export type PeerMoved = (from: PeerState, event: PeerEvent, to: PeerState) => void;
