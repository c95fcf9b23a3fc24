/** The trace of a short run in which every kind of fault and of operation happens; run as a program, prints it. */
import { generatePlan } from '../plan/generate.ts';
import { faultKinds, operationKinds } from '../plan/schema.ts';
import { runPlan } from '../run/runner.ts';

const SEED = 5;
const PHASES = { chaosMs: 40_000, calmMs: 0 };
const CLUSTER = { proxies: 3, witnesses: 3, nodes: 3, liars: 1, uplinkBytesPerSecond: 1_000_000 } as const;

const evenly = <K extends string>(kinds: readonly K[], perMinute: number): Record<K, number> =>
  Object.fromEntries(kinds.map((kind) => [kind, perMinute])) as Record<K, number>;

export const traceOfEverything = (): { readonly trace: string; readonly faults: number } => {
  const profile = { faultsPerMinute: evenly(faultKinds, 2), operationsPerMinute: evenly(operationKinds, 4), targets: [] };
  const { traceHash, events, faults } = runPlan(generatePlan(SEED, PHASES, { cluster: CLUSTER, profile }), { checkers: [] });
  return { trace: `${traceHash} after ${events} events`, faults };
};

if (process.argv[1] === import.meta.filename) console.log(traceOfEverything().trace);
