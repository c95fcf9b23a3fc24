import type { ReplicaStatus, VoterName } from '../../domain/replication/types.ts';
import type { Done } from '../../protocol/result.ts';
import type { AppliedListener, Proposal, ProposalFailure, ProposalOutcome, ReplicaDeps, ReplicaFrames } from './api.ts';

export type * from './api.ts';

/**
 * One data replica: follows, stands, leads, by the rules of docs/availability.md. Every method is called inside a step;
 * every callback comes in a step, never from within the call.
 */
export declare class Replica {
  constructor(deps: ReplicaDeps);
  /** Opens the ledger and the voter, then follows. */
  start(): void;
  /** Steps down without a word; waiting proposals are answered. The database stays open: it belongs to the role. */
  stop(): void;
  status(): ReplicaStatus;
  /** Tells every change of the status. Returns the way to stop listening. */
  onStatus(listener: (status: ReplicaStatus) => void): () => void;
  onApplied(listener: AppliedListener): () => void;
  /** Asks for a durable change. Answers exactly once. A request id that is under way is joined; one that was done is answered again. */
  propose(proposal: Proposal, done: Done<ProposalOutcome, ProposalFailure>): void;
  /** A frame from another voter's link. */
  receive(from: VoterName, frame: ReplicaFrames): void;
  /** The link to another voter is up, or not any more. */
  peerUp(name: VoterName): void;
  peerDown(name: VoterName): void;
}
