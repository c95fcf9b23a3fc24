/** What a hunting process is told, and what it answers. */
import type { Failure } from '../run/outcome.ts';

export interface HuntOrder {
  /** Null: the program as it is. */
  readonly mutant: string | null;
  readonly fromSeed: number;
  /** Inclusive. */
  readonly toSeed: number;
  readonly secondsMax: number;
  /** 0: what fails is not shrunk. */
  readonly shrinkSeconds: number;
  readonly shrinkRunsMax: number;
  /** For the small plan and its page; null: not kept. */
  readonly folder: string | null;
  readonly commit: string;
}

export interface Found {
  readonly seed: number;
  readonly failure: Failure;
  readonly shrunk: {
    readonly faults: number;
    readonly operations: number;
    readonly processes: number;
    readonly seconds: number;
    readonly runs: number;
  } | null;
}

export interface Hunt {
  readonly mutant: string | null;
  /** Seeds run. */
  readonly tried: number;
  readonly seconds: number;
  readonly found: Found | null;
}
