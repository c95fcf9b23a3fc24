/** What a follower of a torrent shares with its trackers, and tells its owner. */
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { PeerId, WireHash } from '../../protocol/bittorrent/ids.ts';
import type { TrackerPeer } from '../../protocol/tracker/announce-reply.ts';
import type { TrackerClient } from './tracker-client.ts';

export interface TorrentFacts {
  /** Bytes that are missing of what is wanted; null while that is not known (a magnet without its metadata). */
  readonly leftBytes: number | null;
  readonly uploadedBytes: number;
  readonly downloadedBytes: number;
  /** Peers wanted now; 0 for none. */
  readonly want: number;
}

/** What a tracker says of a whole swarm; null where it does not. */
export interface SwarmStats {
  readonly seeders: number | null;
  readonly leechers: number | null;
  /** The node's address as the tracker sees it (BEP 24). */
  readonly externalIp: string | null;
}

/** `idle`: not asked yet, or kept in reserve. */
export type TrackerState = 'idle' | 'asking' | 'working' | 'failed';

export interface TrackerStatus {
  /** Without what may be a secret in it. */
  readonly url: string;
  /** Place of its tier, from 0. */
  readonly tier: number;
  readonly state: TrackerState;
  readonly seeders: number | null;
  readonly leechers: number | null;
  /** Why it failed, or what it warns of. */
  readonly message: string | null;
  /** Until it is asked again; null while it is being asked, in reserve, or not to be asked any more. */
  readonly nextInSeconds: number | null;
}

export interface TorrentMember {
  /** 20 bytes each: of a hybrid torrent the v1 hash and the v2 hash cut short. */
  readonly wireHashes: readonly WireHash[];
  readonly peerId: PeerId;
  /** 8 hexadecimal digits that tell this node from others behind its address. */
  readonly key: string;
  /** BEP 27: one tracker at a time. */
  readonly private: boolean;
  /** Where the node listens for peers; 0 where it does not. */
  port(): number;
  /** Asked at every announce. */
  facts(): TorrentFacts;
  /** What a tracker has handed out. This node is left out where the tracker tells who is who, or which address it has. */
  peers(peers: readonly TrackerPeer[], stats: SwarmStats): void;
  /** A private torrent has another tracker now: peers that the old one told of are to be dropped (BEP 27). The new one's come after. */
  switched?(): void;
}

export interface TrackerSetting {
  readonly clock: Clock;
  readonly random: Random;
  readonly client: TrackerClient;
  readonly member: TorrentMember;
}
