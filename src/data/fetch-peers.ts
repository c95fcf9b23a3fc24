import type { Clock } from '../ports/clock.ts';
import type { Handshake } from '../protocol/bittorrent/handshake.ts';
import type { PeerId, WireHash } from '../protocol/bittorrent/ids.ts';
import { equalBytes } from '../protocol/digest.ts';
import type { Address } from '../transports/transport.ts';
import { type Candidate, Candidates } from './candidates.ts';
import { dataLimits } from './limits.ts';
import type { Peer } from './peer.ts';

export interface FetchPeersSettings {
  readonly clock: Clock;
  /** Of this node. */
  readonly peerId: PeerId;
  readonly peersMax: number;
  /** v2 first; may change. */
  wireHashes(): readonly WireHash[];
  /** False when no more can be dialled now. */
  dial(candidate: Candidate, infoHash: WireHash): boolean;
}

/** Whom a fetch of metadata meets: whom to dial, whom to let in, and who is banned. */
export class FetchPeers {
  readonly #settings: FetchPeersSettings;
  readonly #candidates = new Candidates();
  readonly #admitted = new Set<Peer>();
  /** Oldest first. */
  readonly #banned = new Set<string>();

  constructor(settings: FetchPeersSettings) {
    this.#settings = settings;
  }

  /** Connections that have said hello. */
  get count(): number {
    return this.#admitted.size;
  }

  /** Addresses that are known. */
  get known(): number {
    return this.#candidates.size;
  }

  learn(address: Address, node: string | null): void {
    this.#candidates.add(address, node, true, this.#settings.clock.now());
  }

  /** Who was met before may be met again without a wait. */
  renew(): void {
    this.#candidates.renew(this.#settings.clock.now());
  }

  connectMore(): void {
    const { clock, dial, peersMax, wireHashes } = this.#settings;
    while (this.#admitted.size < peersMax) {
      const candidate = this.#candidates.next(clock.now(), () => true);
      const [first, second] = wireHashes();
      if (candidate === null || first === undefined) return;
      // A client that knows only v1 is found at the second try.
      if (!dial(candidate, candidate.failures % 2 === 1 ? (second ?? first) : first)) return;
      candidate.busy = true;
    }
  }

  /** Null where the connection may stay, else why not. */
  admit(peer: Peer, handshake: Handshake): string | null {
    if (equalBytes(handshake.peerId, this.#settings.peerId)) {
      if (peer.dialled !== null) this.#candidates.remove(peer.dialled);
      return 'it is this node itself';
    }
    if (this.#banned.has(peer.name) || this.#banned.has(peer.place)) return 'it is banned';
    if ([...this.#admitted].some((other) => other.place === peer.place)) return 'there is a connection to it already';
    if (this.#admitted.size >= this.#settings.peersMax) return 'there are peers enough';
    this.#admitted.add(peer);
    return null;
  }

  gone(peer: Peer): void {
    this.#admitted.delete(peer);
    if (peer.dialled !== null) this.#candidates.over(peer.dialled, peer.joined, this.#settings.clock.now());
  }

  /** Lets the peer of that name go and meets it no more. */
  ban(name: string, reason: string): void {
    this.#remember(name);
    for (const peer of this.#admitted) {
      if (peer.name !== name) continue;
      this.#remember(peer.place);
      if (peer.dialled !== null) this.#candidates.remove(peer.dialled);
      peer.close(reason);
    }
  }

  #remember(name: string): void {
    this.#banned.add(name);
    const [oldest] = this.#banned;
    if (this.#banned.size > dataLimits.bannedMax && oldest !== undefined) this.#banned.delete(oldest);
  }
}
