/** What the rest of a tracker process sees of its replica. */
import type { LedgerTransactions, StoredReply } from '../../domain/ledger/types.ts';
import type { ReplicationTiming } from '../../domain/replication/timing.ts';
import type { Epoch, RequestId, VoterName } from '../../domain/replication/types.ts';
import type { Reactor } from '../../bus/reactor.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Database } from '../../ports/database.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { Durability, ReplicationFrame, ReplyBody, VotingFrame } from '../../protocol/control/messages.ts';
import type { Failure } from '../../protocol/result.ts';
import type { Voter, VoterPeers } from '../voter/voter.ts';

/** Bounds of a replica's memory; each is documented where it is used. */
export interface ReplicaLimits {
  /** Proposals queued or waiting for their reply; beyond, `busy`. */
  readonly proposalsMax: number;
  /** Payload bytes of proposals queued or waiting; beyond, `busy`. */
  readonly proposalsBytesMax: number;
  /** One append transaction takes at most so much (but at least one entry). */
  readonly batchEntriesMax: number;
  readonly batchBytesMax: number;
  /** Entries sent to a follower and not yet acknowledged (but at least one batch). */
  readonly windowBytesMax: number;
  /** Recent entries kept in memory for followers; older ones are read from the database. */
  readonly recentBytesMax: number;
  /** A follower that lacks no more than this is close enough to be taken in (R7). */
  readonly upgradeLagBytesMax: number;
  readonly snapshotChunkBytes: number;
  /** Applied log rows that are kept for followers; twice as many make the replica compact its log. */
  readonly logEntriesKept: number;
}

export const REPLICA_LIMITS: ReplicaLimits = {
  proposalsMax: 4_096,
  proposalsBytesMax: 64 * 1024 * 1024,
  batchEntriesMax: 512,
  batchBytesMax: 1024 * 1024,
  windowBytesMax: 4 * 1024 * 1024,
  recentBytesMax: 16 * 1024 * 1024,
  upgradeLagBytesMax: 64 * 1024,
  snapshotChunkBytes: 256 * 1024,
  logEntriesKept: 100_000,
};

/** What a replica needs; made by the role. */
export interface ReplicaDeps {
  readonly reactor: Reactor;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly database: Database<LedgerTransactions>;
  /** This replica's own voter. The replica starts and stops it, and passes it its frames. */
  readonly voter: Voter;
  readonly name: VoterName;
  /** All voters, this one among them. */
  readonly voters: readonly VoterName[];
  /** Those that hold data, highest priority first. */
  readonly replicas: readonly VoterName[];
  /** The same object that the voter has: links to the other voters. */
  readonly peers: VoterPeers;
  readonly timing: ReplicationTiming;
  readonly limits?: ReplicaLimits;
  /** Why it halts, in a sentence, before its status says that it has. */
  readonly halted?: (reason: string) => void;
}

/** A durable change that shall become an entry of the log. */
export interface Proposal {
  readonly requestId: RequestId;
  /** At most 8 MiB and a little; the caller has checked it. */
  readonly payload: Uint8Array;
  readonly wallMs: number;
  /** `replicated`: refuse (`degraded`) where only one copy would be kept. */
  readonly require: 'any' | 'replicated';
}

/** The change is durable as `durability` says, and applied; `body` is what apply answered (maybe a refusal such as name-taken). */
export interface ProposalOutcome {
  readonly seq: number;
  readonly epoch: Epoch;
  readonly durability: Durability;
  readonly body: ReplyBody;
}

/**
 * `not-primary`: not done; ask the primary. `busy`: not done; try again. `indeterminate`: perhaps done; ask again under
 * the same request id. `disk-full`: not done. `degraded`: two copies were demanded and there is one replica; where the
 * message says that the change was kept on one, it is done.
 */
export type ProposalFailure = Failure<'not-primary' | 'busy' | 'indeterminate' | 'disk-full' | 'degraded'>;

/** Frames that the role hands to `Replica.receive`; replication frames come from replicas only. */
export type ReplicaFrames = VotingFrame | ReplicationFrame;

/** Called in the step in which entries were applied here, on primary and follower alike. */
export type AppliedListener = (appliedSeq: number, replies: readonly StoredReply[]) => void;
