import type { Clock } from '../ports/clock.ts';
import type { ExtensionHandshake, ExtensionName } from '../protocol/bittorrent/extension.ts';
import type { Handshake } from '../protocol/bittorrent/handshake.ts';
import type { PeerId, PieceIndex, WireHash } from '../protocol/bittorrent/ids.ts';
import type { BlockRange, HashRange } from '../protocol/bittorrent/wire.ts';
import type { Candidate } from './candidates.ts';
import type { Peer } from './peer.ts';
import type { Introduction } from './peer-extensions.ts';
import type { PeerEvent, PeerState } from './peer-states.ts';
import type { Request } from './requests.ts';

/** Which torrent a connection is about, and what this side says first. */
export interface Admission {
  /** The hash of the answer: for a hybrid torrent the v2 one where the other side takes it. */
  readonly infoHash: WireHash;
  /** Whether this side takes v2 connections about the content; said in the answer, too. */
  readonly v2: boolean;
  /** Null while nobody here knows: what the other side says of pieces is passed over. */
  readonly pieceCount: number | null;
  /** The other side will check pieces by SHA-1. */
  readonly v1Only: boolean;
  /** A copy of the bits that this node has now, and how many they are. */
  readonly have: Uint8Array;
  readonly haveCount: number;
  readonly owner: PeerOwner;
  readonly features: PeerFeatures;
}

/** What gathers peers under info-hashes: the exchange of a content, or the fetch of a torrent by its hash. */
export interface Gathering {
  /** 20-byte hashes under which it meets peers; v2 first. */
  readonly wireHashes: readonly WireHash[];
  /** Whether it takes v2 connections (BEP 52). */
  readonly v2: boolean;
  /** Whether a connection that has said hello becomes one of its peers. */
  admit(peer: Peer, handshake: Handshake): Admission | { readonly refused: string };
  /** A connection is over, with or without having become a peer. */
  gone(peer: Peer): void;
  /** About once a second. */
  tick(): void;
}

/** Who makes connections: the node's peer port. */
export interface Dialler {
  readonly peerId: PeerId;
  /** Null when no more can be dialled now. */
  dial(gathering: Gathering, candidate: Candidate, infoHash: WireHash): Peer | null;
}

/**
 * Whom a peer tells of everything but pieces and blocks: extensions (BEP 10) and hashes (BEP 52). These come also before
 * `joined`, never after `closed`.
 */
export interface PeerFeatures {
  /** What our extension handshake says of the content. */
  introduction(peer: Peer): Introduction;
  /** The other side has introduced itself, for the first time or anew. */
  introduced(peer: Peer, said: ExtensionHandshake): void;
  extended(peer: Peer, name: ExtensionName, payload: Uint8Array): void;
  /** Every request is to be answered, also while the peer is choked. */
  hashesAsked(peer: Peer, range: HashRange): void;
  /** `hashes`: 32 bytes each. Null: the request was rejected. */
  hashesCame(peer: Peer, range: HashRange, hashes: Uint8Array | null): void;
}

/** Whom a peer tells what happens. `closed` is the last call and comes exactly once after `joined`. */
export interface PeerOwner {
  /** The other side has said what it has; `peer.bits` stands where the piece count is known. */
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
