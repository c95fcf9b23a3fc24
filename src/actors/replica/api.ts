/** What the rest of a tracker process sees of its replica. */
import type { LedgerTransactions, StoredReply } from '../../domain/ledger/types.ts';
import type { ReplicationTiming } from '../../domain/replication/timing.ts';
import type { Epoch, RequestId, VoterName } from '../../domain/replication/types.ts';
import type { Reactor } from '../../bus/reactor.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Database } from '../../ports/database.ts';
import type { Disk } from '../../ports/disk.ts';
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
  /** Linearizable reads that wait for a majority; beyond, `busy`. */
  readonly readsMax: number;
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
  readsMax: 4_096,
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
  readonly disk: Disk;
  /** The data folder: an absolute path, and there. What a forced promotion overrides is kept in its `quarantine/`. */
  readonly folder: string;
  /** This replica's own voter. The replica starts and stops it, and passes it its frames. */
  readonly voter: Voter;
  readonly name: VoterName;
  /** All voters, this one among them. */
  readonly voters: readonly VoterName[];
  /** Those that hold data, highest priority first. */
  readonly replicas: readonly VoterName[];
  /** The proxies of the network, voters or not, in its order. Left out: it is not watched whether they reach this replica. */
  readonly proxies?: readonly string[];
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

/** Where a linearizable read may be made (R10): everything up to `seq` is applied here, and `epoch` was led from here at the time. */
export interface ReadPoint {
  readonly seq: number;
  readonly epoch: Epoch;
}

/** `not-primary`: ask the primary. `busy`: too many reads wait; try again. */
export type ReadFailure = Failure<'not-primary' | 'busy'>;

/** The peer leads. */
export interface HandedOver {
  readonly to: VoterName;
  /** The peer's epoch. */
  readonly epoch: Epoch;
  /** From the last change taken here to the peer heard as primary, in milliseconds: changes were held so long. */
  readonly heldMs: number;
}

/**
 * Why this replica still leads, or why nobody can say who does. `not-primary`: ask the primary. `degraded`: it is SOLO,
 * so no other replica has everything. `no-peer`: there is no link to the replica that would take over. `busy`: a
 * hand-over is under way. `timed-out`: the peer did not take over in time.
 */
export type HandOverFailure = Failure<'not-primary' | 'degraded' | 'no-peer' | 'busy' | 'timed-out'>;

/** This replica leads, without what only the other one has. */
export interface ForcePromoted {
  readonly epoch: Epoch;
  /** Raised by this promotion: whoever has an older one keeps what it loses in `quarantine/`. */
  readonly generation: number;
}

/**
 * Nothing was overridden. `is-primary`: it leads already. `primary-alive`: another replica leads. `eligible`: it may lead
 * by the rules, and does so or soon will. `no-majority`: too few voters answered in time. `busy`: it is being promoted.
 * `halted`, `booting`: it cannot lead now. `disk`: its voter's state could not be written.
 */
export type ForcePromoteFailure = Failure<
  'is-primary' | 'primary-alive' | 'eligible' | 'no-majority' | 'busy' | 'halted' | 'booting' | 'disk'
>;

/** Frames that the role hands to `Replica.receive`; replication frames come from replicas only. */
export type ReplicaFrames = VotingFrame | ReplicationFrame;

/** Called in the step in which entries were applied here, on primary and follower alike. */
export type AppliedListener = (appliedSeq: number, replies: readonly StoredReply[], keysOf: KeysOf) => void;

/** Accounts (folded) whose passkeys may mean something else since: of all of them after a snapshot. */
export type KeysOf = readonly string[] | 'all';
