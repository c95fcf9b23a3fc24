import { type Micros, seconds } from '../../ports/clock.ts';
import type {
  AnnouncedFrame,
  AnnouncedPeer,
  AnnounceFrame,
  AnnounceItem,
  SwarmDeltaFrame,
  WireSwarmNode,
} from '../../protocol/control/messages.ts';
import { fail, ok, type Failure, type Result } from '../../protocol/result.ts';
import { reachOf } from './addresses.ts';
import { countUpload, type Entry } from './entry.ts';
import { GuestBook } from './guest-book.ts';
import { isGuestId } from './guests.ts';
import type { Handed } from './swarm.ts';
import { SwarmTable } from './table.ts';
import type { EnterFacts, NodeRecord, Origin, SwarmNews, SwarmSettings } from './types.ts';
import { Warmth } from './warmth.ts';

export { SWARM_LIMITS } from './types.ts';
export type * from './types.ts';

/** Characters of a node's id that name it, as far as no other begins so. */
const ID_PREFIX_MIN = 4;

/**
 * Who is in the network and who has what right now: soft state, rebuilt from announces after a failover. The last writer
 * wins by (incarnation, sequence), so that a late packet never revives a peer that has stopped or a node that has gone.
 */
export class SwarmRegistry {
  readonly #settings: SwarmSettings;
  readonly #table: SwarmTable;
  readonly #warmth: Warmth;
  /** Clients of other makes, by account and peer id. */
  readonly guests: GuestBook;

  constructor(settings: SwarmSettings) {
    this.#settings = settings;
    this.#table = new SwarmTable(settings);
    this.#warmth = new Warmth(this.#table);
    this.guests = new GuestBook(this.#table);
  }

  get nodeCount(): number {
    return this.#table.entries.size - this.#table.guestCount;
  }

  get swarmCount(): number {
    return this.#table.swarms.size;
  }

  /** Pairs of a node and a content, those remembered as stopped among them. Counts them: for now and then. */
  get peerCount(): number {
    let count = 0;
    for (const entry of this.#table.entries.values()) count += entry.swarms.size;
    return count;
  }

  /** Tells `news` of every change from now on; null ends it. */
  watch(news: SwarmNews | null): void {
    this.#table.news = news;
  }

  /**
   * Takes a node in, in place of its older incarnation. `forbidden`: another account is signed in on that node id and it
   * is still there under another incarnation; `busy`: the network has as many nodes as it can hold.
   */
  enter(facts: EnterFacts, origin: Origin, now: Micros): Result<void, Failure<'forbidden' | 'busy'>> {
    if (isGuestId(facts.node)) return fail('forbidden', 'No node may be called as guests are');
    const before = this.#table.entries.get(facts.node);
    const silent = before !== undefined && before.heardAt < now - seconds(this.#settings.removeSeconds);
    if (before !== undefined && before.account !== facts.account && before.incarnation !== facts.incarnation && !silent)
      return fail('forbidden', 'This node id is in use by another account');
    if (before === undefined && this.nodeCount >= this.#table.limits.nodesMax)
      return fail('busy', 'The network has as many nodes as it can hold');
    if (before !== undefined && before.incarnation === facts.incarnation && before.account === facts.account) {
      const { proxy } = origin;
      const reach = reachOf(facts.addresses, origin.host, proxy);
      Object.assign(before, { ...facts, origin, proxy, reach, heardAt: now });
    } else this.#table.begin(facts, origin, now);
    this.#table.news?.node(facts.node);
    return ok(undefined);
  }

  /**
   * A node says goodbye; that of an older incarnation means nothing. It is remembered for as long as a peer counts as there,
   * so that nobody who has not heard it brings back what the node had announced before.
   */
  exit(node: string, incarnation: string, now: Micros): boolean {
    const entry = this.#member(node, incarnation);
    if (entry === null) return false;
    this.#table.goodbye(entry, now);
    return true;
  }

  /** A sign of life. False: the node has to enter (again). */
  alive(node: string, incarnation: string, uploadedBytes: number, origin: Origin, now: Micros): boolean {
    const entry = this.#member(node, incarnation);
    if (entry === null) return false;
    this.#heard(entry, origin, now);
    entry.saidBytes = uploadedBytes;
    countUpload(entry, entry.said, now);
    entry.said = true;
    return true;
  }

  /** Takes an announce in and answers it. The caller puts in how long to wait and whether the swarms are warming. */
  announce(frame: AnnounceFrame, origin: Origin, now: Micros): Pick<AnnouncedFrame, 'unknownNode' | 'items'> {
    const entry = this.#member(frame.node, frame.incarnation);
    if (entry === null) return { unknownNode: true, items: [] };
    this.#heard(entry, origin, now);
    return {
      unknownNode: false,
      items: frame.items
        .slice(0, this.#table.limits.itemsPerAnnounceMax)
        .map((item) => this.#announceItem(entry, frame.sequence, item, now)),
    };
  }

  swarmOf(content: string): { readonly seeders: number; readonly leechers: number } {
    const swarm = this.#table.swarms.get(content);
    return { seeders: swarm?.seeders ?? 0, leechers: swarm?.leechers ?? 0 };
  }

  /** The nodes that are there, in the order in which they entered. */
  nodes(): Iterable<NodeRecord> {
    return [...this.#table.entries.values()].filter(({ guest }) => guest === null);
  }

  /** Nodes and guests. */
  everybody(): Iterable<{ readonly node: string }> {
    return this.#table.entries.values();
  }

  node(node: string): NodeRecord | null {
    return this.#member(node);
  }

  /**
   * The nodes that a person may mean: the one of this id; or else those of this name; or else those of which the id
   * begins so (with 4 characters or more).
   */
  find(what: string): NodeRecord[] {
    const exact = this.#member(what);
    if (exact !== null) return [exact];
    const nodes = [...this.nodes()];
    const named = nodes.filter((entry) => entry.name === what);
    if (named.length > 0 || what.length < ID_PREFIX_MIN) return named;
    const head = what.toLowerCase();
    return nodes.filter((entry) => entry.node.toLowerCase().startsWith(head));
  }

  seedersOf(content: string): number {
    return this.#table.swarms.get(content)?.seeders ?? 0;
  }

  hasSwarm(content: string): boolean {
    return this.#table.swarms.has(content);
  }

  /** Forgets a swarm: its content is not in the catalog. */
  dropSwarm(content: string): void {
    this.#table.dropSwarm(content);
  }

  /** Removes the nodes and guests of an account that was disabled. */
  removeAccount(account: string): void {
    for (const entry of this.#table.entries.values()) if (entry.account === account) this.#table.remove(entry);
  }

  /**
   * Removes what has been silent for too long; to be called now and then. Returns the nodes removed: those last heard before
   * `removeBefore`, which is by the settings where it is not given.
   */
  sweep(now: Micros, removeBefore: Micros = now - seconds(this.#settings.removeSeconds)): string[] {
    const since = this.#table.freshSince(now);
    const isSilent = ({ guest, heardAt, patience }: Entry): boolean => heardAt < (guest === null ? removeBefore : since - patience);
    const silent = [...this.#table.entries.values()].filter(isSilent);
    for (const entry of silent) this.#table.remove(entry);
    this.#table.goodbyes.expire(since);
    for (const [content, swarm] of this.#table.swarms) {
      for (const node of swarm.expire(since)) this.#table.entries.get(node)?.swarms.delete(content);
      if (swarm.size === 0) this.#table.swarms.delete(content);
    }
    return silent.filter(({ guest }) => guest === null).map(({ node }) => node);
  }

  /**
   * Takes in what a primary tells of its swarms, as far as it is newer than what was heard here: of a node the later word
   * counts, of a peer the higher sequence, and a goodbye concerns one incarnation.
   */
  warm(delta: Pick<SwarmDeltaFrame, 'nodes' | 'gone' | 'dropped'>, now: Micros): void {
    this.#warmth.take(delta, now);
  }

  /** What a primary tells of a node and of these contents of it; null when it is not there. */
  tell(node: string, contents: Iterable<string>, now: Micros): WireSwarmNode | null {
    return this.#warmth.tell(node, contents, now);
  }

  /** The contents of a node, in the order in which it announced them. */
  contentsOf(node: string): Iterable<string> {
    return this.#table.entries.get(node)?.swarms ?? [];
  }

  #announceItem(entry: Entry, sequence: number, item: AnnounceItem, now: Micros): AnnouncedFrame['items'][number] {
    const { content } = item;
    const swarm = sequence > entry.floor ? this.#table.swarmFor(entry, content) : null;
    if (swarm === null) return { content, seeders: 0, leechers: 0, peers: [] };
    const { leftBytes, uploadedBytes } = item;
    const stopped = item.event === 'stopped';
    entry.sequence = Math.max(entry.sequence, sequence);
    this.#table.announced(
      entry,
      content,
      swarm.take(entry, { sequence, leftBytes, uploadedBytes, stopped, paused: false, heardAt: now }),
      now,
    );
    const want = stopped ? 0 : Math.min(item.want, this.#table.limits.wantMax);
    const peers = want > 0 ? swarm.pick(entry, want, { now, since: this.#table.freshSince(now) }) : [];
    return { content, seeders: swarm.seeders, leechers: swarm.leechers, peers: peers.map(memberPeer) };
  }

  /** A node, of this incarnation where one is named; no guest. */
  #member(node: string, incarnation?: string): Entry | null {
    const entry = this.#table.entries.get(node);
    if (entry === undefined || entry.guest !== null) return null;
    return incarnation === undefined || entry.incarnation === incarnation ? entry : null;
  }

  #heard(entry: Entry, { proxy, host }: Origin, now: Micros): void {
    entry.heardAt = now;
    const origin = { proxy, host: host === '' ? entry.origin.host : host };
    if (origin.host === '' || (entry.origin.proxy === origin.proxy && entry.origin.host === origin.host)) return;
    entry.origin = origin;
    entry.proxy = origin.proxy;
    entry.reach = reachOf(entry.addresses, origin.host, origin.proxy);
  }
}

/** To a node no guest has an id that it could trust. */
const memberPeer = ({ owner, host, port, seeder }: Handed<Entry>): AnnouncedPeer => ({
  node: owner.guest === null ? owner.node : '',
  host,
  port,
  seeder,
});
