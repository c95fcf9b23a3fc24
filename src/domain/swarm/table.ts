/** Entries and swarms, and what holds of both: limits, expiry, and who is told of what changes. */
import { type Micros, seconds } from '../../ports/clock.ts';
import { reachOf } from './addresses.ts';
import { countUpload, type Entry } from './entry.ts';
import { Goodbyes } from './goodbyes.ts';
import { GUEST_INTERVAL_SECONDS, guestPatience } from './guests.ts';
import { peerTtlSeconds } from './interval.ts';
import { UploadLoad } from './load.ts';
import { type PeerNews, Swarm } from './swarm.ts';
import { type EnterFacts, type Origin, SWARM_LIMITS, type SwarmLimits, type SwarmNews, type SwarmSettings } from './types.ts';

export class SwarmTable {
  /** Nodes and guests, in the order in which they came. */
  readonly entries = new Map<string, Entry>();
  readonly swarms = new Map<string, Swarm<Entry>>();
  readonly limits: SwarmLimits;
  readonly goodbyes: Goodbyes;
  news: SwarmNews | null = null;
  /** How many of the entries are guests. */
  guestCount = 0;
  readonly #announceIntervalSeconds: number;
  readonly #guestPatience: Micros;

  constructor(settings: SwarmSettings) {
    this.limits = settings.limits ?? SWARM_LIMITS;
    this.goodbyes = new Goodbyes(this.limits.nodesMax);
    this.#announceIntervalSeconds = settings.announceIntervalSeconds;
    const guestIntervalSeconds = settings.announce?.intervalSeconds ?? GUEST_INTERVAL_SECONDS;
    this.#guestPatience = guestPatience({ announceIntervalSeconds: settings.announceIntervalSeconds, guestIntervalSeconds });
  }

  announced(entry: Entry, content: string, { grown, recent, changed }: PeerNews, now: Micros): void {
    if (changed) this.news?.peer(entry.node, content);
    entry.announcedBytes += grown;
    countUpload(entry, recent, now);
    entry.swarms.add(content);
  }

  hasRoom(guest: boolean): boolean {
    return guest ? this.guestCount < this.limits.guestsMax : this.entries.size - this.guestCount < this.limits.nodesMax;
  }

  /** The content's swarm, made where there is none; null when a limit is reached. */
  swarmFor(entry: Entry, content: string): Swarm<Entry> | null {
    const known = this.swarms.get(content);
    if (known?.has(entry.node) === true) return known;
    if (entry.swarms.size >= this.limits.swarmsPerNodeMax || (known?.size ?? 0) >= this.limits.peersPerSwarmMax) return null;
    if (known !== undefined) return known;
    if (this.swarms.size >= this.limits.swarmsMax) return null;
    const swarm = new Swarm<Entry>();
    this.swarms.set(content, swarm);
    return swarm;
  }

  freshSince(now: Micros): Micros {
    return now - seconds(peerTtlSeconds(this.#announceIntervalSeconds));
  }

  begin(facts: EnterFacts & { readonly guest?: Entry['guest'] }, origin: Origin, heardAt: Micros): Entry {
    const before = this.entries.get(facts.node);
    if (before !== undefined) this.leave(before);
    const known = before ?? this.goodbyes.of(facts.node);
    const guest = facts.guest ?? null;
    // Of guests the time of each word decides, which may be before this process began.
    const floor = guest !== null ? Number.NEGATIVE_INFINITY : known?.incarnation === facts.incarnation ? known.sequence : 0;
    if (before === undefined && guest !== null) this.guestCount += 1;
    const { proxy, host } = origin;
    const reach = reachOf(facts.addresses, host, proxy);
    const counters = { saidBytes: 0, announcedBytes: 0, uploadedBytes: 0, said: false, load: new UploadLoad() };
    const patience = guest === null ? 0 : this.#guestPatience;
    const soFar = { swarms: new Set<string>(), sequence: floor, floor };
    const entry: Entry = { ...facts, guest, origin, proxy, reach, heardAt, patience, ...counters, ...soFar };
    this.entries.set(facts.node, entry);
    return entry;
  }

  goodbye(entry: Entry, saidAt: Micros): void {
    const { node, incarnation, sequence } = entry;
    this.remove(entry);
    this.goodbyes.add(node, { incarnation, sequence, saidAt });
  }

  remove(entry: Entry): void {
    this.news?.gone(entry.node, entry.incarnation);
    this.leave(entry);
    if (this.entries.delete(entry.node) && entry.guest !== null) this.guestCount -= 1;
  }

  leave(entry: Entry): void {
    for (const content of entry.swarms) {
      const swarm = this.swarms.get(content);
      swarm?.remove(entry.node);
      if (swarm?.size === 0) this.swarms.delete(content);
    }
    entry.swarms.clear();
  }

  /** Forgets a swarm: its content is not in the catalog. */
  dropSwarm(content: string): void {
    const swarm = this.swarms.get(content);
    if (swarm === undefined) return;
    this.news?.dropped(content);
    for (const node of swarm.nodes()) this.entries.get(node)?.swarms.delete(content);
    this.swarms.delete(content);
  }
}
