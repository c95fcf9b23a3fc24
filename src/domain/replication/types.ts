/**
 * The vocabulary of replication (docs/availability.md, section 2): epochs, ballots, configurations, log positions.
 */

/** A voter's name as in the network's configuration: `main`, `backup`, or a witness proxy's name. */
export type VoterName = string;

/** Raised by every election; fences everything older. Starts at 0. */
export type Epoch = number;

/** The register on which voters agree: who is primary, and which replicas hold everything that was acknowledged. */
export interface Configuration {
  readonly e: Epoch;
  /** Version within the epoch: 0 is the activation. */
  readonly v: number;
  readonly primary: VoterName | null;
  readonly isr: readonly VoterName[];
  /** How often a promotion was forced (past R2) up to here; inherited by every later configuration. Left out: never. */
  readonly generation?: number;
}

/** What a voter keeps, synced before any message that follows from it (R1). */
export interface VoterState {
  readonly promised: Epoch;
  readonly accepted: Configuration;
}

/** A place in the log. Position 0 is the empty log: epoch 0 and 32 zero bytes. */
export interface LogPosition {
  readonly seq: number;
  readonly epoch: Epoch;
  /** SHA-256(previous hash || payload); 32 bytes. */
  readonly hash: Uint8Array;
}

/** {random 128-bit client id per process incarnation, n}: names a request across retries and failovers. */
export interface RequestId {
  /** 32 hexadecimal digits. */
  readonly client: string;
  /** 1, 2, 3, … within the client. */
  readonly n: number;
}

/** One entry of the op log. */
export interface LogEntry extends LogPosition {
  /** Null for entries of the replica itself (NOOP). */
  readonly requestId: RequestId | null;
  /** A change, encoded by `domain/ledger/change.ts`. Empty for NOOP. */
  readonly payload: Uint8Array;
  /** Stamped by the primary; all expiry uses it, so that apply is deterministic. */
  readonly wallMs: number;
}

export const EMPTY_LOG: LogPosition = { seq: 0, epoch: 0, hash: new Uint8Array(32) };

type Ballot = Pick<Configuration, 'e' | 'v'>;

/** Ballots in order: by epoch, then by version. */
export const compareBallots = (a: Ballot, b: Ballot): number => a.e - b.e || a.v - b.v;

export const initialVoterState = (replicas: readonly VoterName[]): VoterState => ({
  promised: 0,
  accepted: { e: 0, v: 0, primary: null, isr: replicas },
});

/** More than half. */
export const majorityOf = (voters: number): number => Math.floor(voters / 2) + 1;

/** What the rest of the process needs to know of its replica; posted at every change. */
export interface ReplicaStatus {
  readonly name: VoterName;
  readonly role: 'booting' | 'follower' | 'candidate' | 'primary' | 'fenced' | 'halted';
  /** Highest epoch seen. */
  readonly epoch: Epoch;
  /** Whom this replica believes to be primary of that epoch, or null. */
  readonly primary: VoterName | null;
  /** SYNC: acknowledgements mean two copies. SOLO: this one alone. */
  readonly mode: 'SYNC' | 'SOLO' | 'NONE';
  /** Another replica that may hold acknowledged changes which are not here, so that this one may not lead (R2); null otherwise. */
  readonly waitsFor: VoterName | null;
  /** How often a promotion was forced in this network, as far as this replica knows (`generation.ts`). */
  readonly generation: number;
  readonly lastSeq: number;
  readonly commitSeq: number;
  readonly appliedSeq: number;
}
