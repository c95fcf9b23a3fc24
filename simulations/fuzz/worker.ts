/** One process of the fuzzer: runs what it is told, one task at a time, and answers. */
import { generatePlan } from '../plan/generate.ts';
import { PageMaker } from '../run/page.ts';
import { runPlan } from '../run/runner.ts';
import { shrinkPlan } from '../shrink/plan.ts';
import type { Answer, Task } from './messages.ts';

const SHRINK_RUNS_MAX = 2_000;

const run = (seed: number): Answer => {
  const begun = performance.now();
  const { coverage, begunMicros: _, ...outcome } = runPlan(generatePlan(seed));
  const transitions = [...coverage.transitions];
  return { did: 'run', seed, ...outcome, transitions, marks: [...coverage.marks], realMs: performance.now() - begun };
};

const shrink = ({ plan, failure, secondsMax, replay }: Extract<Task, { do: 'shrink' }>): Answer => {
  const limits = { runsMax: SHRINK_RUNS_MAX, secondsMax, now: () => performance.now() };
  const small = shrinkPlan(plan, failure, (candidate) => runPlan(candidate).failure, limits);
  const maker = new PageMaker(small.plan);
  const outcome = runPlan(small.plan, { observers: [maker.observer] });
  return { did: 'shrink', plan: small.plan, failure: small.failure, runs: small.runs, page: maker.page(outcome, replay) };
};

// Ctrl+C reaches every process of the terminal; the one that gives the tasks decides what becomes of this one.
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit(0));
process.on('message', (task: Task) => {
  process.send?.(task.do === 'run' ? run(task.seed) : shrink(task));
});
