/** Where a transfer is told of, and hears of its peers: the network's trackers, or those of its torrent. */
import type { AnnounceFacts } from '../../data/network.ts';
import type { TrackerSummary } from '../../protocol/api.ts';
import type { InfoHash } from '../../protocol/bittorrent/ids.ts';

/** A peer that a tracker, or somebody else, knows of. */
export interface SourcePeer {
  readonly host: string;
  readonly port: number;
  /** The node's id in the network; null for a foreign peer, or where it is not known. */
  readonly node: string | null;
  readonly seeder: boolean;
}

export interface SwarmFacts extends Omit<AnnounceFacts, 'leftBytes'> {
  /** Null while nobody here knows how much there is. */
  readonly leftBytes: number | null;
}

/** What a swarm is asked of the transfer, and tells it. Called in steps of the process. */
export interface SwarmMember {
  /** Asked at every announce. */
  facts(): SwarmFacts;
  /** This node is never among them. */
  met(peers: readonly SourcePeer[]): void;
  /** A private torrent has another tracker now: those that the old one told of are to be let go (BEP 27). */
  switched(): void;
}

/** The count of a whole swarm, as it was last heard of. */
export interface SwarmCount {
  readonly seeders: number;
  readonly leechers: number;
  /** The tracker has just taken over, and knows few of them yet. */
  readonly warming: boolean;
}

/** What is to be known of a torrent to ask its trackers. */
export interface TrackedTorrent {
  readonly v1: InfoHash | null;
  readonly v2: InfoHash | null;
  /** BEP 27: one tracker at a time. */
  readonly private: boolean;
  /** Announce URLs by tier (BEP 12). */
  readonly trackers: readonly (readonly string[])[];
}

export interface SwarmSource {
  /** Announces from now on; again while it does: nothing. */
  join(): void;
  /** Says that the download is complete. */
  completed(): void;
  /** Says `stopped` and announces no more; without `join` before: nothing. */
  leave(): void;
  /** Null while nothing was heard since `join`. */
  readonly count: SwarmCount | null;
  /** Those that it announces to, in the order of their tiers; none for the catalog's. */
  readonly trackers: readonly TrackerSummary[];
}
