/** The calm of a run, in which progress is demanded, and what its replicas say of themselves then. */
import type { ReplicaStatus } from '../../src/domain/replication/types.ts';
import { replicaNames } from '../plan/names.ts';
import type { ProcessName } from '../plan/types.ts';
import type { RunView } from './checker.ts';

export const SECOND = 1_000_000;
/** The bounds of the design, section 2.8: stable for so long, then so much. */
export const STABLE = 5 * SECOND;
export const ANSWERED_WITHIN = 10 * SECOND;
export const CATCH_UP = 8 * SECOND;
export const SYNC_WITHIN = 2 * SECOND;
export const LOOK_EVERY = SECOND / 2;
/** Whoever is told to stop at the end has no duties any more. */
const BEFORE_END = SECOND;

/** The calm of a run: when it began, and whether it still lasts. */
export class Calm {
  readonly #run: RunView;
  #since: number | null = null;
  #next = 0;

  constructor(run: RunView) {
    this.#run = run;
  }

  /** Microseconds since the core was healed; null before that, and when the run is being ended. */
  age(): number | null {
    if (this.#run.phase !== 'calm') return null;
    this.#since ??= this.#run.now();
    const age = this.#run.now() - this.#since;
    return age > this.#run.plan.calmMs * 1_000 - BEFORE_END ? null : age;
  }

  /** As `age`, but now and then. */
  glance(): number | null {
    if (this.#run.now() < this.#next) return null;
    this.#next = this.#run.now() + LOOK_EVERY;
    return this.age();
  }

  get lastsLongEnough(): boolean {
    return this.#run.plan.calmMs * 1_000 > STABLE + ANSWERED_WITHIN + CATCH_UP + SYNC_WITHIN;
  }
}

export const statusOf = (run: RunView, process: ProcessName): ReplicaStatus | null =>
  ((run.status(process) ?? {}) as { readonly replica?: ReplicaStatus }).replica ?? null;

export const primaryNow = (run: RunView): ReplicaStatus | null =>
  replicaNames
    .map((process) => statusOf(run, process))
    .filter((status) => status?.role === 'primary')
    .toSorted((a, b) => (b?.epoch ?? 0) - (a?.epoch ?? 0))[0] ?? null;

export const describe = (run: RunView): string =>
  replicaNames
    .map((process) => {
      const status = statusOf(run, process);
      return status === null
        ? `${process} does not run`
        : `${process} is ${status.role} of epoch ${status.epoch}, ${status.mode}, applied ${status.appliedSeq} of ${status.lastSeq}`;
    })
    .join('; ');
