import type { Micros } from '../../ports/clock.ts';
import type { AnnouncedPeer, AnnounceItem } from '../../protocol/control/messages.ts';
import { addressFor, near, type Reach } from './addresses.ts';

/** What a swarm needs to know of a node. */
export interface SwarmNode {
  readonly node: string;
  readonly reach: Reach;
}

interface Peer {
  readonly owner: SwarmNode;
  /** The network by which it is filed: its node may move. */
  readonly subnet: string | null;
  sequence: number;
  leftBytes: number;
  uploadedBytes: number;
  heardAt: Micros;
  /** Stays for a while, so that a late announce does not revive it. */
  stopped: boolean;
  /** How often it was handed out, halved with each of its announces. */
  handed: number;
}

/** Peers that are looked at for one answer, of the asker's network and of all: a limit on the work. */
const LOOKED_AT_MAX = 256;

/** The peers of one content. */
export class Swarm {
  /** In the order in which they were handed out, longest ago first. */
  readonly #peers = new Map<string, Peer>();
  readonly #bySubnet = new Map<string, Set<Peer>>();
  seeders = 0;
  leechers = 0;

  /** Peers that are there, and those remembered as stopped. */
  get size(): number {
    return this.#peers.size;
  }

  nodes(): Iterable<string> {
    return this.#peers.keys();
  }

  has(node: string): boolean {
    return this.#peers.has(node);
  }

  /**
   * Takes an announce in, unless it is older than what is known. Returns by how much the peer's upload has grown (a
   * counter that went back is a new session of the client: all of it is growth).
   */
  announce(owner: SwarmNode, sequence: number, item: AnnounceItem, now: Micros): number {
    const before = this.#peers.get(owner.node);
    if (before !== undefined && sequence <= before.sequence) return 0;
    this.remove(owner.node);
    const peer: Peer = {
      owner,
      subnet: owner.reach.subnet,
      sequence,
      leftBytes: item.leftBytes,
      uploadedBytes: item.uploadedBytes,
      heardAt: now,
      stopped: item.event === 'stopped',
      handed: Math.floor((before?.handed ?? 0) / 2),
    };
    this.#add(peer);
    const uploadedBefore = before?.uploadedBytes ?? 0;
    return item.uploadedBytes >= uploadedBefore ? item.uploadedBytes - uploadedBefore : item.uploadedBytes;
  }

  remove(node: string): void {
    const peer = this.#peers.get(node);
    if (peer === undefined) return;
    this.#peers.delete(node);
    this.#count(peer, -1);
    const { subnet } = peer;
    const bucket = subnet === null ? undefined : this.#bySubnet.get(subnet);
    bucket?.delete(peer);
    if (subnet !== null && bucket?.size === 0) this.#bySubnet.delete(subnet);
  }

  /** Removes the peers last heard before `since`; their nodes. */
  expire(since: Micros): string[] {
    const gone = [...this.#peers.values()].filter((peer) => peer.heardAt < since).map((peer) => peer.owner.node);
    for (const node of gone) this.remove(node);
    return gone;
  }

  /** At most `want` peers for a node: near ones first, then those handed out least. A seeder gets no seeders. */
  pick(asker: SwarmNode, want: number, since: Micros): AnnouncedPeer[] {
    const seeding = this.#peers.get(asker.node)?.leftBytes === 0;
    const candidates = new Set<Peer>();
    const look = (peers: Iterable<Peer>): void => {
      let left = LOOKED_AT_MAX;
      for (const peer of peers) {
        if (left-- === 0) return;
        const useless = peer.stopped || peer.heardAt < since || peer.owner.node === asker.node || (seeding && peer.leftBytes === 0);
        if (!useless) candidates.add(peer);
      }
    };
    for (const subnet of asker.reach.subnets) look(this.#bySubnet.get(subnet) ?? []);
    look(this.#peers.values());
    const ranked = [...candidates]
      .map((peer) => ({ peer, near: near(peer.owner.reach, asker.reach) ? 0 : 1 }))
      .sort((a, b) => a.near - b.near || a.peer.handed - b.peer.handed);
    const picked: AnnouncedPeer[] = [];
    for (const { peer } of ranked) {
      if (picked.length >= want) break;
      const address = addressFor(peer.owner.reach, asker.reach);
      if (address === null) continue;
      picked.push({ node: peer.owner.node, ...address, seeder: peer.leftBytes === 0 });
      this.#handOut(peer);
    }
    return picked;
  }

  #handOut(peer: Peer): void {
    peer.handed++;
    this.#peers.delete(peer.owner.node);
    this.#peers.set(peer.owner.node, peer);
  }

  #add(peer: Peer): void {
    this.#peers.set(peer.owner.node, peer);
    this.#count(peer, 1);
    const { subnet } = peer;
    if (subnet === null) return;
    const bucket = this.#bySubnet.get(subnet);
    if (bucket === undefined) this.#bySubnet.set(subnet, new Set([peer]));
    else bucket.add(peer);
  }

  #count(peer: Peer, by: 1 | -1): void {
    if (peer.stopped) return;
    if (peer.leftBytes === 0) this.seeders += by;
    else this.leechers += by;
  }
}
