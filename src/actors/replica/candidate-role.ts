import { activationOf, type CanvassReply, judgeCanvass, judgePromises, nextEpoch } from '../../domain/replication/candidate.ts';
import { generationOf } from '../../domain/replication/generation.ts';
import { type Configuration, type Epoch, majorityOf, type VoterName } from '../../domain/replication/types.ts';
import { millis, type TimerId } from '../../ports/clock.ts';
import type { VotingFrame } from '../../protocol/control/messages.ts';
import type { ReplicaDeps } from './api.ts';
import type { ReplicaLog } from './replica-log.ts';

/** Why a candidacy ended without an activation. `unwanted`: the voters hear a primary, or are not there. */
export type CandidacyEnd = 'unwanted' | 'timeout' | 'denied' | 'ineligible' | 'disk';

/** How a replica comes to stand. */
export type CandidacyCause =
  /** It hears no primary. */
  | 'silence'
  /** The primary has asked for this candidacy: no pre-vote, and voters do not wait until it is silent. */
  | 'handOver'
  /** An operator overrides R2: what others hold and this replica lacks is given up. */
  | 'forced';

export interface CandidateEvents {
  /** Pre-vote: a majority would promise. Nothing has changed anywhere yet. */
  granted(): void;
  /** R1, R2: a majority has promised and this replica is eligible. */
  promised(): void;
  /** Forced without need: by R2 this replica may lead, and goes on as if it had not been forced. */
  eligible(): void;
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
  /** A stage that has not succeeded after so long is given up. */
  readonly candidacyMs: number;
  /** Who has not answered is asked again so often. */
  readonly repeatMs: number;
  readonly cause: CandidacyCause;
  readonly events: CandidateEvents;
}

type Stage = 'canvassing' | 'canvassed' | 'promising' | 'promised' | 'proposing' | 'ended';

/**
 * One candidacy, in three stages that its replica's machine calls: `canvass` (pre-vote: nothing changes anywhere),
 * `stand` (R1, R2) and `activate` (R3). The own promise is synced before anybody else is asked for one: whoever forgets
 * that it promised must hear of that epoch from this replica (R9, `rejoinVoter`).
 */
export class CandidateRole {
  readonly #deps: CandidateDeps;
  #epoch: Epoch;
  #stage: Stage = 'canvassed';
  #stood = false;
  readonly #replies = new Map<VoterName, CanvassReply>();
  readonly #promises = new Map<VoterName, Configuration>();
  /** Asked on a link that is still up, and not answered yet. */
  readonly #asked = new Set<VoterName>();
  readonly #denied = new Set<VoterName>();
  readonly #accepted = new Set<VoterName>();
  /** What it proposes, once it is eligible. */
  #activation: Configuration | null = null;
  #deadline: TimerId;
  #repeat: TimerId;

  /** @param seen the highest epoch that this replica has heard of or tried. */
  constructor(deps: CandidateDeps, seen: Epoch) {
    this.#deps = deps;
    this.#epoch = nextEpoch(deps.voter.record?.promised ?? 0, seen);
    this.#deadline = this.#newDeadline();
    this.#repeat = this.#newRepeat();
  }

  /** What it stands for. Until it stands, nobody has promised it, and it may rise. */
  get epoch(): Epoch {
    return this.#epoch;
  }

  get cause(): CandidacyCause {
    return this.#deps.cause;
  }

  get handOver(): boolean {
    return this.cause === 'handOver';
  }

  /** A voter has said that it hears a primary. */
  get sawPrimary(): boolean {
    return [...this.#replies.values()].some(({ refused }) => refused === 'primary-alive');
  }

  /** Its epoch may have been promised to it, here or elsewhere. */
  get stood(): boolean {
    return this.#stood;
  }

  /** Pre-vote. */
  canvass(): void {
    if (this.#stage !== 'canvassed') return;
    this.#stage = 'canvassing';
    this.#askAll();
    this.#judgeCanvass(false);
  }

  /** R1: its own promise, synced; then the others are asked for theirs. */
  stand(): void {
    const { voter, name, events } = this.#deps;
    if (this.#stage !== 'canvassed') return;
    this.#stage = 'promising';
    this.#stood = true;
    this.#asked.clear();
    this.#rearm();
    voter.promise(this.#epoch, (promised) => {
      if (this.#stage !== 'promising') return;
      if (!promised.ok) {
        events.seen(voter.record?.promised ?? 0);
        this.#end(promised.error.code === 'denied' ? 'denied' : 'disk');
        return;
      }
      this.#promises.set(name, promised.value.accepted);
      this.#askAll();
      this.#judge();
    });
  }

  /** R3: proposes itself alone. The whole log, as it is on disk now, is what it stands for. */
  activate(): void {
    if (this.#stage !== 'promised') return;
    this.#stage = 'proposing';
    this.#rearm();
    const activation = this.#activation;
    if (activation === null) return;
    this.#deps.replicaLog.whenIdle(() => {
      if (this.#stage !== 'proposing') return;
      this.#deps.voter.accept(activation, (accepted) => {
        if (this.#stage !== 'proposing') return;
        if (!accepted.ok) {
          this.#end(accepted.error.code === 'denied' ? 'denied' : 'disk');
          return;
        }
        this.#accepted.add(this.#deps.name);
        this.#askAll();
        this.#count(this.#deps.name);
      });
    });
  }

  stop(): void {
    this.#stage = 'ended';
    this.#deps.clock.clearTimer(this.#deadline);
    this.#deps.clock.clearTimer(this.#repeat);
  }

  /** Sends what this voter has not answered yet. */
  peerUp(name: VoterName): void {
    this.#asked.delete(name);
    this.#ask(name);
  }

  /** Nothing comes from there any more. */
  peerDown(name: VoterName): void {
    if (this.#asked.delete(name)) this.#judgeCanvass(false);
  }

  receive(from: VoterName, frame: VotingFrame): void {
    if (this.#stage === 'ended') return;
    if (frame.kind === 'preVoteReply') this.#replied(from, frame);
    else if (frame.kind === 'promise' && frame.epoch === this.#epoch) {
      this.#promises.set(from, frame.accepted);
      this.#judge();
    } else if (frame.kind === 'voteDenied' && frame.epoch === this.#epoch) this.#denial(from, frame);
    else if (frame.kind === 'accepted' && frame.epoch === this.#epoch && frame.v === 0) this.#count(from);
    else if (frame.kind === 'proposeDenied' && frame.epoch === this.#epoch) {
      this.#deps.events.seen(frame.promised);
      if (frame.promised > this.#epoch) this.#end('denied');
    }
  }

  // ---- Asking ----------------------------------------------------------------------------------------------------

  #newDeadline(): TimerId {
    return this.#deps.clock.setTimer(millis(this.#deps.candidacyMs), () => this.#late());
  }

  #newRepeat(): TimerId {
    return this.#deps.clock.setTimer(millis(this.#deps.repeatMs), () => {
      this.#repeat = this.#newRepeat();
      this.#askAll();
    });
  }

  #rearm(): void {
    this.#deps.clock.clearTimer(this.#deadline);
    this.#deadline = this.#newDeadline();
  }

  #askAll(): void {
    for (const voter of this.#deps.voters) if (voter !== this.#deps.name) this.#ask(voter);
  }

  #ask(voter: VoterName): void {
    const { peers, name } = this.#deps;
    const { handOver } = this;
    const epoch = this.#epoch;
    if (this.#stage === 'proposing') {
      if (this.#activation && this.#accepted.has(name) && !this.#accepted.has(voter))
        peers.send(voter, { kind: 'propose', configuration: this.#activation });
    } else if (this.#asked.has(voter)) return;
    else if (this.#stage === 'canvassing' || (this.#stage === 'promising' && !this.#mayPromise(voter))) this.#askWhether(voter);
    else if (this.#stage === 'promising' && this.#promises.has(name) && !this.#promises.has(voter) && !this.#denied.has(voter)) {
      if (peers.send(voter, { kind: 'vote', epoch, candidate: name, handOver })) this.#asked.add(voter);
    }
  }

  /** Asked for a promise is only who would give it: one of the others could spoil a majority that is there without it (R2). */
  #mayPromise(voter: VoterName): boolean {
    const reply = this.#replies.get(voter);
    return this.handOver || reply?.refused === null || (this.#forced && reply?.refused === 'ineligible');
  }

  get #forced(): boolean {
    return this.#deps.cause === 'forced';
  }

  #askWhether(voter: VoterName): void {
    const { peers, name } = this.#deps;
    const own = this.#deps.voter.record?.accepted;
    if (own === undefined || this.#replies.get(voter)?.refused === null) return;
    const ballot = { e: own.e, v: own.v };
    if (peers.send(voter, { kind: 'preVote', epoch: this.#epoch, candidate: name, ballot })) this.#asked.add(voter);
  }

  /** The time of this stage is over. */
  #late(): void {
    if (this.#stage === 'canvassing') this.#judgeCanvass(true);
    else this.#end('timeout');
  }

  // ---- Pre-vote --------------------------------------------------------------------------------------------------

  #replied(from: VoterName, { epoch, promised, accepted, refused }: Extract<VotingFrame, { kind: 'preVoteReply' }>): void {
    this.#deps.events.seen(promised);
    if (epoch !== this.#epoch || (this.#stage !== 'canvassing' && this.#stage !== 'promising')) return;
    this.#asked.delete(from);
    this.#replies.set(from, { refused, accepted });
    if (this.#stage === 'promising') this.#ask(from);
    else if (refused === 'promised' && promised >= epoch) this.#rise(promised);
    else this.#judgeCanvass(false);
  }

  /** Nobody has promised anything yet, so the epoch can still be a higher one. */
  #rise(promised: Epoch): void {
    this.#epoch = nextEpoch(promised, this.#epoch);
    this.#replies.clear();
    this.#asked.clear();
    this.#askAll();
  }

  #judgeCanvass(late: boolean): void {
    if (this.#stage !== 'canvassing') return;
    const { name, voter, voters, events } = this.#deps;
    const { record } = voter;
    if (record === null) return this.#end('unwanted');
    const replies = new Map(this.#replies).set(name, { refused: null, accepted: record.accepted });
    const last =
      late || (this.#asked.size === 0 && [...replies.values()].every(({ refused }) => refused === null || refused === 'ineligible'));
    const judged = judgeCanvass(name, replies, { voters: voters.length, distrustedThrough: record.distrustedThrough, last });
    // An operator overrides what voters know of the log, but not that one of them hears a primary.
    if (judged.kind === 'granted' || (judged.kind === 'ineligible' && this.#forced && !this.sawPrimary)) {
      this.#stage = 'canvassed';
      events.granted();
    } else if (judged.kind === 'ineligible' && !this.#forced) this.#ineligible(judged.latest);
    else if (late) this.#end('unwanted');
  }

  // ---- Votes -----------------------------------------------------------------------------------------------------

  /** Who has promised a higher epoch will not change its mind; who hears a primary, or has no state yet, may. */
  #denial(from: VoterName, frame: Extract<VotingFrame, { kind: 'voteDenied' }>): void {
    this.#deps.events.seen(frame.promised);
    if (this.#stage !== 'promising' || this.#promises.has(from)) return;
    this.#asked.delete(from);
    if (frame.reason !== 'promised') return;
    this.#denied.add(from);
    const { voters } = this.#deps;
    if (this.#denied.size > voters.length - majorityOf(voters.length)) this.#end('denied');
  }

  /** R2. */
  #judge(): void {
    const { name, voter, voters, events } = this.#deps;
    if (this.#stage !== 'promising' || !this.#promises.has(name)) return;
    const distrustedThrough = voter.record?.distrustedThrough ?? -1;
    const judged = judgePromises(name, this.#promises, { voters: voters.length, distrustedThrough });
    if (judged.kind === 'waiting') return;
    if (judged.kind === 'ineligible' && !this.#forced) {
      this.#ineligible(judged.latest);
      return;
    }
    const overridden = judged.kind === 'ineligible' ? 1 : 0;
    this.#stage = 'promised';
    this.#activation = activationOf(name, this.#epoch, generationOf(judged.latest) + overridden);
    if (this.#forced && overridden === 0) events.eligible();
    events.promised();
  }

  #ineligible(latest: Configuration): void {
    const { e, v, isr } = latest;
    // Said once: the candidacies that follow end in the same way.
    if (this.#deps.events.ineligible(latest))
      this.#deps.log.warn({ epoch: e, v, isr }, 'not eligible: others may hold acknowledged changes that are not here');
    this.#end('ineligible');
  }

  #count(from: VoterName): void {
    if (this.#stage !== 'proposing') return;
    this.#accepted.add(from);
    if (!this.#accepted.has(this.#deps.name) || this.#accepted.size < majorityOf(this.#deps.voters.length)) return;
    this.stop();
    if (this.#activation) this.#deps.events.activated(this.#activation);
  }

  #end(why: CandidacyEnd): void {
    if (this.#stage === 'ended') return;
    this.stop();
    this.#deps.events.failed(why);
  }
}
