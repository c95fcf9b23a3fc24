import { chains, samePosition } from '../../domain/replication/chain.ts';
import { admitsEpoch, applicable, decideAppend, recoverReplica, type Standing } from '../../domain/replication/follower.ts';
import type { Epoch, VoterName } from '../../domain/replication/types.ts';
import type { DiskFailure } from '../../ports/disk.ts';
import type { Log } from '../../ports/log.ts';
import type { ReplicationFrame } from '../../protocol/control/messages.ts';
import type { Done } from '../../protocol/result.ts';
import type { Voter, VoterPeers } from '../voter/voter.ts';
import { OlderLog } from './older-log.ts';
import type { Overridden } from './quarantine.ts';
import type { ReplicaLog } from './replica-log.ts';

type Probe = Extract<ReplicationFrame, { kind: 'probe' }>;
type Append = Extract<ReplicationFrame, { kind: 'append' }>;
type Chunk = Extract<ReplicationFrame, { kind: 'snapshotChunk' }>;
export type PrimaryFrame = Probe | Append | Chunk;

/** What a follower tells its replica. */
export interface FollowerEvents {
  /** A primary of an epoch that is not below the promise. */
  heard(primary: VoterName, epoch: Epoch): void;
  matched(): void;
  truncating(): void;
  installing(): void;
  appended(): void;
  /** An invariant does not hold: stop. */
  broken(reason: string): void;
}

export interface FollowerDeps {
  readonly log: Log;
  readonly replicaLog: ReplicaLog;
  readonly voter: Voter;
  readonly peers: VoterPeers;
  readonly events: FollowerEvents;
  /** Keeps what a forced promotion overrides (`Quarantine.keep`). */
  readonly keep: (what: Overridden, done: Done<string, DiskFailure>) => void;
  /** Appends that wait are written together, up to so many bytes of payload. */
  readonly batchBytesMax: number;
}

interface Job {
  readonly from: VoterName;
  readonly frame: PrimaryFrame;
}

/** Frames that wait for the disk; a primary keeps to its window, so more is a primary gone wrong. They come again. */
const JOBS_MAX = 4_096;

/** Takes what a primary sends (R4): one thing at a time, answered when it is synced. */
export class FollowerRole {
  readonly #deps: FollowerDeps;
  readonly #older: OlderLog;
  /** R8: after a start or a step-down, nothing behind what is applied is known to be anybody's log. */
  #standing: Standing;
  #jobs: Job[] = [];
  #busy = false;
  #stopped = false;

  constructor(deps: FollowerDeps) {
    this.#deps = deps;
    this.#older = new OlderLog(deps);
    this.#standing = recoverReplica(deps.replicaLog.appliedSeq);
  }

  /** Up to where the log of the current primary is known to be committed. */
  get commitSeq(): number {
    return Math.max(this.#standing.commitSeq, this.#deps.replicaLog.appliedSeq);
  }

  receive(from: VoterName, frame: PrimaryFrame): void {
    if (this.#stopped || this.#jobs.length >= JOBS_MAX) return;
    this.#jobs.push({ from, frame });
    this.#next();
  }

  /** A heartbeat says how far the primary's log is committed. */
  committed(epoch: Epoch, commitSeq: number): void {
    if (this.#stopped || epoch !== this.#standing.epoch) return;
    if (commitSeq > this.#standing.commitSeq) this.#standing = { ...this.#standing, commitSeq };
    this.#next();
  }

  /** R8: this replica was something else meanwhile. */
  reset(): void {
    this.#standing = recoverReplica(this.#deps.replicaLog.appliedSeq);
  }

  stop(): void {
    this.#stopped = true;
    this.#jobs = [];
  }

  #next(): void {
    if (this.#busy || this.#stopped) return;
    const { replicaLog } = this.#deps;
    if (replicaLog.busy) {
      // Something of an earlier role is still being written.
      this.#busy = true;
      replicaLog.whenIdle(() => this.#finish());
      return;
    }
    const job = this.#jobs.shift();
    if (job !== undefined) {
      this.#busy = true;
      this.#admit(job);
    } else this.#applyIfDue();
  }

  #finish(): void {
    this.#busy = false;
    this.#next();
  }

  #applyIfDue(): void {
    const { replicaLog } = this.#deps;
    const seq = applicable(this.#standing.commitSeq, Math.min(this.#standing.matchSeq, replicaLog.last.seq));
    if (seq <= replicaLog.appliedSeq) return;
    this.#busy = true;
    replicaLog.apply(seq, (applied) => {
      if (applied) this.#finish();
      // The disk is full: tried again with the next heartbeat.
      else this.#busy = false;
    });
  }

  /** R4, R12: an epoch below the promise is refused; a higher one is promised and synced first. */
  #admit(job: Job): void {
    const { voter, replicaLog } = this.#deps;
    const { epoch } = job.frame;
    const promised = voter.record?.promised;
    if (promised === undefined) {
      this.#finish();
    } else if (!admitsEpoch(promised, epoch)) {
      this.#refuse(job);
      this.#finish();
    } else if (epoch === promised) this.#take(job);
    else {
      voter.raise(epoch, (raised) => {
        if (!raised.ok) {
          if (raised.error.code === 'denied') this.#refuse(job);
          this.#finish();
          // Whoever led here in an older epoch may have left a transaction under way.
        } else replicaLog.whenIdle(() => this.#take(job));
      });
    }
  }

  #take({ from, frame }: Job): void {
    if (this.#stopped) return;
    this.#deps.events.heard(from, frame.epoch);
    if (this.#standing.epoch !== frame.epoch) this.#standing = { ...recoverReplica(this.#deps.replicaLog.appliedSeq), epoch: frame.epoch };
    if (frame.kind === 'probe') this.#probe(from, frame);
    else if (!this.#older.knows(frame.epoch)) {
      // A primary asks first. Whoever does not is asked to: nothing can be said of its log yet.
      this.#refuse({ from, frame });
      this.#finish();
    } else if (frame.kind === 'append') this.#append(from, this.#gather(from, frame));
    else this.#install(from, frame);
  }

  #probe(from: VoterName, frame: Probe): void {
    const { replicaLog, peers, events } = this.#deps;
    const { last, appliedSeq } = replicaLog;
    this.#older.hear(frame.epoch, frame.generation ?? 0);
    if (this.#older.isOlder) {
      this.#compare(from, frame);
      return;
    }
    if (frame.at.seq < appliedSeq) {
      events.broken(`Entry ${appliedSeq} was applied here, but the log of the primary ${from} ends at ${frame.at.seq}`);
      return;
    }
    const own = replicaLog.at(frame.at.seq);
    const matches = own !== null && samePosition(own, frame.at);
    if (matches) {
      this.#match(frame.at.seq, 0);
      events.matched();
    }
    peers.send(from, { kind: 'probed', epoch: frame.epoch, matches, last, appliedSeq });
    this.#finish();
  }

  /** The primary is of a newer generation: it asks until the last common entry is known, which may be one that is applied here. */
  #compare(from: VoterName, frame: Probe): void {
    this.#older.compare(frame.at, (matches) => {
      const { replicaLog, peers, events } = this.#deps;
      const { last, appliedSeq } = replicaLog;
      if (this.#stopped) return;
      const continues = matches && frame.at.seq >= appliedSeq;
      if (continues) {
        this.#match(frame.at.seq, 0);
        events.matched();
        if (frame.at.seq === last.seq) this.#older.adopted();
      }
      const diverged = continues ? {} : { diverged: true as const };
      peers.send(from, { kind: 'probed', epoch: frame.epoch, matches, last, appliedSeq, ...diverged });
      this.#finish();
    });
  }

  /** Appends that wait and continue each other become one transaction: the follower's group commit. */
  #gather(from: VoterName, first: Append): Append {
    const entries = [...first.entries];
    let { commitSeq } = first;
    let bytes = entries.reduce((sum, entry) => sum + entry.payload.length, 0);
    for (let job = this.#jobs[0]; job?.frame.kind === 'append'; job = this.#jobs[0]) {
      const { frame } = job;
      for (const entry of frame.entries) bytes += entry.payload.length;
      const continues = job.from === from && frame.epoch === first.epoch && frame.before.seq === first.before.seq + entries.length;
      const end = entries.at(-1) ?? first.before;
      if (!continues || bytes > this.#deps.batchBytesMax || !samePosition(frame.before, end)) break;
      entries.push(...frame.entries);
      commitSeq = Math.max(commitSeq, frame.commitSeq);
      this.#jobs.shift();
    }
    return { ...first, entries, commitSeq };
  }

  #append(from: VoterName, frame: Append): void {
    const { replicaLog, voter, events, log } = this.#deps;
    if (!chains(frame.before, frame.entries)) {
      log.error({ from, after: frame.before.seq }, 'entries with a broken hash chain were refused');
      this.#finish();
      return;
    }
    const olderGeneration = this.#older.isOlder;
    const decision = decideAppend({ promised: voter.record?.promised ?? 0, log: replicaLog, olderGeneration }, frame);
    if (decision.kind === 'broken') {
      events.broken(decision.reason);
      return;
    }
    if (decision.kind !== 'accept') {
      this.#refuse({ from, frame });
      this.#finish();
      return;
    }
    const written = (done: boolean): void => {
      if (done) this.#written(from, frame, decision.matchSeq);
      else log.warn({}, 'the disk is full: entries are not acknowledged');
      this.#finish();
    };
    const commitSeq = applicable(Math.max(frame.commitSeq, this.#standing.commitSeq), decision.matchSeq);
    const { truncateAfter } = decision;
    if (truncateAfter !== null) {
      this.#keepFirst(from, truncateAfter, () => {
        log.warn({ afterSeq: truncateAfter, through: replicaLog.last.seq }, 'a tail that was never acknowledged is cut off');
        events.truncating();
        replicaLog.truncateAndAppend(truncateAfter, decision.entries, commitSeq, written);
      });
    } else if (decision.entries.length > 0) replicaLog.append(decision.entries, commitSeq, written);
    else written(true);
  }

  #written(from: VoterName, frame: Append, matchSeq: number): void {
    const { replicaLog, voter, peers, events } = this.#deps;
    if (this.#stopped) return;
    this.#match(matchSeq, frame.commitSeq);
    events.appended();
    if (matchSeq === replicaLog.last.seq) this.#older.adopted();
    // What was promised to somebody else meanwhile is no longer acknowledged to this primary (R4).
    if (!admitsEpoch(voter.record?.promised ?? 0, frame.epoch)) this.#refuse({ from, frame });
    else peers.send(from, { kind: 'appendAck', epoch: frame.epoch, durableSeq: matchSeq, appliedSeq: replicaLog.appliedSeq });
  }

  #install(from: VoterName, frame: Chunk): void {
    const { replicaLog, peers, events } = this.#deps;
    const { epoch, position, index, done } = frame;
    const overrides = this.#older.isOlder;
    if (position.seq < replicaLog.appliedSeq && !overrides) {
      this.#finish();
      return;
    }
    // The bytes are lent for the step that brought them.
    const bytes = frame.bytes.slice();
    if (index === 0) events.installing();
    this.#keepFirst(from, null, () =>
      replicaLog.install({ position, index, bytes, done }, overrides, (written) => {
        if (written && !this.#stopped) {
          if (done) {
            this.#standing = { epoch, matchSeq: position.seq, commitSeq: position.seq };
            this.#older.adopted();
            events.appended();
          }
          peers.send(from, { kind: 'snapshotAck', epoch, index });
        }
        this.#finish();
      }),
    );
  }

  /** Nothing of a log of an older generation is removed before it is in quarantine. Where the disk is full, the primary asks again. */
  #keepFirst(from: VoterName, afterSeq: number | null, then: () => void): void {
    if (!this.#older.isOlder) {
      then();
      return;
    }
    this.#older.keep(from, afterSeq, (kept) => {
      if (this.#stopped) return;
      if (kept.ok) then();
      else if (kept.error.code !== 'full') this.#deps.events.broken(`What is overridden cannot be kept: ${kept.error.message}`);
      else {
        this.#deps.log.warn({}, 'the disk is full: what is overridden cannot be kept in quarantine yet');
        this.#finish();
      }
    });
  }

  #match(matchSeq: number, commitSeq: number): void {
    this.#standing = {
      epoch: this.#standing.epoch,
      matchSeq: Math.max(this.#standing.matchSeq, matchSeq),
      commitSeq: Math.max(this.#standing.commitSeq, commitSeq),
    };
  }

  #refuse({ from, frame }: Job): void {
    const { replicaLog, voter, peers } = this.#deps;
    const promised = voter.record?.promised ?? 0;
    peers.send(from, { kind: 'appendNack', epoch: frame.epoch, promised, last: replicaLog.last, appliedSeq: replicaLog.appliedSeq });
  }
}
