import type { LedgerTransactions, StoredReply } from '../../domain/ledger/types.ts';
import { requestKey } from '../../domain/replication/chain.ts';
import type { RequestId } from '../../domain/replication/types.ts';
import type { Durability } from '../../protocol/control/messages.ts';
import { type Done, fail, ok } from '../../protocol/result.ts';
import type { Proposal, ProposalFailure, ProposalOutcome, ReplicaLimits } from './api.ts';

type Listener = { readonly require: Proposal['require']; readonly done: Done<ProposalOutcome, ProposalFailure> };

/** A request under way at a primary. */
export interface Waiting {
  readonly requestId: RequestId;
  readonly proposal: Proposal;
  readonly listeners: Listener[];
  /** Where it is in the log; null before it was appended. */
  seq: number | null;
  /** Known when it is committed. */
  durability: Durability;
}

/** Callers that may wait for one request id: retries of one request. */
const LISTENERS_MAX = 128;

/**
 * The requests under way at a primary, by request id: a retry joins, and nothing is appended twice. Bounded in number
 * and in bytes.
 */
export class Proposals {
  readonly #limits: ReplicaLimits;
  readonly #waiting = new Map<string, Waiting>();
  /** Appended, by place in the log. */
  readonly #bySeq = new Map<number, Waiting>();
  #queue: Waiting[] = [];
  #bytes = 0;

  constructor(limits: ReplicaLimits) {
    this.#limits = limits;
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** Whether a request is under way. */
  has(requestId: RequestId): boolean {
    return this.#waiting.has(requestKey(requestId));
  }

  /** Joins a request that is under way, or admits a new one, or answers `busy`. */
  admit(
    proposal: Proposal,
    done: Listener['done'],
  ): { readonly kind: 'joined' | 'refused' } | { readonly kind: 'new'; readonly waiting: Waiting } {
    const key = requestKey(proposal.requestId);
    const known = this.#waiting.get(key);
    const full = this.#waiting.size >= this.#limits.proposalsMax || this.#bytes + proposal.payload.length > this.#limits.proposalsBytesMax;
    if (known ? known.listeners.length >= LISTENERS_MAX : full) {
      done(fail('busy', 'Too many changes are under way; try again'));
      return { kind: 'refused' };
    }
    if (known) {
      known.listeners.push({ require: proposal.require, done });
      return { kind: 'joined' };
    }
    const waiting: Waiting = {
      requestId: proposal.requestId,
      proposal,
      listeners: [{ require: proposal.require, done }],
      seq: null,
      durability: 'local',
    };
    this.#waiting.set(key, waiting);
    this.#bytes += proposal.payload.length;
    return { kind: 'new', waiting };
  }

  enqueue(waiting: Waiting): void {
    this.#queue.push(waiting);
  }

  /** The next ones to append together. */
  takeBatch(): Waiting[] {
    const batch: Waiting[] = [];
    let bytes = 0;
    for (const waiting of this.#queue) {
      if (batch.length >= this.#limits.batchEntriesMax) break;
      bytes += waiting.proposal.payload.length;
      if (batch.length > 0 && bytes > this.#limits.batchBytesMax) break;
      batch.push(waiting);
    }
    this.#queue = this.#queue.slice(batch.length);
    return batch;
  }

  appended(waiting: Waiting, seq: number): void {
    waiting.seq = seq;
    this.#bySeq.set(seq, waiting);
  }

  committed(seq: number, durability: Durability): void {
    const waiting = this.#bySeq.get(seq);
    if (waiting) waiting.durability = durability;
  }

  /** Answers what apply (or the ledger's memory) has answered. */
  replied(reply: StoredReply): void {
    const waiting = this.#waiting.get(requestKey(reply.requestId));
    if (waiting) this.answer(waiting, reply, waiting.durability);
  }

  /** Those whose entry is applied and that apply did not answer: it had answered them before, under the same request id. */
  unanswered(appliedSeq: number): Waiting[] {
    const left: Waiting[] = [];
    for (const [seq, waiting] of this.#bySeq) {
      // In the order of the log: whoever comes later is applied later.
      if (seq > appliedSeq) break;
      this.#bySeq.delete(seq);
      left.push(waiting);
    }
    return left;
  }

  answer(waiting: Waiting, reply: StoredReply, durability: Durability): void {
    this.#forget(waiting);
    const outcome: ProposalOutcome = { seq: reply.seq, epoch: reply.epoch, durability, body: reply.body };
    for (const { require, done } of waiting.listeners) {
      if (require === 'replicated' && durability !== 'replicated') {
        done(fail('degraded', 'The change was made, but only one tracker is there to keep it; both do as soon as the other one is back'));
      } else done(ok(outcome));
    }
  }

  refuse(waiting: Waiting, code: ProposalFailure['code'], message: string): void {
    this.#forget(waiting);
    for (const { done } of waiting.listeners) done(fail(code, message));
  }

  /** The ledger's memory of a request id, as an answer; false where it knows none. */
  answerFrom(waiting: Waiting, stored: LedgerTransactions['reply']['result'], durability: Durability): boolean {
    if (stored === null) return false;
    if ('expired' in stored) this.refuse(waiting, 'indeterminate', 'This request was answered long ago, and the answer is no longer kept');
    else this.answer(waiting, stored, durability);
    return true;
  }

  /** The primary steps down: what was not appended was not done, of the rest nobody knows. */
  refuseAll(unappended: 'not-primary' | 'disk-full'): void {
    this.#queue = [];
    // A map may lose what its iteration has reached.
    for (const waiting of this.#waiting.values()) {
      if (waiting.seq !== null) this.refuse(waiting, 'indeterminate', 'The primary changed before the change was acknowledged; ask again');
      else if (unappended === 'disk-full') this.refuse(waiting, 'disk-full', 'The disk of the primary is full');
      else this.refuse(waiting, 'not-primary', 'This replica is no longer the primary');
    }
  }

  #forget(waiting: Waiting): void {
    const key = requestKey(waiting.requestId);
    if (this.#waiting.get(key) !== waiting) return;
    this.#waiting.delete(key);
    this.#bytes -= waiting.proposal.payload.length;
    if (waiting.seq !== null) this.#bySeq.delete(waiting.seq);
  }
}
