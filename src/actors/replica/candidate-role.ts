import { activationOf, judgePromises, nextEpoch } from '../../domain/replication/candidate.ts';
import { type Configuration, type Epoch, majorityOf, type VoterName } from '../../domain/replication/types.ts';
import { millis, type TimerId } from '../../ports/clock.ts';
import type { VotingFrame } from '../../protocol/control/messages.ts';
import type { ReplicaDeps } from './api.ts';
import type { ReplicaLog } from './replica-log.ts';

/** Why a candidacy ended without an activation. */
export type CandidacyEnd = 'timeout' | 'denied' | 'ineligible' | 'disk';

export interface CandidateEvents {
  /** R1, R2: a majority has promised and this replica is eligible. */
  promised(): void;
  /** R3: a majority has accepted. */
  activated(activation: Configuration): void;
  failed(why: CandidacyEnd): void;
  /** R2: before `failed`, with the configuration that says who may lead. Whether that is news. */
  ineligible(latest: Configuration): boolean;
  /** Somebody has promised a higher epoch. */
  seen(epoch: Epoch): void;
}

export interface CandidateDeps extends Pick<ReplicaDeps, 'clock' | 'log' | 'voter' | 'peers' | 'name' | 'voters'> {
  readonly replicaLog: ReplicaLog;
  readonly candidacyMs: number;
  readonly repeatMs: number;
  readonly events: CandidateEvents;
}

/**
 * One candidacy. The others are asked before the own voter promises: while a primary is alive they refuse (R10), and
 * then nothing has changed here, so that a replica which merely lost sight of a healthy primary does not disturb it. The
 * own promise is one of the majority in any order (`domain/replication/random-walk.test.ts` walks both).
 */
export class CandidateRole {
  readonly epoch: Epoch;
  readonly #deps: CandidateDeps;
  readonly #promises = new Map<VoterName, Configuration>();
  /** Asked on a link that is still up, and not answered yet. */
  readonly #asked = new Set<VoterName>();
  readonly #denied = new Set<VoterName>();
  readonly #accepted = new Set<VoterName>();
  readonly #activation: Configuration;
  #stage: 'asking' | 'promising' | 'promised' | 'proposing' | 'ended' = 'asking';
  #deadline: TimerId;
  #repeat: TimerId;

  /** @param seen the highest epoch that this replica has heard of or tried. */
  constructor(deps: CandidateDeps, seen: Epoch) {
    this.#deps = deps;
    this.epoch = nextEpoch(deps.voter.record?.promised ?? 0, seen);
    this.#activation = activationOf(deps.name, this.epoch);
    this.#deadline = deps.clock.setTimer(millis(deps.candidacyMs), () => this.#end('timeout'));
    this.#repeat = deps.clock.setTimer(millis(deps.repeatMs), () => this.#askAgain());
    for (const voter of this.#others()) this.#ask(voter);
    this.#judge();
  }

  /** Sends what this voter has not answered yet. */
  peerUp(name: VoterName): void {
    this.#asked.delete(name);
    this.#ask(name);
  }

  receive(from: VoterName, frame: VotingFrame): void {
    if (this.#stage === 'ended') return;
    if (frame.kind === 'promise' && frame.epoch === this.epoch) {
      this.#promises.set(from, frame.accepted);
      this.#judge();
    } else if (frame.kind === 'voteDenied' && frame.epoch === this.epoch) this.#denial(from, frame);
    else if (frame.kind === 'accepted' && frame.epoch === this.epoch && frame.v === 0) this.#count(from);
    else if (frame.kind === 'proposeDenied' && frame.epoch === this.epoch) {
      this.#deps.events.seen(frame.promised);
      if (frame.promised > this.epoch) this.#end('denied');
    }
  }

  /** Who has promised a higher epoch will not change its mind; who hears a primary, or has no state yet, may. */
  #denial(from: VoterName, frame: Extract<VotingFrame, { kind: 'voteDenied' }>): void {
    this.#deps.events.seen(frame.promised);
    if (this.#stage !== 'asking' || this.#promises.has(from)) return;
    if (frame.reason !== 'promised') {
      this.#asked.delete(from);
      return;
    }
    this.#denied.add(from);
    const { voters } = this.#deps;
    if (this.#denied.size > voters.length - majorityOf(voters.length)) this.#end('denied');
  }

  /** R3: proposes itself alone. The whole log, as it is on disk now, is what it stands for. */
  activate(): void {
    if (this.#stage !== 'promised') return;
    this.#stage = 'proposing';
    this.#rearm();
    this.#deps.replicaLog.whenIdle(() => {
      if (this.#stage !== 'proposing') return;
      this.#deps.voter.accept(this.#activation, (accepted) => {
        if (this.#stage !== 'proposing') return;
        if (!accepted.ok) {
          this.#end(accepted.error.code);
          return;
        }
        this.#accepted.add(this.#deps.name);
        for (const voter of this.#others()) this.#ask(voter);
        this.#count(this.#deps.name);
      });
    });
  }

  stop(): void {
    this.#stage = 'ended';
    this.#deps.clock.clearTimer(this.#deadline);
    this.#deps.clock.clearTimer(this.#repeat);
  }

  #rearm(): void {
    this.#deps.clock.clearTimer(this.#deadline);
    this.#deadline = this.#deps.clock.setTimer(millis(this.#deps.candidacyMs), () => this.#end('timeout'));
  }

  #askAgain(): void {
    this.#repeat = this.#deps.clock.setTimer(millis(this.#deps.repeatMs), () => this.#askAgain());
    for (const voter of this.#others()) this.#ask(voter);
  }

  #ask(voter: VoterName): void {
    const { peers, name } = this.#deps;
    if (this.#stage === 'asking' && !this.#promises.has(voter) && !this.#denied.has(voter) && !this.#asked.has(voter)) {
      if (peers.send(voter, { kind: 'vote', epoch: this.epoch, candidate: name })) this.#asked.add(voter);
    } else if (this.#stage === 'proposing' && this.#accepted.has(name) && !this.#accepted.has(voter)) {
      peers.send(voter, { kind: 'propose', configuration: this.#activation });
    }
  }

  #judge(): void {
    const { voters, voter, name } = this.#deps;
    if (this.#stage !== 'asking' || this.#promises.size < majorityOf(voters.length) - 1) return;
    this.#stage = 'promising';
    // R1: its own promise, synced before it counts.
    voter.promise(this.epoch, (promised) => {
      if (this.#stage !== 'promising') return;
      if (!promised.ok) {
        this.#end(promised.error.code);
        return;
      }
      this.#promises.set(name, promised.value.accepted);
      this.#decide(promised.value.distrustedThrough);
    });
  }

  /** R2. */
  #decide(distrustedThrough: Epoch): void {
    const { name, voters, log, events } = this.#deps;
    const judged = judgePromises(name, this.#promises, { voters: voters.length, distrustedThrough });
    if (judged.kind === 'eligible') {
      this.#stage = 'promised';
      events.promised();
    } else if (judged.kind === 'ineligible') {
      const { e, v, isr } = judged.latest;
      // Said once: the candidacies that follow end in the same way.
      if (events.ineligible(judged.latest))
        log.warn({ epoch: e, v, isr }, 'not eligible: others may hold acknowledged changes that are not here');
      this.#end('ineligible');
    }
  }

  #count(from: VoterName): void {
    if (this.#stage !== 'proposing') return;
    this.#accepted.add(from);
    if (!this.#accepted.has(this.#deps.name) || this.#accepted.size < majorityOf(this.#deps.voters.length)) return;
    this.stop();
    this.#deps.events.activated(this.#activation);
  }

  #end(why: CandidacyEnd): void {
    if (this.#stage === 'ended') return;
    this.stop();
    this.#deps.events.failed(why);
  }

  #others(): VoterName[] {
    return this.#deps.voters.filter((voter) => voter !== this.#deps.name);
  }
}
