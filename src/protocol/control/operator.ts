/** Frames of the operator link: a command of the command line to one replica (docs/protocol.md). One order, one answer. */
import type { FailoverReport, ReplicaReport } from './report.ts';

/**
 * What an operator may order. `report`: what it knows of itself and the network. `handover`: the primary drains and gives
 * its role to the other replica. `forcePromote`: this replica becomes primary although it may lack acknowledged changes
 * (past R2); what the other has is quarantined when it returns.
 */
export type Order = { readonly do: 'report' } | { readonly do: 'handover' } | { readonly do: 'forcePromote' };
export type OrderName = Order['do'];

/** Why an order was not carried out; what each means for its order is said where replicas do them (`actors/replica/api.ts`). */
export type OrderErrorCode =
  | 'bad-request'
  | 'booting'
  | 'busy'
  | 'degraded'
  | 'disk'
  | 'eligible'
  | 'halted'
  | 'indeterminate'
  | 'internal'
  | 'is-primary'
  | 'no-majority'
  | 'no-peer'
  | 'not-primary'
  | 'primary-alive'
  | 'timed-out'
  | 'unavailable';

export type OrderOutcome =
  | { readonly ok: true; readonly value: object }
  | { readonly ok: false; readonly code: OrderErrorCode; readonly message: string };

export type OperatorOnlyFrame =
  | { readonly kind: 'order'; readonly id: number; readonly order: Order }
  | { readonly kind: 'ordered'; readonly id: number; readonly outcome: OrderOutcome };

/** What a tracker or backup process says of itself: to operators, and to proxies with its status. */
export interface ServerReport extends ReplicaReport {
  /** Program and version. */
  readonly software: string;
  /** How complete its view of who is in which swarm is. */
  readonly swarm: {
    readonly phase: 'cold' | 'warming' | 'warm';
    readonly nodes: number;
    readonly guests?: number;
    readonly swarms: number;
  };
  /** Names of the proxies that are connected to it. */
  readonly proxies: readonly string[];
  readonly requestsUnderWay: number;
}

/** What each order is answered with. */
export interface OrderResults {
  readonly report: ServerReport;
  /** Given once the other is known to lead. */
  readonly handover: {
    readonly from: string;
    readonly to: string;
    /** The epoch in which the other leads. */
    readonly epoch: number;
    /** How long changes were held: from the drain to the other's first sign as primary. */
    readonly heldMs: number;
  };
  /** Given once this replica leads. `generation` counts the forced promotions of the network. */
  readonly forcePromote: { readonly epoch: number; readonly generation: number };
}

/** A replica as it was found, or not. */
export interface ClusterReplica {
  readonly name: string;
  /** Null where it does not answer. */
  readonly report: ServerReport | null;
  /** Why it does not. */
  readonly reason: string | null;
  /** Entries of the primary's log that it has not; null where that is not known. */
  readonly lagEntries: number | null;
}

/** The trackers and voters of a network together, in words of one of its primary where it has one. */
export interface ClusterReport {
  readonly primary: string | null;
  readonly mode: 'SYNC' | 'SOLO' | 'NONE';
  readonly epoch: number;
  readonly generation: number;
  /** Where there is no primary: the replica that is waited for, because it may hold newer changes (R2). */
  readonly waitsFor: string | null;
  readonly draining: boolean;
  readonly swarm: ServerReport['swarm'] | null;
  readonly replicas: readonly ClusterReplica[];
  /** `answers`: null where nobody who answers can tell. */
  readonly voters: readonly { readonly name: string; readonly witness: boolean; readonly answers: boolean | null }[];
  readonly lastFailover: FailoverReport | null;
  /** Where a proxy tells it: how it stands to the trackers. Null where they were asked themselves. */
  readonly proxy: { readonly name: string; readonly state: string } | null;
}
