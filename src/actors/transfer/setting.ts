import type { Reactor } from '../../bus/reactor.ts';
import type { BufferPool } from '../../data/buffers.ts';
import type { Network } from '../../data/network.ts';
import type { OpenFiles } from '../../data/open-files.ts';
import type { Dialler, Gathering } from '../../data/peer-owner.ts';
import type { RateGate } from '../../data/rate-gate.ts';
import type { Uplink } from '../../data/uplink.ts';
import type { WebWays } from '../../data/web-seeds/web-connection.ts';
import type { Ports } from '../../ports/ports.ts';
import type { Metainfo } from '../../protocol/bittorrent/metainfo.ts';
import type { SeedingGoal } from '../../protocol/terms.ts';
import type { TransferRecord } from '../../domain/transfer/journal.ts';
import type { TorrentLayout } from '../../domain/transfer/torrent-layout.ts';
import type { SwarmMember, SwarmSource, TrackedTorrent } from './swarm-source.ts';
import type { Transfer } from './transfer.ts';

/** What all transfers of a node share. */
export interface TransferSetting {
  readonly reactor: Reactor;
  readonly ports: Ports;
  readonly network: Network;
  readonly pool: BufferPool;
  readonly open: OpenFiles;
  readonly uplink: Uplink;
  readonly downGate: RateGate;
  readonly port: Dialler & { register(gathering: Gathering): void; unregister(gathering: Gathering): void };
  readonly limits: { readonly peersPerTransferMax: number; readonly uploadSlots: number };
  /** The swarm that the trackers of a torrent know; null where it names none. */
  trackers(torrent: TrackedTorrent, member: SwarmMember): SwarmSource | null;
  /** How web seeds are reached. */
  readonly web: WebWays;
  /** Where the journals are. */
  journalPath(id: string): string;
  /** When seeding is over, for downloads without a goal of their own. */
  readonly seeding: SeedingGoal;
  /** The transfer wants to download, or to seed: `slot.granted` when its turn has come. */
  queue(transfer: Transfer): void;
  /** Whether it may seed at once, without asking for a turn. */
  maySeed(transfer: Transfer): boolean;
  /** A download has become complete; told again until `finished`, also after a restart. */
  completed(transfer: Transfer): void;
  /** It has left or changed its phase, or what counts for its turn. */
  phaseChanged(transfer: Transfer): void;
  /** It has all it wants, where it belongs: the catalog is to know. */
  owns(transfer: Transfer): void;
  /** It cannot be given, or not all of it: the catalog is to forget what it may have been told. */
  lost(transfer: Transfer): void;
}

/** What a transfer begins with. */
export interface TransferPlan {
  readonly metainfo: Metainfo;
  readonly layout: TorrentLayout;
  readonly record: TransferRecord;
}
