/** What a batch of runs came to, as JSON: written by the fuzzer, shown by `fuzz-page.ts`. */

export interface FuzzSummary {
  readonly version: 1;
  /** The commit that was fuzzed, abbreviated; `+` behind it where the work tree was not clean. */
  readonly commit: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly realSeconds: number;
  readonly cores: number;
  readonly runs: number;
  /** Simulated hours of whole clusters. */
  readonly clusterHours: number;
  readonly events: number;
  /** Faults that took place. */
  readonly faults: number;
  readonly operations: number;
  readonly succeeded: number;
  /** Simulated seconds a real second and core. */
  readonly speed: number;
  /** Every transition of every machine that there is, and how often it was taken under faults. */
  readonly transitions: readonly CoverageRow[];
  /** What should have been seen at least once over a batch. */
  readonly marks: readonly CoverageRow[];
  readonly failures: readonly FuzzFailure[];
}

export interface CoverageRow {
  readonly name: string;
  /** 0: never reached. */
  readonly count: number;
}

export interface FuzzFailure {
  readonly seed: number;
  readonly checker: string;
  readonly message: string;
  /** Virtual milliseconds since the cluster was up. */
  readonly atMs: number;
  /** The command that runs it again. */
  readonly replay: string;
  /** Of the shrunk run, relative to the report; null where there is none. */
  readonly page: string | null;
  /** Faults and operations that are left; null where it was not shrunk. */
  readonly shrunkTo: number | null;
}
