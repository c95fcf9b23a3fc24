/** What the fuzzer and its workers say to each other. Plain JSON. */
import type { Plan } from '../plan/types.ts';
import type { Failure } from '../run/outcome.ts';

export type Task =
  | { readonly do: 'run'; readonly seed: number }
  /** Make the failing plan small, and a page of its run. */
  | { readonly do: 'shrink'; readonly plan: Plan; readonly failure: Failure; readonly secondsMax: number; readonly replay: string };

export interface RunAnswer {
  readonly did: 'run';
  readonly seed: number;
  readonly failure: Failure | null;
  readonly events: number;
  readonly virtualMicros: number;
  readonly traceHash: string;
  readonly faults: number;
  readonly operations: number;
  readonly succeeded: number;
  readonly transitions: readonly (readonly [string, number])[];
  readonly marks: readonly (readonly [string, number])[];
  readonly realMs: number;
}

export interface ShrinkAnswer {
  readonly did: 'shrink';
  readonly plan: Plan;
  readonly failure: Failure;
  readonly runs: number;
  /** HTML of the small run. */
  readonly page: string;
}

export type Answer = RunAnswer | ShrinkAnswer;
