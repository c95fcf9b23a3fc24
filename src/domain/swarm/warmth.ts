/** What a primary tells of its swarms, and what another replica takes of it (docs/availability.md, soft state). */
import { type Micros, millis } from '../../ports/clock.ts';
import type { SwarmDeltaFrame, WireSwarmItem, WireSwarmNode } from '../../protocol/control/messages.ts';
import { reachOf } from './addresses.ts';
import { countUpload, type Entry, itemOf, samePlace, silence } from './entry.ts';
import { isGuestId } from './guests.ts';
import type { SwarmTable } from './table.ts';

export class Warmth {
  readonly #table: SwarmTable;

  constructor(table: SwarmTable) {
    this.#table = table;
  }

  /**
   * Takes in what a primary tells of its swarms, as far as it is newer than what was heard here: of a node the later word
   * counts, of a peer the higher sequence, and a goodbye concerns one incarnation.
   */
  take(delta: Pick<SwarmDeltaFrame, 'nodes' | 'gone' | 'dropped'>, now: Micros): void {
    for (const { node, incarnation } of delta.gone) {
      const entry = this.#table.entries.get(node);
      // When it left is not told: it may be back already.
      if (entry?.incarnation !== incarnation) continue;
      if (entry.guest === null) this.#table.goodbye(entry, entry.heardAt);
      else this.#table.remove(entry);
    }
    for (const content of delta.dropped) this.#table.dropSwarm(content);
    for (const node of delta.nodes) {
      const entry = this.#warmNode(node, now);
      if (entry !== null) for (const item of node.items) this.#warmItem(entry, item, now);
    }
  }

  /** What a primary tells of a node and of these contents of it; null when it is not there. */
  tell(node: string, contents: Iterable<string>, now: Micros): WireSwarmNode | null {
    const entry = this.#table.entries.get(node);
    if (entry === undefined) return null;
    const { incarnation, name, account, addresses, proxy, origin, uploadedBytes, heardAt, guest } = entry;
    const items: WireSwarmItem[] = [];
    for (const content of contents) {
      const facts = this.#table.swarms.get(content)?.facts(node) ?? null;
      if (facts !== null) items.push(itemOf(content, facts, guest !== null, now));
    }
    const silentMs = silence(heardAt, now);
    const passkeyHash = guest?.passkeyHash ?? '';
    return { node, incarnation, name, account, passkeyHash, addresses, proxy, host: origin.host, uploadedBytes, silentMs, items };
  }

  #warmNode(said: WireSwarmNode, now: Micros): Entry | null {
    const { node, incarnation, name, account, addresses, uploadedBytes } = said;
    const origin = { proxy: said.proxy, host: said.host };
    const heardAt = now - millis(said.silentMs);
    const before = this.#table.entries.get(node);
    const same = before?.incarnation === incarnation && before.account === account;
    const guest = isGuestId(node)
      ? { peerId: incarnation, passkeyHash: said.passkeyHash, places: addresses.map((address) => ({ ...address, heardAt })) }
      : null;
    if (before === undefined && !this.#table.hasRoom(guest !== null)) return null;
    if (before !== undefined && before.heardAt >= heardAt) return same ? before : null;
    // Who tells this has not heard its goodbye; if it had come back since, it would have been heard later.
    if (before === undefined && (this.#table.goodbyes.of(node)?.saidAt ?? Number.NEGATIVE_INFINITY) > heardAt) return null;
    const facts = { node, incarnation, name, account, addresses, guest };
    if (before === undefined || !same) {
      const entry = this.#table.begin(facts, origin, heardAt);
      entry.announcedBytes = entry.uploadedBytes = uploadedBytes;
      return entry;
    }
    before.heardAt = heardAt;
    if (!samePlace(before, facts, origin) || guest?.passkeyHash !== before.guest?.passkeyHash) {
      const reach = reachOf(addresses, origin.host, origin.proxy);
      Object.assign(before, { ...facts, origin, proxy: origin.proxy, reach });
    }
    before.announcedBytes = Math.max(before.announcedBytes, uploadedBytes);
    countUpload(before, false, now);
    return before;
  }

  #warmItem(entry: Entry, said: WireSwarmItem, now: Micros): void {
    const { content, leftBytes, uploadedBytes, stopped, paused, silentMs } = said;
    const heardAt = now - millis(silentMs);
    if (heardAt < this.#table.freshSince(now) - entry.patience) return;
    const sequence = entry.guest === null ? said.sequence : heardAt;
    const swarm = sequence > entry.floor ? this.#table.swarmFor(entry, content) : null;
    if (swarm === null) return;
    entry.sequence = Math.max(entry.sequence, sequence);
    swarm.take(entry, { sequence, leftBytes, uploadedBytes, stopped, paused, heardAt });
    entry.swarms.add(content);
  }
}
