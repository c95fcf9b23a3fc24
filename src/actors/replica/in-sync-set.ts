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
import type { Configuration, Epoch, VoterName } from '../../domain/replication/types.ts';
import { type Micros, millis } from '../../ports/clock.ts';
import type { ReplicaDeps } from './api.ts';

/** What an in-sync set tells its primary. */
export interface InSyncEvents {
  /** R5: the entries after `from` up to `through` are committed. */
  committed(from: number, through: number): void;
  learnerJoined(): void;
  degradeProposed(): void;
  chosen(mode: 'SYNC' | 'SOLO'): void;
  outranked(epoch: Epoch): void;
}

export interface InSyncDeps extends Pick<ReplicaDeps, 'clock' | 'log' | 'voter' | 'peers' | 'name' | 'voters' | 'timing'> {
  /** The entry that adopts the log (R3): the first one of this epoch. */
  readonly noopSeq: number;
  readonly events: InSyncEvents;
}

/**
 * Who must have an entry before a client hears of it, as a primary keeps it: commits (R5), goes on alone (R6), takes the
 * other one in again (R7). One per epoch.
 */
export class InSyncSet {
  readonly #deps: InSyncDeps;
  #primacy: Primacy;
  /** Whom a degrade left out, when, and where the log ended then. */
  readonly #leftOut = new Map<VoterName, { readonly at: Micros; readonly seq: number }>();
  #accepting = false;
  #stopped = false;

  constructor(deps: InSyncDeps, activation: Configuration, log: { readonly lastSeq: number; readonly appliedSeq: number }) {
    this.#deps = deps;
    this.#primacy = beginPrimacy(activation, deps.name, log);
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

  /** Of the chosen configuration. */
  get version(): number {
    return this.#primacy.chosen.v;
  }

  /**
   * The replica that could take over now: in sync, and its link is up; the one that has most. Null where there is none, or
   * where this primary is about to go on alone.
   */
  heir(up: ReadonlySet<VoterName>): VoterName | null {
    if (this.#primacy.proposal !== null) return null;
    const peers = this.peers.filter((peer) => up.has(peer));
    return peers.reduce<VoterName | null>((best, peer) => (best === null || this.matchOf(peer) > this.matchOf(best) ? peer : best), null);
  }

  /** The other members of the chosen configuration: each holds everything that was acknowledged. */
  get peers(): VoterName[] {
    return this.#primacy.chosen.isr.filter((member) => member !== this.#deps.name);
  }

  /** Up to where a replica has synced this log, by what it said in this epoch. */
  matchOf(replica: VoterName): number {
    return this.#primacy.matches.get(replica) ?? 0;
  }

  /** How many replicas hold the entry synced. */
  copiesOf(seq: number): number {
    return copiesOf(this.#primacy, seq);
  }

  stop(): void {
    this.#stopped = true;
  }

  /** A replica (this one too) has synced the log up to `seq`. */
  matched(replica: VoterName, seq: number): void {
    this.#primacy = recordMatch(this.#primacy, replica, seq);
    this.#advance();
    this.#upgradeIfCaughtUp();
  }

  /** R6: a write has waited too long for somebody else than this replica, whose log ends at `headSeq`. */
  degrade(headSeq: number): void {
    const { name, clock, log, events } = this.#deps;
    const degraded = proposeDegrade(this.#primacy);
    if (degraded === null) return;
    for (const member of degraded.ackset) if (member !== name) this.#leftOut.set(member, { at: clock.now(), seq: headSeq });
    log.warn({ epoch: this.epoch }, 'the other replica does not answer: going on alone');
    events.degradeProposed();
    this.#propose(degraded);
  }

  /**
   * R7: takes in those that are close behind. Whoever has not synced an entry of this epoch yet, or what it was left out
   * for, may be unable to write (a full disk): it is not waited for.
   */
  takeIn(closeBehind: readonly VoterName[], headSeq: number): void {
    const { clock, timing, noopSeq, events } = this.#deps;
    for (const follower of closeBehind) {
      const leftOut = this.#leftOut.get(follower);
      if (leftOut !== undefined && clock.now() - leftOut.at < millis(timing.degradeAfterMs)) continue;
      if (this.matchOf(follower) < Math.max(noopSeq, leftOut?.seq ?? 0)) continue;
      const joined = addLearner(this.#primacy, follower, headSeq);
      if (joined === null) continue;
      this.#primacy = joined;
      events.learnerJoined();
      this.#upgradeIfCaughtUp();
    }
  }

  accepted(voter: VoterName, epoch: Epoch, v: number): void {
    this.#primacy = recordAccepted(this.#primacy, voter, epoch, v);
    const settled = settleProposal(this.#primacy, this.#deps.voters.length);
    if (settled === null) return;
    this.#primacy = settled;
    this.#deps.log.info({ epoch, v, isr: settled.chosen.isr }, 'a configuration is chosen');
    this.#deps.events.chosen(this.mode);
    this.#advance();
  }

  /** Asks again whoever has not accepted what is proposed: all, or only `voter`, whose link has just come up. */
  repeat(voter?: VoterName): void {
    const { proposal, acceptedBy } = this.#primacy;
    if (proposal === null) return;
    if (!acceptedBy.includes(this.#deps.name)) {
      this.#acceptHere(proposal);
      return;
    }
    for (const other of voter === undefined ? this.#others() : [voter]) if (!acceptedBy.includes(other)) this.#send(other, proposal);
  }

  #advance(): void {
    const primacy = this.#primacy;
    const { noopSeq, events } = this.#deps;
    const point = commitPoint(primacy, (seq) => (seq >= noopSeq ? primacy.epoch : null));
    if (point <= primacy.commitSeq) return;
    this.#primacy = withCommit(primacy, point);
    events.committed(primacy.commitSeq, point);
  }

  #upgradeIfCaughtUp(): void {
    const upgraded = learnerCaughtUp(this.#primacy) ? proposeUpgrade(this.#primacy) : null;
    if (upgraded !== null) this.#propose(upgraded);
  }

  #propose(primacy: Primacy): void {
    this.#primacy = primacy;
    if (primacy.proposal !== null) this.#acceptHere(primacy.proposal);
  }

  /**
   * The own voter first, synced; then the others are asked (R9: whoever forgets that it accepted must hear of it from this
   * replica, `rejoinVoter`). A voter whose disk is full is asked again with the next heartbeat.
   */
  #acceptHere(proposal: Configuration): void {
    if (this.#accepting) return;
    this.#accepting = true;
    this.#deps.voter.accept(proposal, (accepted) => {
      this.#accepting = false;
      if (this.#stopped || this.#primacy.proposal !== proposal) return;
      if (accepted.ok) {
        for (const voter of this.#others()) this.#send(voter, proposal);
        this.accepted(this.#deps.name, proposal.e, proposal.v);
      } else if (accepted.error.code === 'denied') this.#deps.events.outranked(this.#deps.voter.status().promised);
    });
  }

  #send(to: VoterName, configuration: Configuration): void {
    this.#deps.peers.send(to, { kind: 'propose', configuration });
  }

  #others(): VoterName[] {
    return this.#deps.voters.filter((voter) => voter !== this.#deps.name);
  }
}
