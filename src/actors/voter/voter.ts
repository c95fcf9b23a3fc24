import type { Actor } from 'xstate';
import { startMachine } from '../../bus/machine.ts';
import type { Address, Reactor } from '../../bus/reactor.ts';
import type { ReplicationTiming } from '../../domain/replication/timing.ts';
import type { Configuration, Epoch, VoterName, VoterState } from '../../domain/replication/types.ts';
import { initialVoterState } from '../../domain/replication/types.ts';
import {
  decideAccept,
  decidePreVote,
  decideVote,
  type PreVote,
  raisePromise,
  recoverVoter,
  type Refusal,
  type VoterRecord,
} from '../../domain/replication/voter.ts';
import { type Clock, millis } from '../../ports/clock.ts';
import type { Disk } from '../../ports/disk.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { ReplicationFrame, VotingFrame } from '../../protocol/control/messages.ts';
import { type Done, type Failure, fail, ok } from '../../protocol/result.ts';
import { type VoterEvent, voterMachine } from './machine.ts';
import { Rejoin } from './rejoin.ts';
import { VoterStore } from './store.ts';

/** The way to the other voters, given by the role from its links. */
export interface VoterPeers {
  /** False when there is no link to `to` now: the frame is dropped, and whoever needs it sends it again. */
  send(to: VoterName, frame: VotingFrame | ReplicationFrame): boolean;
}

export interface VoterDeps {
  readonly reactor: Reactor;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly disk: Disk;
  /** Absolute path of the folder of its files (`voter.0`, `voter.1`, the first-start marker); must exist. */
  readonly folder: string;
  readonly name: VoterName;
  readonly voters: readonly VoterName[];
  readonly replicas: readonly VoterName[];
  readonly peers: VoterPeers;
  readonly timing: ReplicationTiming;
}

export interface VoterStatus {
  readonly phase: 'opening' | 'rejoining' | 'idle' | 'promised' | 'failed';
  readonly promised: Epoch;
  readonly accepted: Configuration;
}

export type Heartbeat = Extract<VotingFrame, { kind: 'heartbeat' }>;

/** What the replica around a voter wants to know of it. */
export interface VoterObserver {
  /** It has its state and takes part. `lostLog`: this replica's log is not what it was (R9). */
  ready(lostLog: boolean): void;
  /** See `heartbeatAck.proxyReach`; a witness has none. */
  proxyReach?(): number;
  /** It is about to promise `epoch`: whoever leads or stands in an older one stops (R11). */
  promising(epoch: Epoch): void;
  /** From a primary whose epoch is not below the promise. */
  heartbeat(from: VoterName, frame: Heartbeat): void;
  /** Its disk refused at the start: it will never be ready. */
  failed(message: string): void;
}

/** `full`: the disk is; it may be asked again. `disk`: it failed otherwise. */
export type VoterFailure = Failure<'denied' | 'disk' | 'full'>;

interface Change {
  readonly decide: (record: VoterRecord) => VoterRecord | null;
  readonly done: Done<VoterRecord, VoterFailure>;
}

const ADDRESS: Address<VoterEvent> = 'voter';
/** Changes that wait for the disk; a voter is asked a few times an election. */
const CHANGES_MAX = 256;
const SILENT: VoterObserver = { ready() {}, promising() {}, heartbeat() {}, failed() {} };

/**
 * One of the static voters: alone in a witness proxy, which calls `start`, `receive`, `peerUp`, `stop`; or inside a
 * replica, which does so. Every answer leaves after what it says is synced (R1).
 */
export class Voter {
  readonly #deps: VoterDeps;
  readonly #store: VoterStore;
  readonly #rejoin: Rejoin;
  readonly #changes: Change[] = [];
  #observer: VoterObserver = SILENT;
  #actor: Actor<typeof voterMachine> | null = null;
  /** Null until it was read or recovered: without it, nothing is answered (R9). */
  #record: VoterRecord | null = null;
  #logEmpty = true;
  #recovering = false;
  #writing = false;
  #stopped = false;
  /** The primary heard last, and when: for liveness only (R10). */
  #heard: { readonly primary: VoterName; readonly at: number } | null = null;

  constructor(deps: VoterDeps) {
    this.#deps = deps;
    this.#store = new VoterStore(deps.disk, deps.folder);
    this.#rejoin = new Rejoin(deps);
  }

  /** @param logEmpty whether this voter's replica has an empty log; a witness leaves it out. */
  start(observer: VoterObserver = SILENT, logEmpty = true): void {
    const { reactor, clock, timing } = this.#deps;
    this.#observer = observer;
    this.#logEmpty = logEmpty;
    const effects = { askOthers: () => this.#rejoin.ask(), askAgainMs: timing.heartbeatMs * 2 };
    this.#actor = startMachine(reactor, clock, voterMachine, { address: ADDRESS, input: { effects } });
    this.#store.open((opened) => {
      if (this.#stopped) return;
      if (!opened.ok) this.#fail(opened.error.message);
      else this.#recover(opened.value.record, opened.value.firstStart);
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#actor?.stop();
    this.#actor = null;
    this.#deps.reactor.unregister(ADDRESS);
  }

  /** A frame of another voter. Frames that are not for a voter are ignored. */
  receive(from: VoterName, frame: VotingFrame): void {
    if (this.#stopped || from === this.#deps.name || !this.#deps.voters.includes(from)) return;
    if (frame.kind === 'voterRead' || frame.kind === 'voterState') this.#rejoin.relay(from, frame);
    if (frame.kind === 'voterState') this.#hearState(from, frame);
    else if (this.#record === null) this.#answerWithoutState(from, frame);
    else if (frame.kind === 'preVote') this.#answerPreVote(from, frame, this.#record);
    else if (frame.kind === 'vote') this.#vote(from, frame, this.#record);
    else if (frame.kind === 'propose') this.#consider(from, frame.configuration);
    else if (frame.kind === 'heartbeat') this.#hearHeartbeat(from, frame, this.#record);
    else if (frame.kind === 'voterRead') this.#rejoin.answer(from, frame, this.#record);
  }

  peerUp(name: VoterName): void {
    if (!this.#stopped && this.#record === null) this.#rejoin.askOne(name);
  }

  /** A link that is gone is better evidence than silence: whoever leads comes back and is heard again (R10, liveness only). */
  peerDown(name: VoterName): void {
    if (this.#heard?.primary === name) this.#heard = null;
  }

  status(): VoterStatus {
    const phase = this.#actor?.getSnapshot().value ?? 'opening';
    const { promised, accepted } = this.#record ?? initialVoterState(this.#deps.replicas);
    return { phase, promised, accepted };
  }

  /** The state on disk; null before it is ready. */
  get record(): VoterRecord | null {
    return this.#record;
  }

  /** What this voter would say to a candidate, without changing anything. Null: it would promise. */
  preVote(ask: PreVote): Refusal | null {
    return this.#record === null ? 'rejoining' : decidePreVote(this.#record, ask, this.#hearsOtherThan(ask.candidate));
  }

  /** R1, for the replica's own candidacy. */
  promise(epoch: Epoch, done: Done<VoterRecord, VoterFailure>): void {
    this.#change((record) => merged(record, decideVote(record, epoch)), done);
  }

  /** R3, R6, R7, for the replica's own proposal. */
  accept(configuration: Configuration, done: Done<VoterRecord, VoterFailure>): void {
    this.#change((record) => merged(record, decideAccept(record, configuration)), done);
  }

  /** R4: raised and synced before entries of `epoch` are answered; `denied` where a higher one was promised. */
  raise(epoch: Epoch, done: Done<VoterRecord, VoterFailure>): void {
    this.#change((record) => (epoch < record.promised ? null : withState(record, raisePromise(record, epoch))), done);
  }

  /** R9: before its first entry is acknowledged, a replica remembers that there is a log to lose. At once where it does. */
  rememberLog(then: () => void, failed: (reason: string) => void): void {
    if (this.#record?.holdsLog) then();
    else
      this.#change(
        (record) => ({ ...record, holdsLog: true }),
        (remembered) => {
          if (remembered.ok) then();
          else if (remembered.error.code !== 'full') failed(remembered.error.message);
          // The entry waits until there is room; nothing was said of it yet.
          else this.#deps.clock.setTimer(millis(this.#deps.timing.heartbeatMs), () => !this.#stopped && this.rememberLog(then, failed));
        },
      );
  }

  /** The replica's log is of this generation from now on: nothing of an older one is in it that the primary lacks. */
  rememberGeneration(generation: number, done: Done<VoterRecord, VoterFailure>): void {
    this.#change((record) => (generation > (record.logGeneration ?? 0) ? { ...record, logGeneration: generation } : record), done);
  }

  /** The replica around this voter leads, and a majority follows: other candidates are ignored for a while. */
  primaryAlive(primary: VoterName): void {
    this.#heard = { primary, at: this.#deps.clock.now() };
  }

  /** Nobody leads as far as this voter knows. */
  forgetPrimary(): void {
    this.#heard = null;
  }

  #recover(stored: VoterRecord | null, firstStart: boolean): void {
    const recovery = recoverVoter(stored, { fresh: firstStart, logEmpty: this.#logEmpty, replicas: this.#deps.replicas });
    if (recovery.kind === 'rejoin') {
      this.#deps.log.warn({}, 'the voter has lost its state and asks the others for theirs');
      this.#post({ type: 'state.missing' });
      return;
    }
    if (recovery.lostLog)
      this.#deps.log.error(
        { through: recovery.record.distrustedThrough },
        'the log is gone: this replica will not stand before it was taken in again',
      );
    this.#adopt(recovery.record, recovery.record !== stored, recovery.lostLog, { type: 'state.read' });
  }

  /** Takes a state as its own once it is on disk and the marker of the first start is gone. */
  #adopt(record: VoterRecord, write: boolean, lostLog: boolean, event: VoterEvent): void {
    const finish = (): void =>
      this.#store.started((marked) => {
        if (this.#stopped) return;
        if (!marked.ok) {
          this.#notAdopted(marked.error.message);
          return;
        }
        this.#record = record;
        this.#post(event);
        this.#postPhase(record);
        this.#observer.ready(lostLog);
      });
    if (!write) {
      finish();
      return;
    }
    this.#store.write(record, (written) => {
      if (this.#stopped) return;
      if (written.ok) finish();
      else this.#notAdopted(written.error.message);
    });
  }

  /** Nobody has heard of it yet: what the others told is asked for again, as often as it takes. */
  #notAdopted(reason: string): void {
    if (!this.#recovering) return this.#fail(reason);
    this.#recovering = false;
    this.#deps.log.error({ reason }, 'the state that the others told could not be written; they are asked again');
  }

  /** R9: of enough others the maxima. */
  #hearState(from: VoterName, frame: Extract<VotingFrame, { kind: 'voterState' }>): void {
    if (this.#record !== null || this.#recovering) return;
    const record = this.#rejoin.hear(from, frame);
    if (record === null) return;
    const replica = this.#deps.replicas.includes(this.#deps.name);
    this.#recovering = true;
    this.#deps.log.info({ promised: record.promised }, 'the voter has its state again');
    this.#adopt(replica && !this.#logEmpty ? { ...record, holdsLog: true } : record, true, replica, { type: 'state.recovered' });
  }

  /** R9: that it cannot say anything is all that it says. */
  #answerWithoutState(from: VoterName, frame: VotingFrame): void {
    if (frame.kind === 'vote') this.#deny(from, frame.epoch, 0, 'rejoining');
    else if (frame.kind === 'preVote') this.#answerPreVote(from, frame, initialVoterState(this.#deps.replicas));
  }

  #answerPreVote(from: VoterName, frame: Extract<VotingFrame, { kind: 'preVote' }>, { promised, accepted }: VoterState): void {
    const { epoch, ballot } = frame;
    const refused = this.preVote({ epoch, candidate: from, ballot });
    this.#deps.peers.send(from, { kind: 'preVoteReply', epoch, promised, accepted, refused });
  }

  /** R1. R10: not while another primary is heard, unless that primary has asked for it. */
  #vote(from: VoterName, { epoch, handOver }: Extract<VotingFrame, { kind: 'vote' }>, record: VoterRecord): void {
    if (!handOver && this.#hearsOtherThan(from)) {
      this.#deny(from, epoch, record.promised, 'primary-alive');
      return;
    }
    this.promise(epoch, (promised) => {
      if (promised.ok) this.#deps.peers.send(from, { kind: 'promise', epoch, accepted: promised.value.accepted });
      else this.#deny(from, epoch, this.#record?.promised ?? 0, 'promised');
    });
  }

  #deny(to: VoterName, epoch: Epoch, promised: Epoch, reason: 'promised' | 'primary-alive' | 'rejoining'): void {
    this.#deps.peers.send(to, { kind: 'voteDenied', epoch, promised, reason });
  }

  #consider(from: VoterName, configuration: Configuration): void {
    const { e, v } = configuration;
    this.accept(configuration, (accepted) => {
      const promised = this.#record?.promised ?? 0;
      this.#deps.peers.send(from, accepted.ok ? { kind: 'accepted', epoch: e, v } : { kind: 'proposeDenied', epoch: e, v, promised });
    });
  }

  /** The answer carries the promise, so that a primary that was replaced learns of it (R11, R12). */
  #hearHeartbeat(from: VoterName, frame: Heartbeat, record: VoterRecord): void {
    const epoch = Math.max(frame.epoch, record.promised);
    this.#deps.peers.send(from, { kind: 'heartbeatAck', epoch, round: frame.round, proxyReach: this.#observer.proxyReach?.() ?? 0 });
    if (frame.epoch < record.promised) return;
    this.primaryAlive(from);
    this.#observer.heartbeat(from, frame);
  }

  /** R10, liveness only: a primary was heard so lately that no other candidate is wanted. */
  #hearsOtherThan(candidate: VoterName): boolean {
    const { clock, timing } = this.#deps;
    return this.#heard !== null && this.#heard.primary !== candidate && clock.now() - this.#heard.at < millis(timing.primaryAliveMs);
  }

  /** One change at a time: decided on the state that is on disk, answered when the next state is. */
  #change(decide: Change['decide'], done: Change['done']): void {
    if (this.#stopped || this.#record === null) done(fail('denied', 'The voter has no state'));
    else if (this.#changes.length >= CHANGES_MAX) done(fail('denied', 'Too many changes wait for the disk'));
    else {
      this.#changes.push({ decide, done });
      this.#nextChange();
    }
  }

  #nextChange(): void {
    const change = this.#writing || this.#stopped ? undefined : this.#changes.shift();
    const record = this.#record;
    if (change === undefined || record === null) return;
    const next = change.decide(record);
    if (next === null || next === record) {
      change.done(next === null ? fail('denied', 'Something higher was promised') : ok(record));
      this.#nextChange();
      return;
    }
    if (next.promised > record.promised) this.#observer.promising(next.promised);
    this.#writing = true;
    this.#store.write(next, (written, kept) => {
      if (this.#stopped) return;
      this.#writing = false;
      // Also where only one copy has it: nobody is told yes, but what is on the disk never goes back.
      if (kept) {
        this.#record = next;
        this.#postPhase(next);
      }
      if (written.ok) change.done(ok(next));
      else {
        this.#deps.log.error({ reason: written.error.message }, 'the state of the voter could not be written');
        change.done(fail(written.error.code === 'full' ? 'full' : 'disk', written.error.message));
      }
      this.#nextChange();
    });
  }

  #fail(message: string): void {
    this.#deps.log.error({ reason: message }, 'the state of the voter cannot be kept');
    this.#post({ type: 'disk.failed' });
    this.#observer.failed(message);
  }

  #postPhase(record: VoterRecord): void {
    this.#post({ type: record.promised > record.accepted.e ? 'epoch.promised' : 'configuration.accepted' });
  }

  #post(event: VoterEvent): void {
    this.#deps.reactor.post(ADDRESS, event, ADDRESS);
  }
}

const withState = (record: VoterRecord, state: VoterState): VoterRecord =>
  state.promised === record.promised && state.accepted === record.accepted
    ? record
    : { ...record, promised: state.promised, accepted: state.accepted };

const merged = (
  record: VoterRecord,
  decision: { readonly kind: 'deny' } | { readonly kind: string; readonly next: VoterState },
): VoterRecord | null => ('next' in decision ? withState(record, decision.next) : null);
