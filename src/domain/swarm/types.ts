/** What the registry is told, keeps and tells. */
import type { Micros } from '../../ports/clock.ts';
import type { GuestEvent, GuestFamily, GuestPeer, WireAddress } from '../../protocol/control/messages.ts';

export interface SwarmLimits {
  readonly nodesMax: number;
  readonly guestsMax: number;
  readonly swarmsMax: number;
  readonly peersPerSwarmMax: number;
  readonly swarmsPerNodeMax: number;
  readonly itemsPerAnnounceMax: number;
  /** Peers in one answer, whatever was wanted. */
  readonly wantMax: number;
}

export const SWARM_LIMITS: SwarmLimits = {
  nodesMax: 100_000,
  guestsMax: 200_000,
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
  /** Of guests. */
  readonly announce?: { readonly intervalSeconds: number };
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

/** What a guest says of one content. */
export interface GuestFacts {
  /** See `guestId`. */
  readonly node: string;
  /** 40 hexadecimal digits. */
  readonly peerId: string;
  readonly passkeyHash: string;
  /** '' for none. */
  readonly account: string;
  /** What people call its program. */
  readonly name: string;
  readonly proxy: string;
  /** As its proxy sees it, with the port that it says; 0 for one that cannot be reached. */
  readonly host: string;
  readonly port: number;
  readonly content: string;
  readonly event: GuestEvent;
  readonly leftBytes: number;
  readonly uploadedBytes: number;
  /** 0 for none. */
  readonly want: number;
  readonly family: GuestFamily;
  /** When it was said, in the time of this replica: now, unless it was held on its way. */
  readonly heardAt: Micros;
}

/** A client as people see it. */
export interface PresentGuest extends Omit<NodeRecord, 'incarnation' | 'proxy'> {
  /** Contents that it has all of. */
  readonly seeds: readonly string[];
}

export interface GuestSwarm {
  readonly seeders: number;
  readonly leechers: number;
  readonly peers: readonly GuestPeer[];
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

/** Told of what changes: who keeps another replica warm listens. Announces that say nothing new are not told of. */
export interface SwarmNews {
  /** It entered, or again from elsewhere. */
  node(node: string): void;
  gone(node: string, incarnation: string): void;
  peer(node: string, content: string): void;
  dropped(content: string): void;
}
