import type { StoredReply } from '../../domain/ledger/types.ts';
import { nextEntry } from '../../domain/replication/chain.ts';
import { quorumHeardAt } from '../../domain/replication/failure-detector.ts';
import {
  addLearner,
  beginPrimacy,
  commitPoint,
  copiesOf,
  learnerCaughtUp,
  modeOf,
  type Primacy,
  proposeDegrade,
  proposeUpgrade,
  recordAccepted,
  recordMatch,
  settleProposal,
  withCommit,
} from '../../domain/replication/primary.ts';
import {
  type Configuration,
  type Epoch,
  type LogEntry,
  type LogPosition,
  majorityOf,
  type VoterName,
} from '../../domain/replication/types.ts';
import { type Micros, millis, type TimerId } from '../../ports/clock.ts';
import type { ReplicationFrame, VotingFrame } from '../../protocol/control/messages.ts';
import { type Done, fail } from '../../protocol/result.ts';
import type { Proposal, ProposalFailure, ProposalOutcome, ReplicaDeps, ReplicaLimits } from './api.ts';
import { PrimaryLinks } from './primary-links.ts';
import { Proposals, type Waiting } from './proposals.ts';
import { RecentEntries } from './recent-entries.ts';
import type { ReplicaLog } from './replica-log.ts';

/** What a primary tells its replica. */
export interface PrimaryEvents {
  learnerJoined(): void;
  degradeProposed(): void;
  chosen(mode: 'SYNC' | 'SOLO'): void;
  /** The entry that adopts the log is applied here: reads see everything that was ever acknowledged. */
  serving(): void;
  quorumLost(): void;
  outranked(epoch: Epoch): void;
  diskFull(): void;
}

export interface PrimaryDeps extends Omit<ReplicaDeps, 'random' | 'database' | 'limits'> {
  readonly replicaLog: ReplicaLog;
  readonly limits: ReplicaLimits;
  readonly events: PrimaryEvents;
}

/** When a stretch of the log was begun: how long a write has waited. */
interface Begun {
  readonly seq: number;
  readonly at: Micros;
}

/** The primary of one epoch, from its activation (R3) until it steps down. */
export class PrimaryRole {
  readonly #deps: PrimaryDeps;
  readonly #proposals: Proposals;
  readonly #recent: RecentEntries;
  readonly #links: PrimaryLinks;
  readonly #answeredAt = new Map<VoterName, Micros>();
  readonly #noopSeq: number;
  #primacy: Primacy;
  #begun: Begun[] = [];
  /** When a peer was left out: it is not taken in again at once. */
  readonly #leftOutAt = new Map<VoterName, Micros>();
  #round = 0;
  #timer: TimerId | null = null;
  #serving = false;
  #noopAppended = false;
  #stopped = false;

  constructor(deps: PrimaryDeps, activation: Configuration, up: ReadonlySet<VoterName>) {
    this.#deps = deps;
    const { replicaLog, limits, clock } = deps;
    this.#primacy = beginPrimacy(activation, deps.name, { lastSeq: replicaLog.last.seq, appliedSeq: replicaLog.appliedSeq });
    this.#proposals = new Proposals(limits);
    this.#recent = new RecentEntries(replicaLog.last, limits.recentBytesMax);
    this.#noopSeq = replicaLog.last.seq + 1;
    for (const voter of this.#others()) this.#answeredAt.set(voter, clock.now());
    this.#links = new PrimaryLinks({
      ...deps,
      epoch: activation.e,
      followers: deps.replicas.filter((replica) => replica !== deps.name),
      retryMs: deps.timing.quorumLostMs,
      recent: this.#recent,
      commitSeq: () => this.commitSeq,
      matched: (follower, seq) => this.#matched(follower, seq),
      outranked: (epoch) => this.#outranked(epoch),
    });
    for (const name of up) this.#links.peerUp(name);
    this.#tick();
    replicaLog.whenIdle(() => this.#pump());
  }

  get epoch(): Epoch {
    return this.#primacy.epoch;
  }

  get mode(): 'SYNC' | 'SOLO' {
    return modeOf(this.#primacy);
  }

  get commitSeq(): number {
    return this.#primacy.commitSeq;
  }

  get serving(): boolean {
    return this.#serving;
  }

  linkPhases(): Record<VoterName, string> {
    return this.#links.phases();
  }

  /** Only once it serves: then every entry that an older primary left is applied, and its retries find their answers. */
  propose(proposal: Proposal, done: Done<ProposalOutcome, ProposalFailure>): void {
    if (proposal.require === 'replicated' && this.mode === 'SOLO') {
      done(fail('degraded', 'Only one replica is there, and the change was to be kept on two'));
      return;
    }
    const admitted = this.#proposals.admit(proposal, done);
    if (admitted.kind !== 'new') return;
    // A retry of what was done before this primary's time is answered from the ledger.
    this.#deps.replicaLog.reply(proposal.requestId, (stored) => {
      if (this.#stopped) return;
      const { waiting } = admitted;
      if (!this.#proposals.answerFrom(waiting, stored, this.mode === 'SYNC' ? 'replicated' : 'local')) {
        this.#proposals.enqueue(waiting);
        this.#pump();
      }
    });
  }

  receive(from: VoterName, frame: VotingFrame | ReplicationFrame): void {
    if (this.#stopped) return;
    switch (frame.kind) {
      case 'heartbeatAck':
        if (frame.epoch > this.epoch) this.#outranked(frame.epoch);
        else this.#answeredAt.set(from, this.#deps.clock.now());
        return;
      case 'accepted':
        this.#accepted(from, frame.epoch, frame.v);
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
    if (this.#stopped) return;
    for (const reply of replies) this.#proposals.replied(reply);
    for (const waiting of this.#proposals.unanswered(appliedSeq)) this.#answerFromLedger(waiting);
    if (!this.#serving && appliedSeq >= this.#noopSeq) {
      this.#serving = true;
      this.#deps.events.serving();
    }
  }

  peerUp(name: VoterName): void {
    this.#links.peerUp(name);
    if (this.#primacy.proposal) this.#sendProposal(name, this.#primacy.proposal);
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
    this.#proposals.refuseAll(unappended);
  }

  // ---- The log ---------------------------------------------------------------------------------------------------

  /** Starts the next transaction if none is under way: the batch that has gathered meanwhile, or what is to be applied. */
  #pump(): void {
    const { replicaLog } = this.#deps;
    if (this.#stopped || replicaLog.busy) return;
    if (!this.#noopAppended) this.#appendNoop();
    else if (this.#proposals.queued > 0) this.#appendBatch();
    else if (replicaLog.appliedSeq < Math.min(this.commitSeq, replicaLog.last.seq)) {
      replicaLog.apply(this.commitSeq, (written) => this.#written(written));
    }
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
    this.#begun.push({ seq: (entries[0] as LogEntry).seq, at: clock.now() });
    this.#recent.push(entries, replicaLog.last.seq + 1);
    replicaLog.append(entries, Math.min(this.commitSeq, replicaLog.last.seq), (written) => {
      if (written && !this.#stopped) this.#primacy = recordMatch(this.#primacy, this.#deps.name, replicaLog.last.seq);
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
    this.#advance();
    this.#pump();
  }

  /** R5: commits what the whole ack set has, and notes how it is kept. */
  #advance(): void {
    const primacy = this.#primacy;
    const point = commitPoint(primacy, (seq) => (seq >= this.#noopSeq ? primacy.epoch : null));
    if (point <= primacy.commitSeq) return;
    for (let seq = primacy.commitSeq + 1; seq <= point; seq++)
      this.#proposals.committed(seq, copiesOf(primacy, seq) > 1 ? 'replicated' : 'local');
    this.#primacy = withCommit(primacy, point);
    if (point >= this.#recent.head.seq) this.#begun = [];
    while (this.#begun.length > 1 && (this.#begun[1] as Begun).seq <= point + 1) this.#begun.shift();
    this.#pump();
  }

  #answerFromLedger(waiting: Waiting): void {
    this.#deps.replicaLog.reply(waiting.requestId, (stored) => {
      if (this.#stopped) return;
      if (!this.#proposals.answerFrom(waiting, stored, waiting.durability)) {
        this.#proposals.refuse(waiting, 'indeterminate', 'The ledger has no answer to this request');
      }
    });
  }

  // ---- The configuration -----------------------------------------------------------------------------------------

  #matched(follower: VoterName, seq: number): void {
    if (this.#stopped) return;
    this.#primacy = recordMatch(this.#primacy, follower, seq);
    this.#answeredAt.set(follower, this.#deps.clock.now());
    this.#advance();
    this.#upgradeIfCaughtUp();
  }

  /** R7. */
  #upgradeIfCaughtUp(): void {
    const upgraded = learnerCaughtUp(this.#primacy) ? proposeUpgrade(this.#primacy) : null;
    if (upgraded?.proposal) this.#propose(upgraded, upgraded.proposal);
  }

  #joinLearners(): void {
    const { clock, timing, events } = this.#deps;
    for (const follower of this.#links.closeBehind()) {
      const leftOut = this.#leftOutAt.get(follower);
      if (leftOut !== undefined && clock.now() - leftOut < millis(timing.degradeAfterMs)) continue;
      const joined = addLearner(this.#primacy, follower, this.#recent.head.seq);
      if (joined === null) continue;
      this.#primacy = joined;
      events.learnerJoined();
      this.#upgradeIfCaughtUp();
    }
  }

  /** R6: a write has waited too long for somebody else than this replica. An idle pair never degrades. */
  #degradeIfWaiting(): void {
    const { clock, timing, name, replicaLog, events, log } = this.#deps;
    const oldest = this.#begun[0];
    const waiting = oldest !== undefined && this.#recent.head.seq > this.commitSeq && replicaLog.last.seq > this.commitSeq;
    if (!waiting || clock.now() - oldest.at < millis(timing.degradeAfterMs)) return;
    const degraded = proposeDegrade(this.#primacy);
    if (degraded === null) return;
    for (const member of degraded.ackset) if (member !== name) this.#leftOutAt.set(member, clock.now());
    log.warn({ epoch: this.epoch }, 'the other replica does not answer: going on alone');
    events.degradeProposed();
    this.#propose(degraded, degraded.proposal as Configuration);
  }

  #propose(primacy: Primacy, proposal: Configuration): void {
    this.#primacy = primacy;
    this.#deps.voter.accept(proposal, (accepted) => {
      if (this.#stopped || this.#primacy.proposal !== proposal) return;
      if (accepted.ok) {
        for (const voter of this.#others()) this.#sendProposal(voter, proposal);
        this.#accepted(this.#deps.name, proposal.e, proposal.v);
      } else if (accepted.error.code === 'denied') this.#outranked(this.#deps.voter.status().promised);
    });
  }

  #sendProposal(to: VoterName, configuration: Configuration): void {
    this.#deps.peers.send(to, { kind: 'propose', configuration });
  }

  #accepted(voter: VoterName, epoch: Epoch, v: number): void {
    this.#primacy = recordAccepted(this.#primacy, voter, epoch, v);
    const settled = settleProposal(this.#primacy, this.#deps.voters.length);
    if (settled === null) return;
    this.#primacy = settled;
    this.#deps.log.info({ epoch, v, isr: settled.chosen.isr }, 'a configuration is chosen');
    this.#deps.events.chosen(this.mode);
    this.#advance();
  }

  // ---- The rounds ------------------------------------------------------------------------------------------------

  /** Heartbeats to every voter; repeats what is not answered; looks after what takes too long. */
  #tick(): void {
    const { clock, timing, peers, name, voter } = this.#deps;
    this.#timer = clock.setTimer(millis(timing.heartbeatMs), () => this.#tick());
    const heard = quorumHeardAt([...this.#answeredAt.values()], majorityOf(this.#deps.voters.length), clock.now());
    if (clock.now() - heard >= millis(timing.quorumLostMs)) {
      this.#deps.log.warn({ epoch: this.epoch }, 'no majority answers: stepping down');
      this.stop();
      voter.forgetPrimary();
      this.#deps.events.quorumLost();
      return;
    }
    voter.primaryAlive(name);
    this.#round++;
    const heartbeat: VotingFrame = {
      kind: 'heartbeat',
      epoch: this.epoch,
      v: this.#primacy.chosen.v,
      round: this.#round,
      commitSeq: this.commitSeq,
      primary: name,
    };
    for (const other of this.#others()) peers.send(other, heartbeat);
    this.#links.wake();
    const { proposal, acceptedBy } = this.#primacy;
    if (proposal) for (const other of this.#others()) if (!acceptedBy.includes(other)) this.#sendProposal(other, proposal);
    this.#degradeIfWaiting();
    this.#joinLearners();
  }

  #outranked(epoch: Epoch): void {
    if (this.#stopped) return;
    this.stop();
    this.#deps.events.outranked(epoch);
  }

  #others(): VoterName[] {
    return this.#deps.voters.filter((voter) => voter !== this.#deps.name);
  }
}
