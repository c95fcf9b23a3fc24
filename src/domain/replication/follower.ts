/** What a follower does with entries (R4), and where a replica begins after a restart or a step-down (R8). */
import { samePosition } from './chain.ts';
import type { Epoch, LogEntry, LogPosition } from './types.ts';

/** What a follower knows of its own log without asking the disk. */
export interface LogView {
  readonly last: LogPosition;
  readonly appliedSeq: number;
  /** The position of an entry from `appliedSeq` to the last; null elsewhere. */
  at(seq: number): LogPosition | null;
}

export interface Append {
  readonly epoch: Epoch;
  readonly before: LogPosition;
  readonly entries: readonly LogEntry[];
  readonly commitSeq: number;
}

export type AppendDecision =
  /** R4, R12: an epoch below the promise. Answer with the promise, so that its primary knows (R11). */
  | { readonly kind: 'refuse' }
  /** The entries do not continue this log. Answer with where it ends. */
  | { readonly kind: 'nack' }
  /** This log has applied what the primary does not have: an invariant is broken. Stop (never guess). */
  | { readonly kind: 'broken'; readonly reason: string }
  | {
      readonly kind: 'accept';
      /** Delete the conflicting tail after this entry first; null where nothing conflicts. */
      readonly truncateAfter: number | null;
      /** Those of the entries that are not in the log yet. */
      readonly entries: readonly LogEntry[];
      /** Acknowledge this once all is synced: up to here this log is the primary's. */
      readonly matchSeq: number;
    };

/** R4: whether an epoch may still write here. */
export const admitsEpoch = (promised: Epoch, epoch: Epoch): boolean => epoch >= promised;

export interface FollowerFacts {
  readonly promised: Epoch;
  readonly log: LogView;
  /** A forced promotion lies between this log and the primary's (`generation.ts`): what was applied may not be there. */
  readonly olderGeneration?: boolean;
}

/**
 * R4: accept entries that continue the log, skip those that are there, truncate only a tail that conflicts. What was
 * applied was committed, so a primary has it (R2, R5): it is not compared again, and never truncated. A log of an older
 * generation is continued only where the last applied entry is the primary's, and so are all before it.
 */
export const decideAppend = (facts: FollowerFacts, append: Append): AppendDecision => {
  if (!admitsEpoch(facts.promised, append.epoch)) return { kind: 'refuse' };
  const { log } = facts;
  const { before, entries } = append;
  if (before.seq > log.last.seq || (facts.olderGeneration && before.seq < log.appliedSeq)) return { kind: 'nack' };
  if (before.seq >= log.appliedSeq) {
    const own = log.at(before.seq);
    if (own === null) return { kind: 'nack' };
    if (!samePosition(own, before)) {
      return before.seq === log.appliedSeq && !facts.olderGeneration ? broken(before.seq) : { kind: 'nack' };
    }
  }
  for (const [index, entry] of entries.entries()) {
    if (entry.seq < log.appliedSeq) continue;
    const own = log.at(entry.seq);
    if (own !== null && samePosition(own, entry)) continue;
    if (entry.seq === log.appliedSeq) return broken(entry.seq);
    return {
      kind: 'accept',
      truncateAfter: own === null ? null : entry.seq - 1,
      entries: entries.slice(index),
      matchSeq: before.seq + entries.length,
    };
  }
  return { kind: 'accept', truncateAfter: null, entries: [], matchSeq: before.seq + entries.length };
};

const broken = (seq: number): AppendDecision => ({
  kind: 'broken',
  reason: `Entry ${seq} was applied here, and the primary has another one in its place`,
});

/** Where the primary may begin to send: the follower's end where the logs agree there, else what it has applied. */
export const streamFrom = (
  follower: { readonly last: LogPosition; readonly appliedSeq: number },
  ownAtLast: LogPosition | null,
): { readonly seq: number; readonly matched: boolean } =>
  ownAtLast !== null && samePosition(ownAtLast, follower.last)
    ? { seq: follower.last.seq, matched: true }
    : { seq: Math.min(follower.appliedSeq, follower.last.seq), matched: false };

/** How far a follower may apply: what is committed and known to be the primary's log. */
export const applicable = (commitSeq: number, matchSeq: number): number => Math.min(commitSeq, matchSeq);

/**
 * R8: after a restart or a step-down a replica is a follower of no epoch. Whatever it was before, its tail behind what
 * was applied counts as uncommitted, until R3 adopts it here or R4 replaces it.
 */
export interface Standing {
  /** The epoch in which `matchSeq` was found out. */
  readonly epoch: Epoch;
  /** Up to here this log is known to be the log of that epoch's primary. */
  readonly matchSeq: number;
  readonly commitSeq: number;
}

export const recoverReplica = (appliedSeq: number): Standing => ({ epoch: 0, matchSeq: appliedSeq, commitSeq: appliedSeq });
