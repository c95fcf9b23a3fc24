/** What came of running a plan. */

export interface Failure {
  /** Name of the checker, or `crash` for a programmer's mistake, `tripwire`, `stuck` for a world that does not come to rest. */
  readonly checker: string;
  readonly message: string;
  /** Virtual milliseconds since the cluster was up. */
  readonly atMs: number;
}

/** What a run has been through, to be added up over a batch. */
export interface Coverage {
  /** `machine: from event to`, how often, while at least one fault was on or had been. */
  readonly transitions: ReadonlyMap<string, number>;
  /** Marks of `check/marks.ts` that were reached, and how often. */
  readonly marks: ReadonlyMap<string, number>;
}

export interface RunOutcome {
  readonly failure: Failure | null;
  readonly events: number;
  /** How long the cluster ran. The minute of quiet after its end, which must leave nothing, is not counted: it costs nothing. */
  readonly virtualMicros: number;
  /** Virtual microseconds at which the plan's time began: the cluster was up. */
  readonly begunMicros: number;
  readonly traceHash: string;
  /** Faults that took place (some find nothing to break). */
  readonly faults: number;
  /** Operations asked, and answered with success. */
  readonly operations: number;
  readonly succeeded: number;
  readonly coverage: Coverage;
}
