import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import type { PieceIndex } from '../protocol/bittorrent/ids.ts';
import type { BufferPool } from './buffers.ts';
import type { Content } from './content.ts';
import type { InboundEvents } from './inbound.ts';
import type { Dialler } from './peer-owner.ts';
import type { Gate, OwnGate } from './own-gate.ts';
import type { Uplink } from './uplink.ts';
import type { WebWays } from './web-seeds/web-connection.ts';

type DataFailure = Parameters<InboundEvents['failed']>[0];

export interface ExchangeEvents {
  /** A piece is verified and on disk, not yet synced. */
  stored(piece: PieceIndex): void;
  /** All that is wanted is here. Called once for each time that becomes so. */
  complete(): void;
  /** Whether some peer has what is missing; told when it changes. */
  supply(there: boolean): void;
  banned(name: string): void;
  /** Reading or writing failed; nothing more moves until somebody decides. */
  failed(failure: DataFailure): void;
}

export interface ExchangeSettings {
  readonly clock: Clock;
  readonly random: Random;
  readonly content: Content;
  readonly pool: BufferPool;
  readonly uplink: Uplink;
  readonly downGate: Gate;
  /** The transfer's own limit of upload; the uplink has that of the node. */
  readonly upGate?: OwnGate;
  readonly dialler: Dialler;
  readonly peersMax: number;
  readonly uploadSlots: number;
  /** Peers are told of by trackers alone, never by each other; as the torrent says where this is absent (BEP 27). */
  readonly private?: boolean;
  /** How web servers are reached; absent: web seeds are not used. */
  readonly web?: WebWays;
  readonly events: ExchangeEvents;
}
