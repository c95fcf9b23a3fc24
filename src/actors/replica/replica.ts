import type { Actor } from 'xstate';
import { startMachine } from '../../bus/machine.ts';
import type { Address } from '../../bus/reactor.ts';
import { FailureDetector } from '../../domain/replication/failure-detector.ts';
import type { Configuration, Epoch, ReplicaStatus, VoterName } from '../../domain/replication/types.ts';
import { type Micros, millis } from '../../ports/clock.ts';
import { between } from '../../ports/random.ts';
import { type Done, fail } from '../../protocol/result.ts';
import type { Heartbeat } from '../voter/voter.ts';
import {
  type AppliedListener,
  type Proposal,
  type ProposalFailure,
  type ProposalOutcome,
  REPLICA_LIMITS,
  type ReplicaDeps,
  type ReplicaFrames,
  type ReplicaLimits,
} from './api.ts';
import { CandidateRole, type CandidacyEnd } from './candidate-role.ts';
import { FollowerRole } from './follower-role.ts';
import { type ReplicaEvent, replicaMachine } from './machine.ts';
import { PrimaryRole } from './primary-role.ts';
import { ReplicaLog } from './replica-log.ts';
import { roleIn, StatusBoard } from './status.ts';
import { View } from './view.ts';

export type * from './api.ts';

const ADDRESS: Address<ReplicaEvent> = 'replica';
/** A replica that may not lead tries again this many times more patiently. */
const PATIENCE_AFTER_INELIGIBLE = 3;
/** And one whose disk is full so many times: another one shall lead. */
const PATIENCE_AFTER_FULL = 10;

/**
 * One data replica: follows, stands, leads, by the rules of docs/availability.md. The machine owns the lifecycle; a
 * follower, a candidate and a primary are plain objects that it starts and stops; this object passes frames between
 * them and the voter. Every method is called inside a step.
 */
export class Replica {
  readonly #deps: ReplicaDeps;
  readonly #limits: ReplicaLimits;
  readonly #replicaLog: ReplicaLog;
  readonly #detector: FailureDetector;
  readonly #up = new Set<VoterName>();
  readonly #board = new StatusBoard();
  readonly #appliedListeners = new Set<AppliedListener>();
  #actor: Actor<typeof replicaMachine> | null = null;
  #follower: FollowerRole | null = null;
  #candidate: CandidateRole | null = null;
  #primary: PrimaryRole | null = null;
  /** Chosen, and waiting for the machine to make this replica primary. */
  #activation: Configuration | null = null;
  readonly #view = new View();
  #patience: Micros | null = null;
  #halted = false;
  #stopped = false;

  constructor(deps: ReplicaDeps) {
    this.#deps = deps;
    this.#limits = deps.limits ?? REPLICA_LIMITS;
    this.#replicaLog = new ReplicaLog(deps.database, this.#limits.logEntriesKept, {
      applied: (appliedSeq, replies) => {
        this.#primary?.applied(appliedSeq, replies);
        for (const listener of this.#appliedListeners) listener(appliedSeq, replies);
      },
      failed: (reason) => this.#fail(reason),
      firstEntry: (then) => deps.voter.rememberLog(then, (reason) => this.#fail(reason)),
    });
    const { suspectMinMs, suspectMaxMs } = deps.timing;
    const draw = (): Micros => millis(between(deps.random, 'replica.suspect', suspectMinMs, suspectMaxMs));
    this.#detector = new FailureDetector(deps.clock, draw, () => this.#suspect());
  }

  /** Opens the ledger, then the voter, then follows. */
  start(): void {
    const { reactor, clock, voter } = this.#deps;
    const effects = {
      follow: () => this.#follow(),
      stand: () => this.#stand(),
      activate: () => this.#candidate?.activate(),
      withdraw: () => this.#withdraw(),
      lead: () => this.#lead(),
      stepDown: () => this.#stepDown(),
      quiesce: () => this.#quiesce(),
      halt: () => this.#halt(),
    };
    this.#actor = startMachine(reactor, clock, replicaMachine, { address: ADDRESS, input: { effects } });
    this.#actor.subscribe(() => this.#publish());
    this.#replicaLog.open(() => {
      if (this.#stopped) return;
      const observer = {
        ready: () => this.#opened(),
        promising: (epoch: Epoch) => this.#promising(epoch),
        heartbeat: (from: VoterName, frame: Heartbeat) => this.#heartbeat(from, frame),
        failed: (message: string) => this.#fail(message),
      };
      voter.start(observer, this.#replicaLog.last.seq === 0);
    });
  }

  /** Stops at once; waiting proposals are answered. The database stays open: it belongs to the role. */
  stop(): void {
    this.#stopped = true;
    this.#detector.stop();
    this.#candidate?.stop();
    this.#primary?.stop();
    this.#follower?.stop();
    this.#deps.voter.stop();
    this.#actor?.stop();
    this.#deps.reactor.unregister(ADDRESS);
  }

  /** Cheap; numbers are of this moment. The role is `primary` only once reads here see everything that was acknowledged. */
  status(): ReplicaStatus {
    const { name, voter } = this.#deps;
    const state = this.#actor?.getSnapshot().value ?? 'booting';
    const role = this.#halted ? 'halted' : roleIn(state, this.#primary?.serving ?? false);
    return {
      name,
      role,
      epoch: Math.max(this.#view.epoch, voter.status().promised),
      primary: role === 'primary' ? name : this.#view.primary,
      mode: this.#primary?.mode ?? this.#view.modeFollowed(voter.status().accepted),
      waitsFor: this.#view.waitsFor,
      lastSeq: this.#replicaLog.last.seq,
      commitSeq: this.#primary?.commitSeq ?? this.#follower?.commitSeq ?? this.#replicaLog.appliedSeq,
      appliedSeq: this.#replicaLog.appliedSeq,
    };
  }

  /** For people: the machine's state and the links'. */
  detail(): object {
    const voter = this.#deps.voter.status();
    return { state: this.#actor?.getSnapshot().value ?? 'booting', voter, links: this.#primary?.linkPhases() ?? {} };
  }

  /** Tells every change of role, epoch, primary or mode (numbers have a rate: ask for them). Returns the way to stop it. */
  onStatus(listener: (status: ReplicaStatus) => void): () => void {
    return this.#board.listen(listener);
  }

  onApplied(listener: AppliedListener): () => void {
    this.#appliedListeners.add(listener);
    return () => this.#appliedListeners.delete(listener);
  }

  /**
   * Asks for a durable change. Answers exactly once, never within the call. A request id that is under way is joined;
   * one that was done is answered again from the ledger.
   */
  propose(proposal: Proposal, done: Done<ProposalOutcome, ProposalFailure>): void {
    let within = true;
    const answer: Done<ProposalOutcome, ProposalFailure> = (result) => {
      if (within) this.#deps.clock.setTimer(0, () => done(result));
      else done(result);
    };
    if (this.#primary?.serving) this.#primary.propose(proposal, answer);
    else answer(fail('not-primary', 'This replica is not the primary'));
    within = false;
  }

  /** A frame from the link of another voter. */
  receive(from: VoterName, frame: ReplicaFrames): void {
    if (this.#stopped || this.#halted || !this.#deps.voters.includes(from)) return;
    switch (frame.kind) {
      case 'vote':
      case 'propose':
      case 'voterRead':
      case 'voterState':
      case 'heartbeat':
        this.#deps.voter.receive(from, frame);
        return;
      case 'probe':
      case 'append':
      case 'snapshotChunk':
        if (this.#deps.replicas.includes(from)) this.#follower?.receive(from, frame);
        return;
      default:
        if (frame.kind === 'promise' || frame.kind === 'voteDenied' || frame.kind === 'accepted' || frame.kind === 'proposeDenied') {
          this.#candidate?.receive(from, frame);
        }
        this.#primary?.receive(from, frame);
    }
  }

  peerUp(name: VoterName): void {
    if (this.#stopped || !this.#deps.voters.includes(name)) return;
    this.#up.add(name);
    this.#deps.voter.peerUp(name);
    this.#candidate?.peerUp(name);
    this.#primary?.peerUp(name);
  }

  peerDown(name: VoterName): void {
    if (this.#stopped) return;
    this.#up.delete(name);
    this.#deps.voter.peerDown(name);
    this.#primary?.peerDown(name);
  }

  // ---- What the voter tells --------------------------------------------------------------------------------------

  #opened(): void {
    const { timing, replicas, name, random } = this.#deps;
    const place = Math.max(0, replicas.indexOf(name));
    // The first in the order of priority stands first, but only now: later, nobody preempts a primary.
    this.#patience = millis((timing.startWaitMs + place * timing.startWaitStepMs) * between(random, 'replica.start', 1, 1.2));
    this.#follower = new FollowerRole({
      ...this.#deps,
      replicaLog: this.#replicaLog,
      batchBytesMax: this.#limits.batchBytesMax,
      events: {
        heard: (primary, epoch) => this.#heardPrimary(primary, epoch),
        matched: () => this.#post({ type: 'log.matched' }),
        truncating: () => this.#repairing({ type: 'log.truncating' }),
        installing: () => this.#repairing({ type: 'snapshot.installing' }),
        appended: () => this.#post({ type: 'log.appended' }),
        broken: (reason) => this.#fail(reason),
      },
    });
    this.#post({ type: 'replica.opened' });
  }

  /** R11: the voter promises a higher epoch, so whoever leads or stands here in an older one stops, before the promise leaves. */
  #promising(epoch: Epoch): void {
    this.#view.enter(epoch);
    this.#fence(epoch);
    if (this.#candidate && this.#candidate.epoch < epoch) this.#endCandidacy('denied');
    if (this.#activation && this.#activation.e < epoch) this.#activation = null;
  }

  #fence(epoch: Epoch): void {
    if (!this.#primary || this.#primary.epoch >= epoch) return;
    this.#primary.stop();
    this.#post({ type: 'epoch.higher' });
  }

  #heartbeat(from: VoterName, frame: Heartbeat): void {
    if (frame.primary !== from || !this.#deps.replicas.includes(from)) return;
    this.#fence(frame.epoch);
    this.#heardPrimary(from, frame.epoch);
    this.#follower?.committed(frame.epoch, frame.commitSeq);
    if (!this.#view.compare(this.#deps.voter.status().accepted, this.#deps.name)) return;
    this.#post({ type: this.#view.inIsr ? 'isr.joined' : 'isr.left' });
    this.#publish();
  }

  #heardPrimary(primary: VoterName, epoch: Epoch): void {
    if (epoch < this.#view.epoch && epoch < this.#deps.voter.status().promised) return;
    this.#detector.heard();
    if (this.#view.epoch === epoch && this.#view.primary === primary && !this.#candidate) return;
    this.#view.set(epoch, primary);
    this.#detector.start();
    this.#post({ type: 'primary.heard' });
    this.#publish();
  }

  #repairing(event: ReplicaEvent): void {
    this.#view.inIsr = false;
    this.#post(event);
  }

  // ---- What the machine makes it do ------------------------------------------------------------------------------

  #follow(): void {
    const patience = this.#patience;
    this.#patience = null;
    this.#view.inIsr = false;
    this.#detector.start(patience ?? undefined);
    this.#publish();
  }

  #suspect(): void {
    if (this.#stopped || this.#halted) return;
    this.#view.primary = null;
    this.#deps.voter.forgetPrimary();
    this.#post({ type: 'primary.suspected' });
    this.#publish();
  }

  #stand(): void {
    const { timing } = this.#deps;
    this.#detector.stop();
    this.#candidate = new CandidateRole(
      {
        ...this.#deps,
        replicaLog: this.#replicaLog,
        candidacyMs: timing.candidacyMs,
        repeatMs: timing.heartbeatMs,
        events: {
          promised: () => this.#post({ type: 'majority.promised' }),
          activated: (activation) => {
            this.#activation = activation;
            this.#post({ type: 'activation.chosen' });
          },
          failed: (why) => this.#endCandidacy(why),
          ineligible: (latest) => this.#view.mayNotLead(latest, this.#deps.name),
          seen: (epoch) => this.#view.see(epoch),
        },
      },
      this.#view.seen,
    );
  }

  #endCandidacy(why: CandidacyEnd): void {
    this.#withdraw();
    if (why === 'ineligible') this.#patience = millis(this.#deps.timing.suspectMaxMs * PATIENCE_AFTER_INELIGIBLE);
    this.#post({ type: 'candidacy.failed' });
  }

  #withdraw(): void {
    // Epochs that were tried are not tried again.
    if (this.#candidate) this.#view.see(this.#candidate.epoch);
    this.#candidate?.stop();
    this.#candidate = null;
  }

  #lead(): void {
    const { log, name, timing } = this.#deps;
    const activation = this.#activation;
    this.#activation = null;
    if (activation === null) {
      // Promised away in the very step in which it was chosen (R11).
      this.#post({ type: 'epoch.higher' });
      return;
    }
    this.#detector.stop();
    this.#follower?.reset();
    this.#view.set(activation.e, name);
    log.info({ epoch: activation.e }, 'primary');
    this.#primary = new PrimaryRole(
      {
        ...this.#deps,
        replicaLog: this.#replicaLog,
        limits: this.#limits,
        events: {
          learnerJoined: () => this.#post({ type: 'learner.joined' }),
          degradeProposed: () => this.#post({ type: 'degrade.proposed' }),
          chosen: (mode) => this.#post({ type: 'configuration.chosen', mode }),
          serving: () => this.#publish(),
          quorumLost: () => this.#post({ type: 'quorum.lost' }),
          outranked: (epoch) => {
            this.#view.see(epoch);
            this.#post({ type: 'epoch.higher' });
          },
          diskFull: () => {
            this.#patience = millis(timing.suspectMaxMs * PATIENCE_AFTER_FULL);
            this.#post({ type: 'disk.full' });
          },
        },
      },
      activation,
      this.#up,
    );
  }

  #stepDown(): void {
    if (this.#primary) this.#deps.log.info({ epoch: this.#primary.epoch }, 'no longer primary');
    this.#primary?.stop();
    this.#primary = null;
    this.#deps.voter.forgetPrimary();
    if (this.#view.primary === this.#deps.name) this.#view.primary = null;
  }

  /** R8: what was under way on the log ends first; then nothing of the old role is left. */
  #quiesce(): void {
    this.#replicaLog.whenIdle(() => {
      if (this.#stopped) return;
      this.#follower?.reset();
      this.#post({ type: 'log.idle' });
    });
  }

  #halt(): void {
    this.#detector.stop();
    this.#candidate?.stop();
    this.#primary = null;
    this.#publish();
  }

  #fail(reason: string): void {
    if (this.#stopped || this.#halted) return;
    this.#deps.log.error({ reason }, 'the replica stops: its log cannot be trusted or written');
    this.#halted = true;
    this.#deps.halted?.(reason);
    this.#primary?.stop();
    this.#follower?.stop();
    this.#post({ type: 'log.failed' });
  }

  #publish(): void {
    if (!this.#stopped) this.#board.publish(this.status());
  }

  #post(event: ReplicaEvent): void {
    if (!this.#stopped) this.#deps.reactor.post(ADDRESS, event, ADDRESS);
  }
}
