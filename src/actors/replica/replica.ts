import type { Actor } from 'xstate';
import { startMachine } from '../../bus/machine.ts';
import type { Address } from '../../bus/reactor.ts';
import { generationOf } from '../../domain/replication/generation.ts';
import { reachOf } from '../../domain/replication/proxy-reach.ts';
import type { Epoch, ReplicaStatus, VoterName } from '../../domain/replication/types.ts';
import type { ReplicaReport } from '../../protocol/control/messages.ts';
import { type Done, fail } from '../../protocol/result.ts';
import type { Heartbeat } from '../voter/voter.ts';
import {
  type AppliedListener,
  type ForcePromoted,
  type ForcePromoteFailure,
  type HandedOver,
  type HandOverFailure,
  type Proposal,
  type ProposalFailure,
  type ProposalOutcome,
  type ReadFailure,
  type ReadPoint,
  REPLICA_LIMITS,
  type ReplicaDeps,
  type ReplicaFrames,
} from './api.ts';
import type { ReplicaContext } from './context.ts';
import { Leadership } from './leadership.ts';
import { type ReplicaEvent, replicaMachine } from './machine.ts';
import { ReplicaLog } from './replica-log.ts';
import { roleIn, StatusBoard } from './status.ts';
import { Succession } from './succession.ts';
import { View } from './view.ts';

export type * from './api.ts';

const ADDRESS: Address<ReplicaEvent> = 'replica';

/**
 * One data replica: follows, stands, leads, by the rules of docs/availability.md. The machine owns the lifecycle;
 * `Succession` (follower, candidate) and `Leadership` (primary) do what it says; this object passes frames between them
 * and the voter. Every method is called inside a step.
 */
export class Replica {
  readonly #deps: ReplicaDeps;
  readonly #replicaLog: ReplicaLog;
  readonly #succession: Succession;
  readonly #leadership: Leadership;
  readonly #up = new Set<VoterName>();
  /** Voters and other proxies. */
  readonly #linked = new Set<string>();
  readonly #board = new StatusBoard();
  readonly #appliedListeners = new Set<AppliedListener>();
  readonly #view = new View();
  #actor: Actor<typeof replicaMachine> | null = null;
  #halted = false;
  #stopped = false;

  constructor(deps: ReplicaDeps) {
    this.#deps = deps;
    const limits = deps.limits ?? REPLICA_LIMITS;
    this.#replicaLog = new ReplicaLog(deps.database, limits.logEntriesKept, {
      applied: (appliedSeq, replies, keysOf) => {
        this.#leadership.primary?.applied(appliedSeq, replies);
        for (const listener of this.#appliedListeners) listener(appliedSeq, replies, keysOf);
      },
      failed: (reason) => this.#fail(reason),
      firstEntry: (then) => deps.voter.rememberLog(then, (reason) => this.#fail(reason)),
    });
    const context: ReplicaContext = {
      deps,
      limits,
      replicaLog: this.#replicaLog,
      view: this.#view,
      up: this.#up,
      proxyReach: () => this.#proxyReach(),
      post: (event) => this.#post(event),
      publish: () => this.#publish(),
      fail: (reason) => this.#fail(reason),
    };
    this.#succession = new Succession(context);
    this.#leadership = new Leadership(context, this.#succession);
  }

  /** Opens the ledger, then the voter, then follows. */
  start(): void {
    const { reactor, clock, voter } = this.#deps;
    const succession = this.#succession;
    const effects = {
      follow: () => succession.follow(),
      canvass: () => succession.canvass(),
      stand: () => succession.stand(),
      activate: () => succession.activate(),
      withdraw: () => succession.withdraw(),
      lead: () => this.#lead(),
      stepDown: () => this.#leadership.stepDown(),
      quiesce: () => succession.quiesce(),
      halt: () => this.#halt(),
    };
    this.#actor = startMachine(reactor, clock, replicaMachine, { address: ADDRESS, input: { effects } });
    this.#actor.subscribe(() => this.#publish());
    this.#replicaLog.open(() => {
      if (this.#stopped) return;
      const observer = {
        ready: () => succession.opened(),
        proxyReach: () => this.#proxyReach(),
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
    this.#succession.stop();
    this.#leadership.stop();
    this.#deps.voter.stop();
    this.#actor?.stop();
    this.#deps.reactor.unregister(ADDRESS);
  }

  /** Cheap; numbers are of this moment. The role is `primary` only once reads here see everything that was acknowledged. */
  status(): ReplicaStatus {
    const { name, voter } = this.#deps;
    const { primary } = this.#leadership;
    const state = this.#actor?.getSnapshot().value ?? 'booting';
    const role = this.#halted ? 'halted' : roleIn(state, primary?.serving ?? false);
    return {
      name,
      role,
      epoch: Math.max(this.#view.epoch, voter.status().promised),
      primary: role === 'primary' ? name : this.#view.primary,
      mode: primary?.mode ?? this.#view.modeFollowed(voter.status().accepted),
      waitsFor: this.#view.waitsFor,
      generation: generationOf(voter.status().accepted),
      lastSeq: this.#replicaLog.last.seq,
      commitSeq: primary?.commitSeq ?? this.#succession.commitSeq ?? this.#replicaLog.appliedSeq,
      appliedSeq: this.#replicaLog.appliedSeq,
    };
  }

  /** What an operator wants to know; numbers are of this moment. */
  report(): ReplicaReport {
    const { name, voters } = this.#deps;
    const { primary, handOvers } = this.#leadership;
    return {
      ...this.status(),
      followers: primary?.followers() ?? [],
      voters: voters.map((each) => ({ name: each, reachable: each === name || (primary?.hears(each) ?? this.#up.has(each)) })),
      lastFailover: this.#succession.lastFailover,
      draining: handOvers.underWay,
    };
  }

  #proxyReach(): number {
    return reachOf(this.#deps.proxies ?? [], this.#linked);
  }

  /** For people: the machine's state and the links'. */
  detail(): object {
    const voter = this.#deps.voter.status();
    return { state: this.#actor?.getSnapshot().value ?? 'booting', voter, links: this.#leadership.primary?.linkPhases() ?? {} };
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
    this.#answeringLater(done, (answer) => {
      const { primary } = this.#leadership;
      if (primary?.serving) primary.propose(proposal, answer);
      else answer(fail('not-primary', 'This replica is not the primary'));
    });
  }

  /**
   * R10: answers when a majority of the voters has confirmed, after this call, that nobody leads in a higher epoch, and
   * everything that was committed by then is applied here: what is read afterwards is the newest there is. Answers
   * exactly once, never within the call.
   */
  readIndex(done: Done<ReadPoint, ReadFailure>): void {
    this.#answeringLater(done, (answer) => {
      const { primary } = this.#leadership;
      if (primary?.serving) primary.readIndex(answer);
      else answer(fail('not-primary', 'This replica is not the primary'));
    });
  }

  /**
   * Makes the other replica primary without losing or refusing anything: changes are held, the peer catches up, stands,
   * and leads. Where it does not within a second, this replica goes on. Answers exactly once, never within the call.
   *
   * @param reason a few words for the log and for `lastFailover`.
   */
  handOver(reason: string, done: Done<HandedOver, HandOverFailure>): void {
    this.#answeringLater(done, (answer) => this.#leadership.handOvers.begin(reason, answer));
  }

  /**
   * The operator's only way past R2: makes this replica primary although another one may hold acknowledged changes that
   * are not here. They are overridden; the other one keeps them in `quarantine/` when it comes back. A promotion that is
   * not answered may still take effect. Answers exactly once, never within the call.
   */
  forcePromote(done: Done<ForcePromoted, ForcePromoteFailure>): void {
    this.#answeringLater(done, (answer) => {
      const { name } = this.#deps;
      if (this.#halted) answer(fail('halted', `${name} has halted: see its log`));
      else if (this.#leadership.primary) answer(fail('is-primary', `${name} leads already`));
      else this.#succession.forcePromote(answer);
    });
  }

  /** Its ledger could not be read: it halts, as it does where the log cannot be written. Another one may lead. */
  ledgerFailed(reason: string): void {
    this.#fail(reason);
  }

  /** A frame from the link of another voter. */
  receive(from: VoterName, frame: ReplicaFrames): void {
    if (this.#stopped || this.#halted || !this.#deps.voters.includes(from)) return;
    switch (frame.kind) {
      case 'preVote':
      case 'vote':
      case 'propose':
      case 'voterRead':
      case 'heartbeat':
        this.#deps.voter.receive(from, frame);
        return;
      case 'voterState':
        this.#deps.voter.receive(from, frame);
        this.#leadership.receive(from, frame);
        return;
      default:
        this.#succession.receive(from, frame);
        this.#leadership.receive(from, frame);
    }
  }

  /** A link is up: of another voter, or of a proxy that does not vote. */
  peerUp(name: VoterName): void {
    if (this.#stopped) return;
    this.#linked.add(name);
    if (!this.#deps.voters.includes(name)) return;
    this.#up.add(name);
    this.#deps.voter.peerUp(name);
    this.#succession.peerUp(name);
    this.#leadership.peerUp(name);
  }

  peerDown(name: VoterName): void {
    if (this.#stopped) return;
    this.#linked.delete(name);
    if (!this.#deps.voters.includes(name)) return;
    this.#up.delete(name);
    this.#deps.voter.peerDown(name);
    this.#succession.peerDown(name);
    this.#leadership.peerDown(name);
  }

  /** Answers that are known at once come in a step of their own. */
  #answeringLater<T, E>(done: Done<T, E>, ask: (answer: Done<T, E>) => void): void {
    let within = true;
    ask((result) => {
      if (within) this.#deps.clock.setTimer(0, () => done(result));
      else done(result);
    });
    within = false;
  }

  /** R11: the voter promises a higher epoch, so whoever leads or stands here in an older one stops, before the promise leaves. */
  #promising(epoch: Epoch): void {
    this.#view.enter(epoch);
    this.#leadership.fence(epoch);
    this.#succession.promising(epoch);
  }

  #heartbeat(from: VoterName, frame: Heartbeat): void {
    if (frame.primary !== from || !this.#deps.replicas.includes(from)) return;
    this.#leadership.fence(frame.epoch);
    this.#succession.heartbeat(from, frame);
  }

  #lead(): void {
    const activation = this.#succession.takeActivation();
    if (activation) this.#leadership.lead(activation, this.#succession.lastFailover);
    else this.#post({ type: 'epoch.higher' });
  }

  #halt(): void {
    this.#succession.stop();
    this.#leadership.forget();
    this.#publish();
  }

  #fail(reason: string): void {
    if (this.#stopped || this.#halted) return;
    this.#deps.log.error({ reason }, 'the replica stops: its log cannot be trusted or written');
    this.#halted = true;
    this.#deps.halted?.(reason);
    this.#succession.stop();
    this.#leadership.stop();
    this.#post({ type: 'log.failed' });
  }

  #publish(): void {
    if (this.#stopped) return;
    this.#leadership.handOvers.noticed();
    this.#board.publish(this.status());
  }

  #post(event: ReplicaEvent): void {
    if (!this.#stopped) this.#deps.reactor.post(ADDRESS, event, ADDRESS);
  }
}
