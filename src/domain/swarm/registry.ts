import { type Micros, millis, seconds } from '../../ports/clock.ts';
import type {
  AnnouncedFrame,
  AnnounceFrame,
  AnnounceItem,
  SwarmDeltaFrame,
  WireSwarmItem,
  WireSwarmNode,
} from '../../protocol/control/messages.ts';
import { fail, ok, type Failure, type Result } from '../../protocol/result.ts';
import { type Reach, reachOf } from './addresses.ts';
import { Goodbyes } from './goodbyes.ts';
import { peerTtlSeconds } from './interval.ts';
import { UploadLoad } from './load.ts';
import { type PeerFacts, Swarm } from './swarm.ts';
import {
  type EnterFacts,
  type NodeRecord,
  type Origin,
  SWARM_LIMITS,
  type SwarmLimits,
  type SwarmNews,
  type SwarmSettings,
} from './types.ts';

export { SWARM_LIMITS } from './types.ts';
export type * from './types.ts';

/** Characters of a node's id that name it, as far as no other begins so. */
const ID_PREFIX_MIN = 4;

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
  /** The highest of its announces that was heard, of this incarnation. */
  sequence: number;
  /** What it announced up to this one was before its goodbye, or under another account: that means nothing any more. */
  readonly floor: number;
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
  readonly #goodbyes: Goodbyes;
  #news: SwarmNews | null = null;

  constructor(settings: SwarmSettings) {
    this.#settings = settings;
    this.#limits = settings.limits ?? SWARM_LIMITS;
    this.#goodbyes = new Goodbyes(this.#limits.nodesMax);
  }

  get nodeCount(): number {
    return this.#nodes.size;
  }

  get swarmCount(): number {
    return this.#swarms.size;
  }

  /** Pairs of a node and a content, those remembered as stopped among them. Counts them: for now and then. */
  get peerCount(): number {
    let count = 0;
    for (const entry of this.#nodes.values()) count += entry.swarms.size;
    return count;
  }

  /** Tells `news` of every change from now on; null ends it. */
  watch(news: SwarmNews | null): void {
    this.#news = news;
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
    if (before !== undefined && before.incarnation === facts.incarnation && before.account === facts.account) {
      const { proxy } = origin;
      const reach = reachOf(facts.addresses, origin.host, proxy);
      Object.assign(before, { ...facts, origin, proxy, reach, heardAt: now });
    } else this.#begin(facts, origin, now);
    this.#news?.node(facts.node);
    return ok(undefined);
  }

  /**
   * A node says goodbye; that of an older incarnation means nothing. It is remembered for as long as a peer counts as there,
   * so that nobody who has not heard it brings back what the node had announced before.
   */
  exit(node: string, incarnation: string, now: Micros): boolean {
    const entry = this.#nodes.get(node);
    if (entry === undefined || entry.incarnation !== incarnation) return false;
    this.#goodbye(entry, now);
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
    if (!this.#swarms.has(content)) return;
    this.#news?.dropped(content);
    for (const node of this.#swarms.get(content)?.nodes() ?? []) this.#nodes.get(node)?.swarms.delete(content);
    this.#swarms.delete(content);
  }

  /** Removes the nodes of an account that was disabled. */
  removeAccount(account: string): void {
    for (const entry of this.#nodes.values()) if (entry.account === account) this.#remove(entry);
  }

  /**
   * Removes what has been silent for too long; to be called now and then. Returns the nodes removed: those last heard before
   * `removeBefore`, which is by the settings where it is not given.
   */
  sweep(now: Micros, removeBefore: Micros = now - seconds(this.#settings.removeSeconds)): string[] {
    const silent = [...this.#nodes.values()].filter((entry) => entry.heardAt < removeBefore);
    for (const entry of silent) this.#remove(entry);
    const since = this.#freshSince(now);
    this.#goodbyes.expire(since);
    for (const [content, swarm] of this.#swarms) {
      for (const node of swarm.expire(since)) this.#nodes.get(node)?.swarms.delete(content);
      if (swarm.size === 0) this.#swarms.delete(content);
    }
    return silent.map((entry) => entry.node);
  }

  /**
   * Takes in what a primary tells of its swarms, as far as it is newer than what was heard here: of a node the later word
   * counts, of a peer the higher sequence, and a goodbye concerns one incarnation.
   */
  warm(delta: Pick<SwarmDeltaFrame, 'nodes' | 'gone' | 'dropped'>, now: Micros): void {
    for (const { node, incarnation } of delta.gone) {
      const entry = this.#nodes.get(node);
      // When it left is not told: it may be back already.
      if (entry?.incarnation === incarnation) this.#goodbye(entry, entry.heardAt);
    }
    for (const content of delta.dropped) this.dropSwarm(content);
    for (const node of delta.nodes) {
      const entry = this.#warmNode(node, now);
      if (entry !== null) for (const item of node.items) this.#warmItem(entry, item, now);
    }
  }

  /** What a primary tells of a node and of these contents of it; null when it is not there. */
  tell(node: string, contents: Iterable<string>, now: Micros): WireSwarmNode | null {
    const entry = this.#nodes.get(node);
    if (entry === undefined) return null;
    const { incarnation, name, account, addresses, proxy, origin, uploadedBytes, heardAt } = entry;
    const items: WireSwarmItem[] = [];
    for (const content of contents) {
      const facts = this.#swarms.get(content)?.facts(node) ?? null;
      if (facts !== null) items.push(itemOf(content, facts, now));
    }
    const silentMs = silence(heardAt, now);
    return { node, incarnation, name, account, addresses, proxy, host: origin.host, uploadedBytes, silentMs, items };
  }

  /** The contents of a node, in the order in which it announced them. */
  contentsOf(node: string): Iterable<string> {
    return this.#nodes.get(node)?.swarms ?? [];
  }

  #warmNode(said: WireSwarmNode, now: Micros): Entry | null {
    const { node, incarnation, name, account, addresses, uploadedBytes } = said;
    const origin = { proxy: said.proxy, host: said.host };
    const heardAt = now - millis(said.silentMs);
    const before = this.#nodes.get(node);
    const same = before?.incarnation === incarnation && before.account === account;
    if (before === undefined && this.#nodes.size >= this.#limits.nodesMax) return null;
    if (before !== undefined && before.heardAt >= heardAt) return same ? before : null;
    // Who tells this has not heard its goodbye; if it had come back since, it would have been heard later.
    if (before === undefined && (this.#goodbyes.of(node)?.saidAt ?? 0) > heardAt) return null;
    const facts = { node, incarnation, name, account, addresses };
    if (before === undefined || !same) {
      const entry = this.#begin(facts, origin, heardAt);
      entry.announcedBytes = entry.uploadedBytes = uploadedBytes;
      return entry;
    }
    before.heardAt = heardAt;
    if (!samePlace(before, facts, origin)) {
      const reach = reachOf(addresses, origin.host, origin.proxy);
      Object.assign(before, { ...facts, origin, proxy: origin.proxy, reach });
    }
    before.announcedBytes = Math.max(before.announcedBytes, uploadedBytes);
    countUpload(before, false, now);
    return before;
  }

  #warmItem(entry: Entry, { content, sequence, leftBytes, uploadedBytes, stopped, silentMs }: WireSwarmItem, now: Micros): void {
    const heardAt = now - millis(silentMs);
    if (heardAt < this.#freshSince(now)) return;
    const swarm = sequence > entry.floor ? this.#swarmFor(entry, content) : null;
    if (swarm === null) return;
    entry.sequence = Math.max(entry.sequence, sequence);
    swarm.take(entry, { sequence, leftBytes, uploadedBytes, stopped, heardAt });
    entry.swarms.add(content);
  }

  #announceItem(entry: Entry, sequence: number, item: AnnounceItem, now: Micros): AnnouncedFrame['items'][number] {
    const { content } = item;
    const swarm = sequence > entry.floor ? this.#swarmFor(entry, content) : null;
    if (swarm === null) return { content, seeders: 0, leechers: 0, peers: [] };
    const { leftBytes, uploadedBytes } = item;
    const stopped = item.event === 'stopped';
    entry.sequence = Math.max(entry.sequence, sequence);
    const { grown, recent, changed } = swarm.take(entry, { sequence, leftBytes, uploadedBytes, stopped, heardAt: now });
    if (changed) this.#news?.peer(entry.node, content);
    entry.announcedBytes += grown;
    countUpload(entry, recent, now);
    entry.swarms.add(content);
    const want = stopped ? 0 : Math.min(item.want, this.#limits.wantMax);
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
    return now - seconds(peerTtlSeconds(this.#settings.announceIntervalSeconds));
  }

  #begin(facts: EnterFacts, origin: Origin, heardAt: Micros): Entry {
    const before = this.#nodes.get(facts.node);
    if (before !== undefined) this.#leave(before);
    const known = before ?? this.#goodbyes.of(facts.node);
    const floor = known?.incarnation === facts.incarnation ? known.sequence : 0;
    const { proxy, host } = origin;
    const reach = reachOf(facts.addresses, host, proxy);
    const counters = { saidBytes: 0, announcedBytes: 0, uploadedBytes: 0, said: false, load: new UploadLoad() };
    const entry: Entry = { ...facts, origin, proxy, reach, heardAt, ...counters, swarms: new Set<string>(), sequence: floor, floor };
    this.#nodes.set(facts.node, entry);
    return entry;
  }

  #goodbye(entry: Entry, saidAt: Micros): void {
    const { node, incarnation, sequence } = entry;
    this.#remove(entry);
    this.#goodbyes.add(node, { incarnation, sequence, saidAt });
  }

  #remove(entry: Entry): void {
    this.#news?.gone(entry.node, entry.incarnation);
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

/** Whether nothing is new of where a node is: told again and again, that must cost little. */
const samePlace = (entry: Entry, { name, addresses }: EnterFacts, { proxy, host }: Origin): boolean =>
  entry.name === name &&
  entry.origin.proxy === proxy &&
  entry.origin.host === host &&
  entry.addresses.length === addresses.length &&
  entry.addresses.every((address, index) => address.host === addresses[index]?.host && address.port === addresses[index].port);

const SILENT_MS_MAX = 0xffff_ffff;

const silence = (heardAt: Micros, now: Micros): number => Math.min(SILENT_MS_MAX, Math.max(0, Math.floor((now - heardAt) / 1_000)));

const itemOf = (content: string, facts: PeerFacts, now: Micros): WireSwarmItem => ({
  content,
  sequence: facts.sequence,
  leftBytes: facts.leftBytes,
  uploadedBytes: facts.uploadedBytes,
  stopped: facts.stopped,
  silentMs: silence(facts.heardAt, now),
});

/** Both counters tell of the same uploads. A first report is about all the time before: no load. */
const countUpload = (entry: Entry, recent: boolean, now: Micros): void => {
  const before = entry.uploadedBytes;
  entry.uploadedBytes = Math.max(entry.saidBytes, entry.announcedBytes);
  if (recent) entry.load.add(Math.max(0, entry.uploadedBytes - before), now);
};
