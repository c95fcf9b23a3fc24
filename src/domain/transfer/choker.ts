/** Whom to give to: by what they give, or, with everything at hand, by who got least. */

export const CHOKE_INTERVAL_MS = 10_000;
export const OPTIMISTIC_INTERVAL_MS = 30_000;

export interface ChokingPeer {
  readonly key: number;
  readonly interested: boolean;
  /** It owes us blocks and does not send them. */
  readonly snubbed: boolean;
  /** Bytes a second that it gives us. */
  readonly downRate: number;
  /** Bytes that it got from us since it came. */
  readonly sentBytes: number;
  /** 0 to 1: how much of the content it has. */
  readonly has: number;
}

export interface ChokeFacts {
  readonly peers: readonly ChokingPeer[];
  /** Peers served at once; 1 or more. One of them is the optimistic slot while downloading, where there are two. */
  readonly slots: number;
  /** This node has all that it wants. */
  readonly seeding: boolean;
  /** The peer in the optimistic slot; null to choose (again). */
  readonly optimistic: number | null;
  /** A uniform integer from 0 to its argument, that excluded. */
  readonly below: (limit: number) => number;
}

export interface ChokeDecision {
  readonly unchoked: ReadonlySet<number>;
  readonly optimistic: number | null;
}

/**
 * Who gets a slot that fell free between two rounds, since its peer wants nothing more: of those that wait, who got least.
 * Null where nobody waits, or no slot is free.
 */
export const decideFreeSlot = (peers: readonly (ChokingPeer & { readonly served: boolean })[], slots: number): number | null => {
  const asking = peers.filter((peer) => peer.interested);
  if (asking.filter((peer) => peer.served).length >= slots) return null;
  const waiting = asking.filter((peer) => !peer.served);
  return waiting.toSorted((a, b) => a.sentBytes - b.sentBytes || a.has - b.has || a.key - b.key)[0]?.key ?? null;
};

/**
 * The unchoking of BEP 3 with the refinements of its implementations: while downloading, the best givers, and one peer at
 * random that may prove itself; while seeding, those that got least, and among them those that lack most.
 */
export const decideUnchoked = (facts: ChokeFacts): ChokeDecision => {
  const asking = facts.peers.filter((peer) => peer.interested);
  if (asking.length <= facts.slots) return { unchoked: new Set(asking.map((peer) => peer.key)), optimistic: facts.optimistic };
  if (facts.seeding) {
    const needy = asking.toSorted((a, b) => a.sentBytes - b.sentBytes || a.has - b.has || a.key - b.key);
    return { unchoked: new Set(needy.slice(0, facts.slots).map((peer) => peer.key)), optimistic: null };
  }
  const best = asking
    .filter((peer) => !peer.snubbed)
    .toSorted((a, b) => b.downRate - a.downRate || a.sentBytes - b.sentBytes || a.key - b.key);
  const unchoked = new Set(best.slice(0, Math.max(1, facts.slots - 1)).map((peer) => peer.key));
  if (facts.slots === 1) return { unchoked, optimistic: null };
  const others = asking.filter((peer) => !unchoked.has(peer.key));
  const kept = others.find((peer) => peer.key === facts.optimistic);
  const chosen = kept ?? (others[facts.below(others.length)] as ChokingPeer);
  unchoked.add(chosen.key);
  return { unchoked, optimistic: chosen.key };
};
