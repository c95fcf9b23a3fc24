/**
 * Frames of the replicated pair and its voters (docs/availability.md, R1 to R9), and the shapes of the log in them, which
 * repeat those of `domain/replication/types.ts`: `protocol` imports nothing of ours.
 */

import type { FailoverReport } from './report.ts';

export interface WireRequestId {
  readonly client: string;
  readonly n: number;
}

// ---- Voting (R1 to R3, R6, R7, R9) ------------------------------------------------------------------------------

export interface WireBallot {
  readonly e: number;
  readonly v: number;
}

export interface WireConfiguration {
  readonly e: number;
  readonly v: number;
  readonly primary: string | null;
  readonly isr: readonly string[];
  /** How often a promotion was forced; left out: never. */
  readonly generation?: number;
}

export type VotingFrame =
  /** Would you vote for me? Answered without changing anything; `ballot` is of what the candidate has accepted last. */
  | { readonly kind: 'preVote'; readonly epoch: number; readonly candidate: string; readonly ballot: WireBallot }
  | {
      readonly kind: 'preVoteReply';
      /** Of the question. */
      readonly epoch: number;
      readonly promised: number;
      readonly accepted: WireConfiguration;
      /** Null: granted. */
      readonly refused: 'promised' | 'primary-alive' | 'ineligible' | 'rejoining' | null;
    }
  /** `handOver`: the primary itself has asked for this candidacy, so that voters need not wait until it is silent. */
  | { readonly kind: 'vote'; readonly epoch: number; readonly candidate: string; readonly handOver: boolean }
  | { readonly kind: 'promise'; readonly epoch: number; readonly accepted: WireConfiguration }
  | {
      readonly kind: 'voteDenied';
      readonly epoch: number;
      readonly promised: number;
      readonly reason: 'promised' | 'primary-alive' | 'rejoining';
    }
  | { readonly kind: 'propose'; readonly configuration: WireConfiguration }
  | { readonly kind: 'accepted'; readonly epoch: number; readonly v: number }
  | { readonly kind: 'proposeDenied'; readonly epoch: number; readonly v: number; readonly promised: number }
  /** R9. `reader` asks; a replica passes it on between witnesses, which have no links to each other. */
  | { readonly kind: 'voterRead'; readonly id: number; readonly reader: string }
  /** The state of `voter`, for `reader`. */
  | {
      readonly kind: 'voterState';
      readonly id: number;
      readonly reader: string;
      readonly voter: string;
      readonly promised: number;
      readonly accepted: WireConfiguration;
    }
  /** Primary to every voter. */
  | {
      readonly kind: 'heartbeat';
      readonly epoch: number;
      readonly v: number;
      readonly round: number;
      readonly commitSeq: number;
      readonly primary: string;
    }
  /** `proxyReach`: which proxies have a link to this replica; bit i for the i-th of `network.json`. 0 from a witness. */
  | { readonly kind: 'heartbeatAck'; readonly epoch: number; readonly round: number; readonly proxyReach: number };

// ---- Replication (R4, R5, R7) ----------------------------------------------------------------------------------

export interface WirePosition {
  readonly seq: number;
  readonly epoch: number;
  readonly hash: Uint8Array;
}

export interface WireEntry extends WirePosition {
  readonly requestId: WireRequestId | null;
  readonly payload: Uint8Array;
  readonly wallMs: number;
}

export type ReplicationFrame =
  /** Where is the follower? Answered by `probed`. `failover`: how this primary came to lead. */
  | {
      readonly kind: 'probe';
      readonly epoch: number;
      readonly at: WirePosition;
      /** Of the primary's log; left out: it never went through a forced promotion. */
      readonly generation?: number;
      readonly failover: FailoverReport | null;
    }
  /**
   * `matches`: the follower has the very entry that was asked for. `diverged`: its log is of an older generation and does
   * not match yet: the primary asks on until the last common entry is found.
   */
  | {
      readonly kind: 'probed';
      readonly epoch: number;
      readonly matches: boolean;
      readonly last: WirePosition;
      readonly appliedSeq: number;
      readonly diverged?: true;
    }
  | {
      readonly kind: 'append';
      readonly epoch: number;
      readonly before: WirePosition;
      readonly entries: readonly WireEntry[];
      readonly commitSeq: number;
    }
  | { readonly kind: 'appendAck'; readonly epoch: number; readonly durableSeq: number; readonly appliedSeq: number }
  | {
      readonly kind: 'appendNack';
      readonly epoch: number;
      readonly promised: number;
      readonly last: WirePosition;
      readonly appliedSeq: number;
    }
  | {
      readonly kind: 'snapshotChunk';
      readonly epoch: number;
      readonly position: WirePosition;
      readonly index: number;
      readonly done: boolean;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: 'snapshotAck'; readonly epoch: number; readonly index: number }
  /** A primary that hands over, to a follower that has everything up to `seq`: stand now. `why`: for `FailoverReport.why`. */
  | { readonly kind: 'timeoutNow'; readonly epoch: number; readonly seq: number; readonly why: string };
