import type { Micros } from '../../ports/clock.ts';
import type { WireAddress } from '../../protocol/control/messages.ts';
import { addressFor, type Place, type Reach } from './addresses.ts';
import type { UploadLoad } from './load.ts';
import { Ring } from './ring.ts';

/** What a swarm needs to know of a node. */
export interface SwarmNode {
  readonly node: string;
  readonly reach: Reach;
  /** In all its swarms together. */
  readonly load: UploadLoad;
  /** So much longer than others it may be silent. */
  readonly patience: Micros;
}

/** A peer that is handed out, and by which of its addresses. */
export interface Handed<N> extends WireAddress {
  readonly owner: N;
  readonly seeder: boolean;
}

interface Peer<N> {
  readonly owner: N;
  readonly neighbourhoods: readonly string[];
  sequence: number;
  leftBytes: number;
  uploadedBytes: number;
  heardAt: Micros;
  /** Stays for a while, so that a late announce does not revive it. */
  stopped: boolean;
  /** It has all that it wants, though not everything: it uploads only (BEP 21). */
  paused: boolean;
}

/** Peers looked at for one list of candidates: a limit on the work. */
const LOOKED_AT_MAX = 512;
/** The least loaded are taken from so many times as many as are wanted, which were handed out longest ago. */
const CHOICE_FACTOR = 4;

/** What was new in an announce. */
export interface PeerNews {
  /** Bytes by which its upload has grown. A counter that went back is a new session of the client: all of it is growth. */
  readonly grown: number;
  /** Whether that was since an announce of before, and not at some time. */
  readonly recent: boolean;
  /** It came, left, or has everything now (or no longer). */
  readonly changed: boolean;
}

/** What is said of a peer, by itself or by the primary that heard it. */
export interface PeerFacts {
  readonly sequence: number;
  readonly leftBytes: number;
  readonly uploadedBytes: number;
  readonly stopped: boolean;
  readonly paused: boolean;
  readonly heardAt: Micros;
}

const NOTHING_NEW: PeerNews = { grown: 0, recent: true, changed: false };

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

const isSilent = ({ heardAt, owner }: Peer<SwarmNode>, since: Micros): boolean => heardAt < since - owner.patience;

/** The peers of one content. */
export class Swarm<N extends SwarmNode = SwarmNode> {
  readonly #peers = new Map<string, Peer<N>>();
  readonly #seeders = new Ring<Peer<N>>();
  readonly #leechers = new Ring<Peer<N>>();

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

  /** What is known of a peer; null where it is not in the swarm. */
  facts(node: string): PeerFacts | null {
    return this.#peers.get(node) ?? null;
  }

  /** Takes in what is said of a peer, unless it is older than what is known: the last writer wins, by sequence. */
  take(owner: N, said: PeerFacts): PeerNews {
    const before = this.#peers.get(owner.node);
    if (before !== undefined && said.sequence <= before.sequence) return NOTHING_NEW;
    const { leftBytes, uploadedBytes, stopped, paused } = said;
    const uploadedBefore = before?.uploadedBytes ?? 0;
    const { neighbourhoods } = owner.reach;
    const same =
      before !== undefined && before.stopped === stopped && before.paused === paused && (before.leftBytes === 0) === (leftBytes === 0);
    if (same && before.neighbourhoods === neighbourhoods) Object.assign(before, said);
    else {
      this.remove(owner.node);
      const peer: Peer<N> = { owner, neighbourhoods, ...said };
      this.#peers.set(owner.node, peer);
      this.#ringOf(peer)?.add(peer);
    }
    const grown = uploadedBytes >= uploadedBefore ? uploadedBytes - uploadedBefore : uploadedBytes;
    return { grown, recent: before !== undefined, changed: !same };
  }

  remove(node: string): void {
    const peer = this.#peers.get(node);
    if (peer === undefined) return;
    this.#peers.delete(node);
    this.#ringOf(peer)?.remove(peer);
  }

  /** Removes the peers last heard before `since`, and their patience; their nodes. */
  expire(since: Micros): string[] {
    const gone = [...this.#peers.values()].filter((peer) => isSilent(peer, since)).map((peer) => peer.owner.node);
    for (const node of gone) this.remove(node);
    return gone;
  }

  /**
   * At most `want` peers for a node, none last heard before `since`: near ones first, then the less loaded, then those
   * handed out longest ago; seeders and leechers in turn. Who needs nothing gets nobody who needs nothing, but where it is
   * `unsure`: then seeders come last. `fits`: which addresses may be told.
   */
  pick(
    asker: N,
    want: number,
    times: { readonly now: Micros; readonly since: Micros },
    fits: (place: Place) => boolean = () => true,
    unsure = false,
  ): Handed<N>[] {
    const own = this.#peers.get(asker.node);
    const seeding = own !== undefined && (own.leftBytes === 0 || own.paused);
    const picked = new Map<Peer<N>, Handed<N>>();
    const candidates = (peers: Iterable<Peer<N>>): [Peer<N>, Handed<N>][] => {
      const found = new Map<Peer<N>, Handed<N>>();
      let left = LOOKED_AT_MAX;
      for (const peer of peers) {
        if (found.size >= want * CHOICE_FACTOR || left-- === 0) break;
        if (peer.owner.node === asker.node || isSilent(peer, times.since) || (seeding && peer.paused) || picked.has(peer)) continue;
        const address = addressFor(peer.owner.reach, asker.reach, fits);
        if (address !== null) found.set(peer, { owner: peer.owner, ...address, seeder: peer.leftBytes === 0 });
      }
      // A stable order: among equals the one that was handed out longest ago stays first.
      return [...found]
        .map((entry) => ({ entry, level: entry[0].owner.load.level(times.now) }))
        .sort((a, b) => a.level - b.level)
        .map(({ entry }) => entry);
    };
    const take = (found: Iterable<[Peer<N>, Handed<N>]>): void => {
      for (const [peer, announced] of found) {
        if (picked.size >= want) return;
        picked.set(peer, announced);
      }
    };
    const inTurn = (seeders: Iterable<Peer<N>>, leechers: Iterable<Peer<N>>): void =>
      take(alternate(seeding ? [] : candidates(seeders), candidates(leechers)));
    const { neighbourhoods } = asker.reach;
    inTurn(this.#seeders.near(neighbourhoods), this.#leechers.near(neighbourhoods));
    if (picked.size < want) inTurn(this.#seeders.all(), this.#leechers.all());
    if (picked.size < want && seeding && unsure) take(candidates(this.#seeders.all()));
    for (const peer of picked.keys()) this.#ringOf(peer)?.handedOut(peer);
    return [...picked.values()];
  }

  #ringOf(peer: Peer<N>): Ring<Peer<N>> | null {
    if (peer.stopped) return null;
    return peer.leftBytes === 0 ? this.#seeders : this.#leechers;
  }
}
