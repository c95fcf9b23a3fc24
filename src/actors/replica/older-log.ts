import { positionOf, samePosition } from '../../domain/replication/chain.ts';
import type { Epoch, LogPosition, VoterName } from '../../domain/replication/types.ts';
import type { DiskFailure } from '../../ports/disk.ts';
import type { Log } from '../../ports/log.ts';
import type { Done } from '../../protocol/result.ts';
import type { Voter } from '../voter/voter.ts';
import type { Overridden } from './quarantine.ts';
import type { ReplicaLog } from './replica-log.ts';

export interface OlderLogDeps {
  readonly log: Log;
  readonly replicaLog: ReplicaLog;
  readonly voter: Voter;
  /** See `Quarantine.keep`. */
  readonly keep: (what: Overridden, done: Done<string, DiskFailure>) => void;
}

/**
 * A follower's log as against that of a primary of a newer generation (`domain/replication/generation.ts`): which entry is
 * the last that both have, as far as it was asked; and that nothing is removed here before it is in quarantine.
 */
export class OlderLog {
  readonly #deps: OlderLogDeps;
  #epoch: Epoch = -1;
  /** Of the log of that epoch's primary; it says so before it sends anything else. */
  #generation = 0;
  #common: LogPosition | null = null;
  /** From where on, and up to which entry, the log was put into quarantine. */
  #kept: { readonly fromSeq: number; readonly last: LogPosition } | null = null;
  #adopting = false;

  constructor(deps: OlderLogDeps) {
    this.#deps = deps;
  }

  /** Whether the primary of an epoch has said of which generation its log is. */
  knows(epoch: Epoch): boolean {
    return this.#epoch === epoch;
  }

  /** A forced promotion lies between this log and the primary's: what is applied here may not be there. */
  get isOlder(): boolean {
    return this.#generation > this.#own;
  }

  get #own(): number {
    return this.#deps.voter.record?.logGeneration ?? 0;
  }

  hear(epoch: Epoch, generation: number): void {
    if (epoch !== this.#epoch) this.#common = null;
    this.#epoch = epoch;
    this.#generation = generation;
  }

  /** Whether this log has the very entry; asks the disk for what is applied. False too for what is compacted here. */
  compare(at: LogPosition, done: (same: boolean) => void): void {
    const { replicaLog } = this.#deps;
    const answer = (own: LogPosition | null): void => {
      const same = own !== null && samePosition(own, at);
      if (same && at.seq >= (this.#common?.seq ?? 0)) this.#common = positionOf(at);
      done(same);
    };
    if (at.seq > replicaLog.last.seq) answer(null);
    else replicaLog.position(at.seq, answer);
  }

  /** All of this log is the primary's now: it is of its generation. */
  adopted(): void {
    if (!this.isOlder || this.#adopting) return;
    this.#adopting = true;
    // A voter that cannot write now is told again with the next entries.
    this.#deps.voter.rememberGeneration(this.#generation, () => (this.#adopting = false));
  }

  /**
   * Puts what is about to be removed into quarantine: everything after `afterSeq`, or (null) after the last common entry,
   * or all there is where none was found. At once where there is nothing to keep, or it was kept before.
   */
  keep(primary: VoterName, afterSeq: number | null, done: Done<void, DiskFailure>): void {
    const { replicaLog, keep } = this.#deps;
    const common = afterSeq === null ? this.#common : replicaLog.at(afterSeq);
    const { last, appliedSeq, firstSeq } = replicaLog;
    const fromSeq = Math.max(firstSeq, common === null ? firstSeq : common.seq + 1);
    // What is compacted is in the state only; where the common entry is unknown, it may be overridden as well.
    const withState = firstSeq > 1 && (common === null || common.seq < firstSeq - 1);
    const keptBefore = this.#kept !== null && this.#kept.fromSeq <= fromSeq && samePosition(this.#kept.last, last);
    if (keptBefore || (fromSeq > last.seq && !withState)) {
      done({ ok: true, value: undefined });
      return;
    }
    const generation = { here: this.#own, primary: this.#generation };
    keep({ fromSeq, last, appliedSeq, common, withState, primary, epoch: this.#epoch, generation }, (kept) => {
      if (kept.ok) this.#kept = { fromSeq, last };
      done(kept.ok ? { ok: true, value: undefined } : kept);
    });
  }
}
