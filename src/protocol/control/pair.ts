/**
 * Frames of the replicated pair and its voters (docs/availability.md, R1 to R9), and the shapes of the log in them, which
 * repeat those of `domain/replication/types.ts`: `protocol` imports nothing of ours.
 */

export interface WireRequestId {
  readonly client: string;
  readonly n: number;
}

// ---- Voting (R1 to R3, R6, R7, R9) ------------------------------------------------------------------------------

export interface WireConfiguration {
  readonly e: number;
  readonly v: number;
  readonly primary: string | null;
  readonly isr: readonly string[];
  /** How often a promotion was forced; left out: never. */
  readonly generation?: number;
}

export type VotingFrame =
  | { readonly kind: 'vote'; readonly epoch: number; readonly candidate: string }
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
  | { readonly kind: 'voterRead'; readonly id: number }
  | { readonly kind: 'voterState'; readonly id: number; readonly promised: number; readonly accepted: WireConfiguration }
  /** Primary to every voter. */
  | {
      readonly kind: 'heartbeat';
      readonly epoch: number;
      readonly v: number;
      readonly round: number;
      readonly commitSeq: number;
      readonly primary: string;
    }
  | { readonly kind: 'heartbeatAck'; readonly epoch: number; readonly round: number };

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
  /** Where is the follower? Answered by `probed`. */
  /** Left out: the generation of a log that never went through a forced promotion. */
  | { readonly kind: 'probe'; readonly epoch: number; readonly at: WirePosition; readonly generation?: number }
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
