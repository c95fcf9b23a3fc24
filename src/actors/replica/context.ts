import type { ReplicaDeps, ReplicaLimits } from './api.ts';
import type { VoterName } from '../../domain/replication/types.ts';
import type { ReplicaEvent } from './machine.ts';
import type { ReplicaLog } from './replica-log.ts';
import type { View } from './view.ts';

/** What the parts of one replica share: `Succession` (follower and candidate), `Leadership` (primary), and the replica around them. */
export interface ReplicaContext {
  readonly deps: ReplicaDeps;
  readonly limits: ReplicaLimits;
  readonly replicaLog: ReplicaLog;
  readonly view: View;
  /** Voters whose link is up now. */
  readonly up: ReadonlySet<VoterName>;
  /** See `heartbeatAck.proxyReach`, of this replica. */
  readonly proxyReach: () => number;
  /** Tells the machine; handled after what is under way now. Nothing once the replica is stopped. */
  post(event: ReplicaEvent): void;
  /** Tells listeners of the status, where it has changed. */
  publish(): void;
  /** The log cannot be trusted or written: the replica halts. */
  fail(reason: string): void;
}
