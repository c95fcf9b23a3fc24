import type { Epoch } from '../../domain/replication/types.ts';
import type { FailoverReport } from '../../protocol/control/messages.ts';
import type { ReplicaDeps, ReplicaLimits } from './api.ts';
import type { ReplicaLog } from './replica-log.ts';

/** What a primary tells its replica. */
export interface PrimaryEvents {
  learnerJoined(): void;
  degradeProposed(): void;
  chosen(mode: 'SYNC' | 'SOLO'): void;
  /** The entry that adopts the log is applied here: reads see everything that was ever acknowledged. */
  serving(): void;
  /** This process stood still, and does not act as primary before a majority has confirmed it. */
  distrusted(): void;
  /** For long more proxies have reached another replica in sync than this one. */
  outreached(): void;
  quorumLost(): void;
  outranked(epoch: Epoch): void;
  diskFull(): void;
}

export interface PrimaryDeps extends Omit<ReplicaDeps, 'random' | 'database' | 'limits'> {
  /** See `heartbeatAck.proxyReach`, of this replica. */
  readonly proxyReach: () => number;
  readonly replicaLog: ReplicaLog;
  readonly limits: ReplicaLimits;
  /** How this primary came to lead; followers are told. */
  readonly failover: FailoverReport | null;
  readonly events: PrimaryEvents;
}
