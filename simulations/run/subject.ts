/** What can be simulated: a plan, or a story in TypeScript. */
import { Cluster } from '../cluster.ts';
import type { Plan } from '../plan/types.ts';
import { flashCrowd } from '../scenarios/flash-crowd.ts';
import { quickStart } from '../scenarios/quick-start.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { trackerDies } from '../scenarios/tracker-dies.ts';
import { betweenTripwires, World } from '../world/index.ts';
import { narrator } from './narrator.ts';
import type { Failure, RunOutcome } from './outcome.ts';
import { runPlan, type RunOptions } from './runner.ts';
import { type Watch, type Watched, watchTrace } from './trace.ts';

export const stories: ReadonlyMap<string, Scenario> = new Map([
  ['quick-start', quickStart],
  ['flash-crowd', flashCrowd],
  ['tracker-dies', trackerDies],
]);

export type Subject =
  | { readonly kind: 'plan'; readonly plan: Plan }
  | { readonly kind: 'story'; readonly name: string; readonly seed: number };

export interface SubjectOptions {
  readonly heard?: (line: string) => void;
  readonly watch?: Watch;
  readonly observers?: RunOptions['observers'];
}

export interface SubjectRun {
  readonly events: number;
  readonly virtualMicros: number;
  readonly traceHash: string;
  /** What broke, in a sentence. */
  readonly failure: string | null;
  /** Of a plan. */
  readonly outcome: RunOutcome | null;
  readonly watched: Watched;
}

const clockOf = (seconds: number): string => `${seconds.toFixed(3).padStart(9)} s`;

/** Runs it to its end, in this process. @throws where there is no such story */
export const runSubject = (subject: Subject, { heard = () => {}, watch = {}, observers = [] }: SubjectOptions = {}): SubjectRun =>
  subject.kind === 'plan' ? planRun(subject.plan, heard, watch, observers) : storyRun(subject.name, subject.seed, heard, watch);

const planRun = (plan: Plan, heard: (line: string) => void, watch: Watch, observers: NonNullable<RunOptions['observers']>): SubjectRun => {
  let seen: (() => Watched) | null = null;
  const tell = narrator((planMs, line) => heard(`${clockOf(planMs / 1_000)}  ${line}`));
  const outcome = runPlan(plan, { prepare: (world) => void (seen = watchTrace(world, watch)), observers: [tell, ...observers] });
  const { events, virtualMicros, traceHash, failure } = outcome;
  const watched = (seen as (() => Watched) | null)?.() ?? { steps: 0, checkpoints: [], lines: [] };
  const broke = failure === null ? null : wordsOf(failure);
  return { events, virtualMicros, traceHash, failure: broke, outcome, watched };
};

/** A failure in a sentence. */
export const wordsOf = ({ checker, message, atMs }: Failure): string => {
  const named = message.startsWith(`${checker}:`) ? message : `${checker}: ${message}`;
  return `${named} (${(atMs / 1_000).toFixed(3)} s into the plan)`;
};

const storyRun = (name: string, seed: number, heard: (line: string) => void, watch: Watch): SubjectRun => {
  const story = stories.get(name);
  if (story === undefined) throw new Error(`There is no scenario ${name}`);
  const world = new World({ seed });
  const seen = watchTrace(world, watch);
  let failure: string | null = null;
  const say = (text: string): void => heard(`${clockOf(world.now() / 1_000_000)}  ${text}`);
  try {
    betweenTripwires(world, () => story.run(new Cluster(world, story.cluster), say));
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  const { events, virtualMicros, traceHash } = world.report();
  return { events, virtualMicros, traceHash, failure, outcome: null, watched: seen() };
};
