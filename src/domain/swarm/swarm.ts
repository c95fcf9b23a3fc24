import type { Micros } from '../../ports/clock.ts';
import type { AnnouncedPeer, AnnounceItem } from '../../protocol/control/messages.ts';
import { addressFor, type Reach } from './addresses.ts';
import { Ring } from './ring.ts';

/** What a swarm needs to know of a node. */
export interface SwarmNode {
  readonly node: string;
  readonly reach: Reach;
}

interface Peer {
  readonly owner: SwarmNode;
  readonly neighbourhoods: readonly string[];
  sequence: number;
  leftBytes: number;
  uploadedBytes: number;
  heardAt: Micros;
  /** Stays for a while, so that a late announce does not revive it. */
  stopped: boolean;
}

/** Peers looked at in vain for one answer: a limit on the work. */
const LOOKED_AT_MAX = 512;

/** One of the first, one of the second, and so on until both are at their end. */
function* alternate<T>(first: Iterable<T>, second: Iterable<T>): Generator<T> {
  const iterators = [first[Symbol.iterator](), second[Symbol.iterator]()];
  for (let ended = 0; ended < 2;) {
    ended = 0;
    for (const iterator of iterators) {
      const next = iterator.next();
      if (next.done === true) ended++;
      else yield next.value;
    }
  }
}

/** The peers of one content. */
export class Swarm {
  readonly #peers = new Map<string, Peer>();
  readonly #seeders = new Ring<Peer>();
  readonly #leechers = new Ring<Peer>();

  /** Peers that are there, and those remembered as stopped. */
  get size(): number {
    return this.#peers.size;
  }

  get seeders(): number {
    return this.#seeders.size;
  }

  get leechers(): number {
    return this.#leechers.size;
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
    const { leftBytes, uploadedBytes } = item;
    const stopped = item.event === 'stopped';
    const said = { sequence, leftBytes, uploadedBytes, heardAt: now, stopped };
    const uploadedBefore = before?.uploadedBytes ?? 0;
    const { neighbourhoods } = owner.reach;
    const stays = before?.neighbourhoods === neighbourhoods && before.stopped === stopped && (before.leftBytes === 0) === (leftBytes === 0);
    if (before !== undefined && stays) Object.assign(before, said);
    else {
      this.remove(owner.node);
      const peer: Peer = { owner, neighbourhoods, ...said };
      this.#peers.set(owner.node, peer);
      this.#ringOf(peer)?.add(peer);
    }
    return uploadedBytes >= uploadedBefore ? uploadedBytes - uploadedBefore : uploadedBytes;
  }

  remove(node: string): void {
    const peer = this.#peers.get(node);
    if (peer === undefined) return;
    this.#peers.delete(node);
    this.#ringOf(peer)?.remove(peer);
  }

  /** Removes the peers last heard before `since`; their nodes. */
  expire(since: Micros): string[] {
    const gone = [...this.#peers.values()].filter((peer) => peer.heardAt < since).map((peer) => peer.owner.node);
    for (const node of gone) this.remove(node);
    return gone;
  }

  /**
   * At most `want` peers for a node, none last heard before `since`: near ones first, then those handed out longest ago;
   * seeders and leechers in turn. A seeder gets no seeders.
   */
  pick(asker: SwarmNode, want: number, since: Micros): AnnouncedPeer[] {
    const seeding = this.#peers.get(asker.node)?.leftBytes === 0;
    const picked = new Map<Peer, AnnouncedPeer>();
    const take = (candidates: Iterable<Peer>): void => {
      let left = LOOKED_AT_MAX;
      for (const peer of candidates) {
        if (picked.size >= want || left-- === 0) return;
        if (peer.owner.node === asker.node || peer.heardAt < since || picked.has(peer)) continue;
        const address = addressFor(peer.owner.reach, asker.reach);
        if (address !== null) picked.set(peer, { node: peer.owner.node, ...address, seeder: peer.leftBytes === 0 });
      }
    };
    const { neighbourhoods } = asker.reach;
    take(alternate(seeding ? [] : this.#seeders.near(neighbourhoods), this.#leechers.near(neighbourhoods)));
    take(alternate(seeding ? [] : this.#seeders.all(), this.#leechers.all()));
    for (const peer of picked.keys()) this.#ringOf(peer)?.handedOut(peer);
    return [...picked.values()];
  }

  #ringOf(peer: Peer): Ring<Peer> | null {
    if (peer.stopped) return null;
    return peer.leftBytes === 0 ? this.#seeders : this.#leechers;
  }
}
