import { type Micros, seconds } from '../../ports/clock.ts';
import type { AnnouncedFrame, AnnounceFrame, AnnounceItem, WireAddress } from '../../protocol/control/messages.ts';
import { fail, ok, type Failure, type Result } from '../../protocol/result.ts';
import { type Reach, reachOf } from './addresses.ts';
import { UploadLoad } from './load.ts';
import { Swarm } from './swarm.ts';

/** A peer is forgotten after so many announce intervals of silence. */
const TTL_INTERVALS = 2.1;
/** Characters of a node's id that name it, as far as no other begins so. */
const ID_PREFIX_MIN = 4;

export interface SwarmLimits {
  readonly nodesMax: number;
  readonly swarmsMax: number;
  readonly peersPerSwarmMax: number;
  readonly swarmsPerNodeMax: number;
  readonly itemsPerAnnounceMax: number;
  /** Peers in one answer, whatever was wanted. */
  readonly wantMax: number;
}

export const SWARM_LIMITS: SwarmLimits = {
  nodesMax: 100_000,
  swarmsMax: 200_000,
  peersPerSwarmMax: 10_000,
  swarmsPerNodeMax: 10_000,
  itemsPerAnnounceMax: 64,
  wantMax: 80,
};

export interface SwarmSettings {
  readonly announceIntervalSeconds: number;
  /** A node that is silent for so long is removed. */
  readonly removeSeconds: number;
  readonly limits?: SwarmLimits;
}

/** Where a message came from: the proxy, and the node's host as that proxy sees it; '' for the host it entered from. */
export interface Origin {
  readonly proxy: string;
  readonly host: string;
}

export interface EnterFacts {
  readonly node: string;
  readonly name: string;
  readonly account: string;
  readonly incarnation: string;
  readonly addresses: readonly WireAddress[];
}

/** A node that has entered. */
export interface NodeRecord {
  readonly node: string;
  readonly name: string;
  readonly account: string;
  readonly incarnation: string;
  readonly addresses: readonly WireAddress[];
  readonly proxy: string;
  readonly heardAt: Micros;
  readonly uploadedBytes: number;
}

interface Entry extends NodeRecord {
  origin: Origin;
  proxy: string;
  reach: Reach;
  heardAt: Micros;
  /** As it said with `alive`. */
  saidBytes: number;
  /** Added up from its announces. */
  announcedBytes: number;
  uploadedBytes: number;
  /** Whether `alive` was heard: from then on, what its counter grows by is new. */
  said: boolean;
  readonly load: UploadLoad;
  readonly swarms: Set<string>;
}

/**
 * Who is in the network and who has what right now: soft state, rebuilt from announces after a failover. The last writer
 * wins by (incarnation, sequence), so that a late packet never revives a peer that has stopped or a node that has gone.
 */
export class SwarmRegistry {
  readonly #nodes = new Map<string, Entry>();
  readonly #swarms = new Map<string, Swarm>();
  readonly #settings: SwarmSettings;
  readonly #limits: SwarmLimits;

  constructor(settings: SwarmSettings) {
    this.#settings = settings;
    this.#limits = settings.limits ?? SWARM_LIMITS;
  }

  get nodeCount(): number {
    return this.#nodes.size;
  }

  get swarmCount(): number {
    return this.#swarms.size;
  }

  /**
   * Takes a node in, in place of its older incarnation. `forbidden`: another account is signed in on that node id and it
   * is still there under another incarnation; `busy`: the network has as many nodes as it can hold.
   */
  enter(facts: EnterFacts, origin: Origin, now: Micros): Result<void, Failure<'forbidden' | 'busy'>> {
    const before = this.#nodes.get(facts.node);
    const silent = before !== undefined && before.heardAt < now - seconds(this.#settings.removeSeconds);
    if (before !== undefined && before.account !== facts.account && before.incarnation !== facts.incarnation && !silent)
      return fail('forbidden', 'This node id is in use by another account');
    if (before === undefined && this.#nodes.size >= this.#limits.nodesMax)
      return fail('busy', 'The network has as many nodes as it can hold');
    const { proxy } = origin;
    const reach = reachOf(facts.addresses, origin.host, proxy);
    if (before !== undefined && before.incarnation === facts.incarnation && before.account === facts.account) {
      Object.assign(before, { ...facts, origin, proxy, reach, heardAt: now });
      return ok(undefined);
    }
    if (before !== undefined) this.#leave(before);
    const counters = { saidBytes: 0, announcedBytes: 0, uploadedBytes: 0, said: false, load: new UploadLoad() };
    this.#nodes.set(facts.node, { ...facts, origin, proxy, reach, heardAt: now, ...counters, swarms: new Set<string>() });
    return ok(undefined);
  }

  /** A node says goodbye; that of an older incarnation means nothing. */
  exit(node: string, incarnation: string): boolean {
    const entry = this.#nodes.get(node);
    if (entry === undefined || entry.incarnation !== incarnation) return false;
    this.#remove(entry);
    return true;
  }

  /** A sign of life. False: the node has to enter (again). */
  alive(node: string, incarnation: string, uploadedBytes: number, origin: Origin, now: Micros): boolean {
    const entry = this.#nodes.get(node);
    if (entry === undefined || entry.incarnation !== incarnation) return false;
    this.#heard(entry, origin, now);
    entry.saidBytes = uploadedBytes;
    countUpload(entry, entry.said, now);
    entry.said = true;
    return true;
  }

  /** Takes an announce in and answers it. The caller puts in how long to wait and whether the swarms are warming. */
  announce(frame: AnnounceFrame, origin: Origin, now: Micros): Pick<AnnouncedFrame, 'unknownNode' | 'items'> {
    const entry = this.#nodes.get(frame.node);
    if (entry === undefined || entry.incarnation !== frame.incarnation) return { unknownNode: true, items: [] };
    this.#heard(entry, origin, now);
    return {
      unknownNode: false,
      items: frame.items.slice(0, this.#limits.itemsPerAnnounceMax).map((item) => this.#announceItem(entry, frame.sequence, item, now)),
    };
  }

  /** The nodes that are there, in the order in which they entered. */
  nodes(): Iterable<NodeRecord> {
    return this.#nodes.values();
  }

  node(node: string): NodeRecord | null {
    return this.#nodes.get(node) ?? null;
  }

  /**
   * The nodes that a person may mean: the one of this id; or else those of this name; or else those of which the id
   * begins so (with 4 characters or more).
   */
  find(what: string): NodeRecord[] {
    const exact = this.#nodes.get(what);
    if (exact !== undefined) return [exact];
    const nodes = [...this.#nodes.values()];
    const named = nodes.filter((entry) => entry.name === what);
    if (named.length > 0 || what.length < ID_PREFIX_MIN) return named;
    const head = what.toLowerCase();
    return nodes.filter((entry) => entry.node.toLowerCase().startsWith(head));
  }

  seedersOf(content: string): number {
    return this.#swarms.get(content)?.seeders ?? 0;
  }

  hasSwarm(content: string): boolean {
    return this.#swarms.has(content);
  }

  /** Forgets a swarm: its content is not in the catalog. */
  dropSwarm(content: string): void {
    for (const node of this.#swarms.get(content)?.nodes() ?? []) this.#nodes.get(node)?.swarms.delete(content);
    this.#swarms.delete(content);
  }

  /** Removes the nodes of an account that was disabled. */
  removeAccount(account: string): void {
    for (const entry of this.#nodes.values()) if (entry.account === account) this.#remove(entry);
  }

  /** Removes nodes and peers that have been silent for too long; to be called now and then. Returns the nodes removed. */
  sweep(now: Micros): string[] {
    const silent = [...this.#nodes.values()].filter((entry) => entry.heardAt < now - seconds(this.#settings.removeSeconds));
    for (const entry of silent) this.#remove(entry);
    const since = this.#freshSince(now);
    for (const [content, swarm] of this.#swarms) {
      for (const node of swarm.expire(since)) this.#nodes.get(node)?.swarms.delete(content);
      if (swarm.size === 0) this.#swarms.delete(content);
    }
    return silent.map((entry) => entry.node);
  }

  #announceItem(entry: Entry, sequence: number, item: AnnounceItem, now: Micros): AnnouncedFrame['items'][number] {
    const { content } = item;
    const swarm = this.#swarmFor(entry, content);
    if (swarm === null) return { content, seeders: 0, leechers: 0, peers: [] };
    const { grown, recent } = swarm.announce(entry, sequence, item, now);
    entry.announcedBytes += grown;
    countUpload(entry, recent, now);
    entry.swarms.add(content);
    const want = item.event === 'stopped' ? 0 : Math.min(item.want, this.#limits.wantMax);
    const peers = want > 0 ? swarm.pick(entry, want, { now, since: this.#freshSince(now) }) : [];
    return { content, seeders: swarm.seeders, leechers: swarm.leechers, peers };
  }

  /** The content's swarm, made where there is none; null when a limit is reached. */
  #swarmFor(entry: Entry, content: string): Swarm | null {
    const known = this.#swarms.get(content);
    if (known?.has(entry.node) === true) return known;
    if (entry.swarms.size >= this.#limits.swarmsPerNodeMax || (known?.size ?? 0) >= this.#limits.peersPerSwarmMax) return null;
    if (known !== undefined) return known;
    if (this.#swarms.size >= this.#limits.swarmsMax) return null;
    const swarm = new Swarm();
    this.#swarms.set(content, swarm);
    return swarm;
  }

  #heard(entry: Entry, { proxy, host }: Origin, now: Micros): void {
    entry.heardAt = now;
    const origin = { proxy, host: host === '' ? entry.origin.host : host };
    if (origin.host === '' || (entry.origin.proxy === origin.proxy && entry.origin.host === origin.host)) return;
    entry.origin = origin;
    entry.proxy = origin.proxy;
    entry.reach = reachOf(entry.addresses, origin.host, origin.proxy);
  }

  #freshSince(now: Micros): Micros {
    return now - seconds(this.#settings.announceIntervalSeconds * TTL_INTERVALS);
  }

  #remove(entry: Entry): void {
    this.#leave(entry);
    this.#nodes.delete(entry.node);
  }

  #leave(entry: Entry): void {
    for (const content of entry.swarms) {
      const swarm = this.#swarms.get(content);
      swarm?.remove(entry.node);
      if (swarm?.size === 0) this.#swarms.delete(content);
    }
    entry.swarms.clear();
  }
}

/** Both counters tell of the same uploads. A first report is about all the time before: no load. */
const countUpload = (entry: Entry, recent: boolean, now: Micros): void => {
  const before = entry.uploadedBytes;
  entry.uploadedBytes = Math.max(entry.saidBytes, entry.announcedBytes);
  if (recent) entry.load.add(Math.max(0, entry.uploadedBytes - before), now);
};
