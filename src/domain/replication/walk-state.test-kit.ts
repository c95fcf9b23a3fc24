/** What the random walk over the replication rules needs: its rules, its state, its messages. See random-walk.test.ts. */
import { judgePromises } from './candidate.ts';
import { decideAppend, recoverReplica, type Standing } from './follower.ts';
import { addLearner, learnerCaughtUp, type Primacy, proposeDegrade } from './primary.ts';
import type { Configuration, Epoch, LogEntry, LogPosition, VoterName, VoterState } from './types.ts';
import { decideAccept, decideVote, readersNeeded, recoverVoter, rejoinVoter, type VoterRecord } from './voter.ts';

/** What the walk drives. A mutant replaces some of them. */
export const RULES = {
  decideVote,
  decideAccept,
  decideAppend,
  judgePromises,
  recoverVoter,
  readersNeeded,
  rejoinVoter,
  proposeDegrade,
  addLearner,
  learnerCaughtUp,
  /** What a restart leaves of the volatile state: nothing (R8). */
  restart: (_before: Volatile, appliedSeq: number, _lastSeq: number): Volatile => following(recoverReplica(appliedSeq)),
};
export type Rules = typeof RULES;

export interface Durable {
  record: VoterRecord;
  log: LogEntry[];
  applied: number;
  /** Under way to read the others' state (R9). */
  rejoin: { id: number; answers: Map<VoterName, VoterState> } | null;
}

export interface Volatile {
  role: 'follower' | 'candidate' | 'primary';
  standing: Standing;
  epoch: Epoch;
  promises: Map<VoterName, Configuration>;
  /** R3 under way: the activation and who has accepted it. */
  activation: Configuration | null;
  acceptedBy: Set<VoterName>;
  primacy: Primacy | null;
  next: number;
}

export type Message = { readonly from: VoterName; readonly to: VoterName } & (
  | { readonly t: 'vote'; readonly e: Epoch }
  | { readonly t: 'promise'; readonly e: Epoch; readonly accepted: Configuration }
  | { readonly t: 'propose'; readonly c: Configuration }
  | { readonly t: 'accepted'; readonly e: Epoch; readonly v: number }
  | {
      readonly t: 'append';
      readonly e: Epoch;
      readonly before: LogPosition;
      readonly entries: readonly LogEntry[];
      readonly commit: number;
    }
  | { readonly t: 'ack'; readonly e: Epoch; readonly seq: number }
  | { readonly t: 'nack'; readonly e: Epoch; readonly promised: Epoch; readonly last: LogPosition; readonly applied: number }
  | { readonly t: 'read'; readonly id: number }
  | { readonly t: 'state'; readonly id: number; readonly state: VoterState }
);

export const following = (standing: Standing): Volatile => ({
  role: 'follower',
  standing,
  epoch: 0,
  promises: new Map(),
  activation: null,
  acceptedBy: new Set(),
  primacy: null,
  next: 0,
});

export interface Options {
  readonly witnesses: number;
  readonly rules?: Partial<Rules>;
  /** Witnesses and replicas lose their voter state, replicas their log. */
  readonly losses: 'none' | 'witness' | 'all';
}

export interface Tally {
  acked: number;
  activations: number;
  ineligible: number;
  upgrades: number;
  degrades: number;
  rejoined: number;
  truncated: number;
  lostLogs: number;
}

export const mulberry = (from: number): (() => number) => {
  let seed = from;
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
};
