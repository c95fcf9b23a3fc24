import type { LedgerTransactions, StoredReply } from '../../domain/ledger/types.ts';
import { nextEntry } from '../../domain/replication/chain.ts';
import { generationOf } from '../../domain/replication/generation.ts';
import {
  type Configuration,
  type Epoch,
  type LogEntry,
  type LogPosition,
  majorityOf,
  type VoterName,
} from '../../domain/replication/types.ts';
import { millis, type TimerId } from '../../ports/clock.ts';
import type { ReplicaReport, ReplicationFrame, VotingFrame } from '../../protocol/control/messages.ts';
import { type Done, fail } from '../../protocol/result.ts';
import type { Proposal, ProposalFailure, ProposalOutcome, ReadFailure, ReadPoint } from './api.ts';
import { Drain } from './drain.ts';
import { InSyncSet } from './in-sync-set.ts';
import type { PrimaryDeps } from './primary-deps.ts';
import { PrimaryLinks } from './primary-links.ts';
import { Proposals, type Waiting } from './proposals.ts';
import { QuorumWatch } from './quorum-watch.ts';
import { ReadRounds } from './read-rounds.ts';
import { RecentEntries } from './recent-entries.ts';
import { WaitingWrites } from './waiting-writes.ts';

/** The primary of one epoch, from its activation (R3) until it steps down. */
export class PrimaryRole {
  readonly #deps: PrimaryDeps;
  readonly #proposals: Proposals;
  readonly #recent: RecentEntries;
  readonly #links: PrimaryLinks;
  readonly #inSync: InSyncSet;
  readonly #reads: ReadRounds;
  readonly #watch: QuorumWatch;
  readonly #noopSeq: number;
  readonly #writes = new WaitingWrites();
  #timer: TimerId | null = null;
  #serving = false;
  #noopAppended = false;
  /** Of this epoch's configurations; the log is of it before anything is appended to it. */
  readonly #generation: number;
  readonly #drain: Drain;
  #stopped = false;

  constructor(deps: PrimaryDeps, activation: Configuration, up: ReadonlySet<VoterName>) {
    this.#deps = deps;
    const { replicaLog, limits, events } = deps;
    this.#proposals = new Proposals(limits);
    this.#recent = new RecentEntries(replicaLog.last, limits.recentBytesMax);
    this.#noopSeq = replicaLog.last.seq + 1;
    this.#generation = generationOf(activation);
    this.#inSync = new InSyncSet(
      {
        ...deps,
        // What is not said now is said again with the next heartbeats.
        peers: { send: (to, frame) => this.#watch.mayAct && deps.peers.send(to, frame) },
        noopSeq: this.#noopSeq,
        events: { ...events, committed: (from, through) => this.#committed(from, through), outranked: (epoch) => this.#outranked(epoch) },
      },
      activation,
      { lastSeq: replicaLog.last.seq, appliedSeq: replicaLog.appliedSeq },
    );
    this.#watch = new QuorumWatch({
      ...deps,
      epoch: activation.e,
      trusted: () => this.#trusted(),
      outranked: (epoch) => this.#outranked(epoch),
    });
    this.#drain = new Drain((peer) => {
      const end = this.#recent.head.seq;
      const done = !replicaLog.busy && replicaLog.appliedSeq >= end && this.#inSync.matchOf(peer) >= end;
      return done && this.#watch.mayAct ? end : null;
    });
    const majority = majorityOf(deps.voters.length);
    const { readsMax } = limits;
    this.#reads = new ReadRounds(
      { epoch: activation.e, others: this.#watch.others, majority, readsMax, beat: () => this.#beat() },
      replicaLog.appliedSeq,
    );
    this.#links = new PrimaryLinks({
      ...deps,
      epoch: activation.e,
      followers: deps.replicas.filter((replica) => replica !== deps.name),
      retryMs: deps.timing.quorumLostMs,
      recent: this.#recent,
      commitSeq: () => this.commitSeq,
      generation: this.#generation,
      whenTrusted: (run) => this.#watch.whenTrusted(run),
      matched: (follower, seq) => this.#matched(follower, seq),
      outranked: (epoch) => this.#outranked(epoch),
    });
    for (const name of up) this.#links.peerUp(name);
    this.#tick();
    replicaLog.whenIdle(() => this.#pump());
  }

  get epoch(): Epoch {
    return this.#inSync.epoch;
  }

  get mode(): 'SYNC' | 'SOLO' {
    return this.#inSync.mode;
  }

  get commitSeq(): number {
    return this.#inSync.commitSeq;
  }

  get serving(): boolean {
    return this.#serving && !this.#stopped && this.#watch.mayAct;
  }

  linkPhases(): Record<VoterName, string> {
    return this.#links.phases();
  }

  /** For people. */
  followers(): ReplicaReport['followers'] {
    const head = this.#recent.head.seq;
    return Object.entries(this.#links.phases()).map(([name, state]) => {
      const match = this.#inSync.matchOf(name);
      const bytes = this.#recent.bytesAfter(match, Number.MAX_SAFE_INTEGER);
      return { name, state, lagEntries: Math.max(0, head - match), lagBytes: Number.isFinite(bytes) ? bytes : null };
    });
  }

  /** Whether this voter has answered lately. */
  hears(voter: VoterName): boolean {
    return this.#watch.hears(voter);
  }

  /** Only once it serves: then every entry that an older primary left is applied, and its retries find their answers. */
  propose(proposal: Proposal, done: Done<ProposalOutcome, ProposalFailure>): void {
    if (proposal.require === 'replicated' && this.mode === 'SOLO' && !this.#proposals.has(proposal.requestId)) {
      const remedy = 'start the other one ("shoal status --cluster" tells which), or do not demand both';
      done(fail('degraded', `Nothing was changed: only one tracker is there, and both were to keep it; ${remedy}`));
      return;
    }
    const admitted = this.#proposals.admit(proposal, done);
    if (admitted.kind !== 'new') return;
    // A retry of what was done before this primary's time is answered from the ledger.
    this.#storedReply(admitted.waiting, (stored) => {
      const { waiting } = admitted;
      if (!this.#proposals.answerFrom(waiting, stored, this.mode === 'SYNC' ? 'replicated' : 'local')) {
        this.#proposals.enqueue(waiting);
        this.#pump();
      }
    });
  }

  /** R10: see `Replica.readIndex`. Only once it serves: then what is committed here holds all that was ever acknowledged. */
  readIndex(done: Done<ReadPoint, ReadFailure>): void {
    this.#reads.ask(this.commitSeq, done);
  }

  /** See `InSyncSet.heir`. */
  heir(up: ReadonlySet<VoterName>): VoterName | null {
    return this.#inSync.heir(up);
  }

  /** Appends no more changes, which wait; `drained` is called with the last one once `peer` has synced it and all are answered. */
  drain(peer: VoterName, drained: (seq: number) => void): void {
    this.#drain.begin(peer, drained);
  }

  /** The hand-over has failed: what waits is appended. */
  resume(): void {
    this.#drain.end();
    this.#pump();
  }

  receive(from: VoterName, frame: VotingFrame | ReplicationFrame): void {
    if (this.#stopped) return;
    if (frame.kind === 'voterState') this.#watch.told(from, frame);
    else if (frame.kind === 'heartbeatAck' && frame.epoch > this.epoch) this.#outranked(frame.epoch);
    else this.#watch.whenTrusted(() => this.#take(from, frame));
  }

  #take(from: VoterName, frame: VotingFrame | ReplicationFrame): void {
    if (this.#stopped) return;
    switch (frame.kind) {
      case 'heartbeatAck':
        this.#answered(from, frame);
        return;
      case 'accepted':
        this.#inSync.accepted(from, frame.epoch, frame.v);
        return;
      case 'proposeDenied':
        if (frame.promised > this.epoch) this.#outranked(frame.promised);
        return;
      case 'probed':
      case 'appendAck':
      case 'appendNack':
      case 'snapshotAck':
        this.#links.receive(from, frame);
        return;
    }
  }

  /** Entries were applied here. */
  applied(appliedSeq: number, replies: readonly StoredReply[]): void {
    this.#watch.whenTrusted(() => this.#answer(appliedSeq, replies));
  }

  #answer(appliedSeq: number, replies: readonly StoredReply[]): void {
    if (this.#stopped) return;
    for (const reply of replies) this.#proposals.replied(reply);
    for (const waiting of this.#proposals.unanswered(appliedSeq)) this.#answerFromLedger(waiting);
    if (!this.#serving && appliedSeq >= this.#noopSeq) {
      this.#serving = true;
      this.#deps.events.serving();
    }
    this.#reads.applied(appliedSeq);
  }

  peerUp(name: VoterName): void {
    this.#links.peerUp(name);
    this.#inSync.repeat(name);
  }

  peerDown(name: VoterName): void {
    this.#links.peerDown(name);
  }

  /** R8: this epoch is over here. What was not appended was not done; of the rest nobody knows yet. */
  stop(unappended: 'not-primary' | 'disk-full' = 'not-primary'): void {
    if (this.#stopped) return;
    this.#stopped = true;
    if (this.#timer !== null) this.#deps.clock.clearTimer(this.#timer);
    this.#links.stop();
    this.#inSync.stop();
    this.#drain.end();
    this.#reads.stop();
    this.#proposals.refuseAll(unappended);
  }

  // ---- The log ---------------------------------------------------------------------------------------------------

  /**
   * Starts the next transaction if none is under way: the batch that has gathered meanwhile, or what is to be applied.
   * After a stall nothing is: what was not appended can still be refused, and done elsewhere.
   */
  #pump(): void {
    const { replicaLog } = this.#deps;
    if (this.#stopped || replicaLog.busy || !this.#watch.mayAct) return;
    if (!this.#noopAppended) this.#begin();
    else if (this.#proposals.queued > 0 && !this.#drain.holds) this.#appendBatch();
    else if (replicaLog.appliedSeq < Math.min(this.commitSeq, replicaLog.last.seq)) {
      replicaLog.apply(this.commitSeq, (written) => this.#written(written));
    }
  }

  /** After a forced promotion it is remembered first that this log is of the new generation. A full disk is asked again. */
  #begin(): void {
    const { voter } = this.#deps;
    if (this.#generation <= (voter.record?.logGeneration ?? 0)) this.#appendNoop();
    else
      voter.rememberGeneration(this.#generation, (remembered) => {
        if (remembered.ok) this.#pump();
      });
  }

  /** R3: an entry of this epoch; when it is committed, so is everything before it. */
  #appendNoop(): void {
    this.#noopAppended = true;
    const noop = { requestId: null, payload: new Uint8Array(0), wallMs: this.#deps.clock.wallNow() };
    this.#append([nextEntry(this.#recent.head, this.epoch, noop)]);
  }

  #appendBatch(): void {
    const entries: LogEntry[] = [];
    let previous: LogPosition = this.#recent.head;
    for (const waiting of this.#proposals.takeBatch()) {
      const entry = nextEntry(previous, this.epoch, waiting.proposal);
      this.#proposals.appended(waiting, entry.seq);
      entries.push(entry);
      previous = entry;
    }
    this.#append(entries);
  }

  /** Followers get the entries while they are being written here; neither waits for the other. */
  #append(entries: readonly LogEntry[]): void {
    const { replicaLog, clock } = this.#deps;
    this.#writes.begun((entries[0] as LogEntry).seq, clock.now());
    this.#recent.push(entries, replicaLog.last.seq + 1);
    replicaLog.append(entries, Math.min(this.commitSeq, replicaLog.last.seq), (written) => {
      if (written && !this.#stopped) this.#inSync.matched(this.#deps.name, replicaLog.last.seq);
      this.#written(written);
    });
    this.#links.wake();
  }

  #written(written: boolean): void {
    if (this.#stopped) return;
    if (!written) {
      this.#deps.log.error({}, 'the disk is full: stepping down');
      this.stop('disk-full');
      this.#deps.events.diskFull();
      return;
    }
    this.#pump();
    this.#drain.check();
  }

  /** R5: notes how the committed entries are kept. They are applied next. */
  #committed(from: number, through: number): void {
    for (let seq = from + 1; seq <= through; seq++) this.#proposals.committed(seq, this.#inSync.copiesOf(seq) > 1 ? 'replicated' : 'local');
    this.#writes.committed(through, this.#recent.head.seq);
    this.#pump();
  }

  #answerFromLedger(waiting: Waiting): void {
    this.#storedReply(waiting, (stored) => {
      if (!this.#proposals.answerFrom(waiting, stored, waiting.durability)) {
        this.#proposals.refuse(waiting, 'indeterminate', 'The ledger has no answer to this request');
      }
    });
  }

  /** What the ledger remembers of a request, told to a primary that may speak. */
  #storedReply({ requestId }: Waiting, done: (stored: LedgerTransactions['reply']['result']) => void): void {
    this.#deps.replicaLog.reply(requestId, (stored) =>
      this.#watch.whenTrusted(() => {
        if (!this.#stopped) done(stored);
      }),
    );
  }

  // ---- The rounds ------------------------------------------------------------------------------------------------

  /** Heartbeats to every voter; repeats what is not answered; looks after what takes too long. */
  #tick(): void {
    const { clock, timing, name, voter } = this.#deps;
    this.#timer = clock.setTimer(millis(timing.heartbeatMs), () => this.#tick());
    const trusted = this.#watch.ticked();
    if (this.#watch.lost) {
      this.#deps.log.warn({ epoch: this.epoch }, 'no majority answers: stepping down');
      this.stop();
      voter.forgetPrimary();
      this.#deps.events.quorumLost();
      return;
    }
    if (!trusted) {
      this.#deps.events.distrusted();
      return;
    }
    voter.primaryAlive(name);
    this.#reads.begun(this.#beat());
    if (!this.#noopAppended) this.#pump();
    this.#links.wake();
    this.#inSync.repeat();
    if (this.#writeWaits()) this.#inSync.degrade(this.#recent.head.seq);
    this.#inSync.takeIn(this.#links.closeBehind(), this.#recent.head.seq);
    if (this.#watch.outreached(this.#inSync.peers)) this.#deps.events.outreached();
  }

  #beat(): number {
    return this.#watch.beat(this.#inSync.version, this.commitSeq);
  }

  /** An answer to a heartbeat of an older epoch of this very replica says nothing of this one. */
  #answered(from: VoterName, { epoch, round, proxyReach }: Extract<VotingFrame, { kind: 'heartbeatAck' }>): void {
    if (epoch !== this.epoch) return;
    this.#watch.answered(from);
    this.#watch.reaches(from, proxyReach);
    this.#reads.answered(from, round);
  }

  #matched(follower: VoterName, seq: number): void {
    if (this.#stopped) return;
    this.#watch.answered(follower);
    this.#inSync.matched(follower, seq);
    this.#drain.check();
  }

  /** R6: whether a write that is durable here has waited too long for somebody else. In an idle pair none does. */
  #writeWaits(): boolean {
    const { clock, timing, replicaLog } = this.#deps;
    const { since } = this.#writes;
    const waiting = since !== null && this.#recent.head.seq > this.commitSeq && replicaLog.last.seq > this.commitSeq;
    return waiting && clock.now() - since >= millis(timing.degradeAfterMs);
  }

  /** After a stall: what waited goes on. */
  #trusted(): void {
    if (this.#stopped) return;
    this.#reads.begun(this.#beat());
    this.#deps.events.serving();
    this.#pump();
    this.#drain.check();
  }

  #outranked(epoch: Epoch): void {
    if (this.#stopped) return;
    this.stop();
    this.#deps.events.outranked(epoch);
  }
}
