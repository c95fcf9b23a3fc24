/** What a run must never do, or must have done: named predicates, each an observer that keeps what it needs. */
import type { Plan } from '../plan/types.ts';
import type { Observer } from '../world/observer.ts';

/** A promise of the design was broken: the run ends with it. */
export class Violation extends Error {
  override readonly name = 'Violation';
  /** I1 to I13, L1 to L5 (docs/verification.md), or the name of a rule of the data plane. */
  readonly checker: string;

  constructor(checker: string, message: string) {
    super(`${checker}: ${message}`);
    this.checker = checker;
  }
}

/** What a checker may ask of the run. Never changes anything. */
export interface RunView {
  readonly plan: Plan;
  /** Virtual microseconds since the world began. */
  now(): number;
  /** Where it is: faults happen; a core is healed; it is over. */
  readonly phase: 'starting' | 'chaos' | 'calm' | 'over';
  running(process: string): boolean;
  /** `Role.status()` of a process that runs; null otherwise. */
  status(process: string): object | null;
  /** The whole content of a file on a process's disk; null where there is none. */
  file(process: string, path: string): Uint8Array | null;
  /** Rows of a query on a process's ledger, for checks at the end of a run. */
  query(process: string, sql: string): readonly Readonly<Record<string, unknown>>[];
}

/** @throws Violation from any method of the observer or from `end`. */
export interface Checker extends Observer {
  readonly name: string;
  /** What it demands, in a sentence. */
  readonly demands: string;
  /** The run is over: what must have happened by now. */
  end?(): void;
}

export type MakeChecker = (run: RunView) => Checker;
