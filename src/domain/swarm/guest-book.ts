import { type Micros, seconds } from '../../ports/clock.ts';
import type { GuestPeer } from '../../protocol/control/messages.ts';
import { reachOf } from './addresses.ts';
import { type Entry, samePlace } from './entry.ts';
import { fitsGuest, STOPPED_SECONDS, withAddress } from './guests.ts';
import type { Handed } from './swarm.ts';
import type { SwarmTable } from './table.ts';
import type { GuestFacts, GuestSwarm, PresentGuest } from './types.ts';

/** The guests among those who take part in swarms. */
export class GuestBook {
  readonly #table: SwarmTable;

  constructor(table: SwarmTable) {
    this.#table = table;
  }

  get count(): number {
    return this.#table.guestCount;
  }

  /**
   * Takes in what a guest says of one content, and answers it. Of two words the later counts; who has stopped comes back by
   * `started`.
   */
  announce(said: GuestFacts, now: Micros): GuestSwarm {
    const entry = this.#guest(said, now);
    if (entry === null) return NO_SWARM;
    const { content, leftBytes, uploadedBytes, event, heardAt } = said;
    const swarm = this.#table.swarmFor(entry, content);
    if (swarm === null) return NO_SWARM;
    const before = swarm.facts(entry.node);
    const late = before?.stopped === true && event !== 'started' && heardAt - before.heardAt < seconds(STOPPED_SECONDS);
    const stopped = event === 'stopped';
    if (!late) {
      // What is said now is later than all before, whatever the clock says.
      const sequence = heardAt < now ? heardAt : Math.max(now, (before?.sequence ?? now) + 1);
      const facts = { sequence, leftBytes, uploadedBytes, stopped, paused: event === 'paused', heardAt };
      this.#table.announced(entry, content, swarm.take(entry, facts), now);
    }
    const want = stopped ? 0 : said.want;
    // aria2 says that nothing is left while it has a magnet link alone; who has given nothing yet may be such a one.
    const unsure = leftBytes === 0 && uploadedBytes === 0;
    const times = { now, since: this.#table.freshSince(now) };
    const peers = want > 0 ? swarm.pick(entry, want, times, fitsGuest(said.family), unsure) : [];
    return { seeders: swarm.seeders, leechers: swarm.leechers, peers: peers.map(guestPeer) };
  }

  /** A guest whose passkey was revoked, or all of them that announced with it. */
  removeOf(passkeyHash: string): void {
    for (const entry of this.#table.entries.values()) if (entry.guest?.passkeyHash === passkeyHash) this.#table.remove(entry);
  }

  /** The passkeys that guests announce with, and whose they are. */
  passkeys(): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    for (const { guest, account } of this.#table.entries.values())
      if (guest !== null && guest.passkeyHash !== '') found.set(guest.passkeyHash, account);
    return found;
  }

  /**
   * The guests that take part in a swarm now, as people count them: what announces from one place under one account is one
   * client, which may have a peer id for each torrent.
   */
  present(): PresentGuest[] {
    const clients = new Map<string, PresentGuest & { heardAt: Micros; uploadedBytes: number; readonly seeds: string[] }>();
    for (const entry of this.#table.entries.values()) {
      if (entry.guest === null) continue;
      const { node, name, account, addresses, heardAt, uploadedBytes } = entry;
      const facts = [...entry.swarms].map((content) => ({ content, peer: this.#table.swarms.get(content)?.facts(node) ?? null }));
      if (!facts.some(({ peer }) => peer?.stopped === false)) continue;
      const seeds = facts.flatMap(({ content, peer }) => (peer !== null && !peer.stopped && peer.leftBytes === 0 ? [content] : []));
      const place = `${account} ${name} ${addresses.map(({ host, port }) => `${host} ${port}`).join(' ')}`;
      const known = clients.get(place);
      if (known === undefined) clients.set(place, { node, name, account, addresses, heardAt, uploadedBytes, seeds });
      else {
        known.heardAt = Math.max(known.heardAt, heardAt);
        known.uploadedBytes += uploadedBytes;
        known.seeds.push(...seeds);
      }
    }
    return [...clients.values()];
  }

  /** The guest behind an announce, taken in where it is new; null when there is no room. */
  #guest(said: GuestFacts, now: Micros): Entry | null {
    const { node, peerId, passkeyHash, account, name, host, port, proxy, heardAt } = said;
    const before = this.#table.entries.get(node);
    if (before !== undefined && heardAt < before.heardAt) return before;
    const since = this.#table.freshSince(now) - (before?.patience ?? 0);
    const known = before?.guest?.places ?? [];
    // Whoever leaves may say no port any more, and goes on with its other contents.
    const places = said.event === 'stopped' && known.length > 0 ? known : withAddress(known, { host, port, heardAt }, since);
    const addresses = places.map((place) => ({ host: place.host, port: place.port }));
    const origin = { proxy, host: addresses[0]?.host ?? host };
    const facts = { node, name, account, incarnation: peerId, addresses, guest: { peerId, passkeyHash, places } };
    if (before === undefined) {
      if (!this.#table.hasRoom(true)) return null;
      const entry = this.#table.begin(facts, origin, heardAt);
      this.#table.news?.node(node);
      return entry;
    }
    const moved = !samePlace(before, facts, origin) || before.guest?.passkeyHash !== passkeyHash;
    Object.assign(before, { guest: facts.guest, heardAt });
    if (!moved) return before;
    Object.assign(before, { origin, proxy, addresses, reach: reachOf(addresses, origin.host, proxy) });
    this.#table.news?.node(node);
    return before;
  }
}

const NO_SWARM: GuestSwarm = { seeders: 0, leechers: 0, peers: [] };

const guestPeer = ({ owner, host, port, seeder }: Handed<Entry>): GuestPeer => ({
  peerId: owner.guest?.peerId ?? null,
  host,
  port,
  seeder,
});
