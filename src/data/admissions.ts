import type { Clock } from '../ports/clock.ts';
import type { Handshake } from '../protocol/bittorrent/handshake.ts';
import type { PeerId, WireHash } from '../protocol/bittorrent/ids.ts';
import { equalBytes } from '../protocol/digest.ts';
import type { Address } from '../transports/transport.ts';
import { type Candidate, Candidates } from './candidates.ts';
import type { Content } from './content.ts';
import { dataLimits } from './limits.ts';
import type { Peer } from './peer.ts';
import type { Admission, PeerFeatures, PeerOwner } from './peer-owner.ts';

export interface AdmissionsSettings {
  readonly clock: Clock;
  readonly content: Content;
  /** Of this node. */
  readonly peerId: PeerId;
  readonly peersMax: number;
  /** The transfer's peers; changes as they come and go. */
  readonly peers: ReadonlyMap<number, Peer>;
  readonly wireHashes: readonly WireHash[];
  readonly owner: PeerOwner;
  readonly features: PeerFeatures;
  /** False when no more can be dialled now. */
  dial(candidate: Candidate, infoHash: WireHash): boolean;
  banned(name: string): void;
  /** The tracker bears out what the peer said: `peer.node` stands now. */
  named(peer: Peer, node: string): void;
}

/** Who becomes a peer of a transfer: whom to dial, whom to let in, who is banned, and who may call itself what. */
export class Admissions {
  readonly #settings: AdmissionsSettings;
  /** Peers, and connections that have said hello and not yet what they have; with what they were told that is here. */
  readonly #admitted = new Map<Peer, Uint8Array>();
  readonly #candidates = new Candidates();
  /** Oldest first. */
  readonly #banned = new Set<string>();

  constructor(settings: AdmissionsSettings) {
    this.#settings = settings;
  }

  /** Addresses of peers that the transfer knows. */
  get peersKnown(): number {
    return this.#candidates.size;
  }

  /** Those of them that could not be reached at the last try. */
  get peersFailed(): number {
    return this.#candidates.failed;
  }

  /** Peers that the tracker, or somebody else, knows of. `said`: the node that it is; null or '' for a client that is none. */
  learn(address: Address, said: string | null, seeder: boolean): void {
    const node = said === '' ? null : said;
    if (node !== null && this.#banned.has(node)) return;
    this.#candidates.add(address, node, seeder, this.#settings.clock.now());
    if (node === null) return;
    for (const peer of this.#settings.peers.values()) if (peer.claim === node) this.claimed(peer, node);
  }

  /** A peer says which node it is. It is believed where the tracker handed out that node with that host. */
  claimed(peer: Peer, node: string): void {
    if (peer.node !== null || !this.#candidates.vouchFor(node, peer.remote.host)) return;
    peer.node = node;
    this.#settings.named(peer, node);
  }

  /** Something is wanted anew: who was met before is met again without a wait. */
  renew(): void {
    this.#candidates.renew(this.#settings.clock.now());
  }

  /** Nobody who is not connected is known any more. */
  forgetCandidates(): void {
    this.#candidates.clear();
  }

  /** Dials until there are peers enough. `wanting`: something is missing here, so that seeders are worth it. */
  connectMore(wanting: boolean): void {
    const { clock, peers, peersMax, wireHashes } = this.#settings;
    while (peers.size < peersMax) {
      const candidate = this.#candidates.next(clock.now(), (one) => this.#worthDialling(one, wanting));
      if (candidate === null) return;
      const [first, second] = wireHashes as [WireHash, WireHash | undefined];
      // Own nodes meet under the first hash; a client that knows only v1 is found at the second try.
      const hash = candidate.failures % 2 === 1 && candidate.node === null ? (second ?? first) : first;
      if (!this.#settings.dial(candidate, hash)) return;
      candidate.busy = true;
    }
  }

  /** Whether a connection that has said hello becomes one of ours. */
  admit(peer: Peer, handshake: Handshake): Admission | { readonly refused: string } {
    const { content, features, owner, peerId: own, peersMax, wireHashes } = this.#settings;
    if (equalBytes(handshake.peerId, own)) {
      if (peer.dialled !== null) this.#candidates.remove(peer.dialled);
      return { refused: 'it is this node itself' };
    }
    if (this.isBanned(peer)) return { refused: 'it is banned' };
    const twin = [...this.#admitted.keys()].find((other) => other.place === peer.place);
    if (twin !== undefined && !this.#replaces(peer, twin, handshake.peerId)) return { refused: 'there is a connection to it already' };
    if (twin === undefined && this.#admitted.size >= peersMax) return { refused: 'the transfer has enough peers' };
    twin?.close('there is a better connection to it');
    const [first] = wireHashes as [WireHash];
    const asked = handshake.infoHash;
    // An offer of v2 is taken up in the answer; the answer itself is what it is (BEP 52).
    const v2 = content.metainfo.v2 !== null && ((handshake.v2 && !peer.outgoing) || equalBytes(asked, first));
    const { map } = content;
    const have = map.haveBytes();
    this.#admitted.set(peer, have);
    return {
      infoHash: v2 ? first : asked,
      v2: content.metainfo.v2 !== null,
      pieceCount: map.count,
      v1Only: content.metainfo.v2 !== null && !v2,
      have,
      haveCount: map.haveCount,
      owner,
      features,
    };
  }

  /** What the peer was told that is here, when it was let in. */
  toldOf(peer: Peer): Uint8Array | undefined {
    return this.#admitted.get(peer);
  }

  /** Neither side has anything that the other wants: it is let go, and not dialled while nothing is missing here. */
  useless(peer: Peer): void {
    if (peer.dialled !== null) this.#candidates.sated(peer.dialled);
    peer.close('neither side wants anything');
  }

  /** A connection is over, with or without having become a peer. */
  gone(peer: Peer): void {
    this.#admitted.delete(peer);
    if (peer.dialled !== null) this.#candidates.over(peer.dialled, peer.joined, this.#settings.clock.now());
  }

  /** Lets the peer of that name go and meets it no more, whoever dials. The oldest ban makes room for the newest. */
  ban(name: string): void {
    if (this.#banned.has(name)) return;
    this.#remember(name);
    this.#settings.banned(name);
    for (const peer of this.#settings.peers.values()) {
      if (peer.name !== name) continue;
      this.#remember(peer.place);
      if (peer.dialled !== null) this.#candidates.remove(peer.dialled);
      peer.close('it sent wrong data');
    }
  }

  isBanned(peer: Peer): boolean {
    return this.#banned.has(peer.name) || this.#banned.has(peer.place);
  }

  #remember(name: string): void {
    this.#banned.add(name);
    const [oldest] = this.#banned;
    if (this.#banned.size > dataLimits.bannedMax && oldest !== undefined) this.#banned.delete(oldest);
  }

  #worthDialling({ node, seeder }: Candidate, wanting: boolean): boolean {
    if (!wanting && seeder) return false;
    if (node === null) return true;
    return !this.#banned.has(node) && ![...this.#settings.peers.values()].some((peer) => peer.node === node);
  }

  /** Of two connections between the same two sides both keep the one that the smaller peer id dialled. */
  #replaces(fresh: Peer, twin: Peer, peerId: PeerId): boolean {
    if (fresh.outgoing === twin.outgoing) return !fresh.outgoing;
    return fresh.outgoing === Buffer.compare(this.#settings.peerId, peerId) < 0;
  }
}
