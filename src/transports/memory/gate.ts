/** Where what the network brings waits for a process that is stopped or busy. */
export interface Gate {
  /** Nothing waits, and nothing would have to. */
  readonly open: boolean;
  /** Runs it now, or in its turn when the gate is open again. */
  pass(run: () => void): void;
}

/** Of processes that are never stopped. */
export const OPEN_GATE: Gate = { open: true, pass: (run) => run() };
