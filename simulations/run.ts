/** What `shoal simulate` runs: stories, plans that were written by hand, plans of a seed, plans from files. */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { SimulationReport, SimulationRequest } from '../src/cli/commands/simulate.ts';
import { fail, ok, type Result } from '../src/protocol/result.ts';
import { generatePlan } from './plan/generate.ts';
import { parsePlan, PLAN_LIMITS } from './plan/schema.ts';
import type { Plan } from './plan/types.ts';
import { PageMaker } from './run/page.ts';
import { replayOfFile, replayOfSeed } from './run/replay.ts';
import { CHECKPOINT_EVERY, runsTheSame, type Sameness } from './run/same.ts';
import { runSubject, stories, type Subject, type SubjectRun } from './run/subject.ts';

const plansFolder = new URL('scenarios/', import.meta.url);
/** The name under which the plan of a seed is asked for. */
const RANDOM = 'random';

const planNames = readdirSync(plansFolder)
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.slice(0, -'.json'.length))
  .sort();

/** Stories in TypeScript and plans in files, by name. */
export const scenarioNames: readonly string[] = [...stories.keys(), ...planNames];

export const readPlan = (file: string): Result<Plan> => {
  try {
    if (statSync(file).size > PLAN_LIMITS.fileBytesMax)
      return fail('too-large', `${file} is larger than ${PLAN_LIMITS.fileBytesMax} bytes`);
    return parsePlan(readFileSync(file, 'utf8'), file);
  } catch (error) {
    return fail('missing', `${file} cannot be read: ${(error as Error).message}`);
  }
};

/** Makes the file, empty. */
const cannotWrite = (file: string): string | null => {
  try {
    writeFileSync(file, '');
    return null;
  } catch (error) {
    return (error as Error).message;
  }
};

/** The plan of a scenario that is written as one. */
export const scenarioPlan = (name: string): Result<Plan> => readPlan(fileURLToPath(new URL(`${name}.json`, plansFolder)));

interface Meant {
  readonly subject: Subject;
  readonly replay: string;
}

/** @param seed null: the plan's own; a new one where it has none */
const meant = (what: string, seed: number | null, newSeed: () => number): Result<Meant> => {
  const withSeed = (plan: Result<Plan>, replay: string): Result<Meant> =>
    plan.ok
      ? ok({
          subject: { kind: 'plan', plan: { ...plan.value, seed: seed ?? plan.value.seed } },
          replay: seed === null ? replay : `${replay} --seed ${seed}`,
        })
      : plan;
  if (stories.has(what)) {
    const chosen = seed ?? newSeed();
    return ok({ subject: { kind: 'story', name: what, seed: chosen }, replay: `npm run simulate -- ${what} --seed ${chosen}` });
  }
  if (what === RANDOM) {
    const chosen = seed ?? newSeed();
    return ok({ subject: { kind: 'plan', plan: generatePlan(chosen) }, replay: replayOfSeed(chosen) });
  }
  if (planNames.includes(what)) return withSeed(scenarioPlan(what), `npm run simulate -- ${what}`);
  if (what.endsWith('.json') || existsSync(what)) return withSeed(readPlan(what), replayOfFile(what));
  return fail('usage', `There is no scenario "${what}", and no file of that name. There are: ${RANDOM}, ${scenarioNames.join(', ')}.`);
};

export const simulate = async (request: SimulationRequest, heard: (line: string) => void): Promise<Result<SimulationReport>> => {
  const found = meant(request.what, request.seed, request.newSeed);
  if (!found.ok) return found;
  const { trace, report } = request;
  const { kind } = found.value.subject;
  if (report !== null && kind !== 'plan') return fail('usage', `A page is made of plans; "${request.what}" is a story in TypeScript.`);
  // Before the run, which may be long.
  for (const file of [trace, report]) {
    const problem = file === null ? null : cannotWrite(file);
    if (problem !== null) return fail('cannot-create', `${file} cannot be written: ${problem}`);
  }
  return ok(await simulateSubject(found.value, request, heard));
};

const simulateSubject = async (
  { subject, replay }: Meant,
  { check, trace, report }: SimulationRequest,
  heard: (line: string) => void,
): Promise<SimulationReport> => {
  const file = trace === null ? undefined : openSync(trace, 'w');
  const lines: string[] = [];
  const recording = report === null || subject.kind !== 'plan' ? null : new PageMaker(subject.plan);
  const begun = process.hrtime.bigint();
  let run: SubjectRun;
  try {
    run = runSubject(subject, {
      heard: (line) => {
        lines.push(line);
        heard(line);
      },
      watch: { checkpointEvery: CHECKPOINT_EVERY, ...(file === undefined ? {} : { file }) },
      observers: recording === null ? [] : [recording.observer],
    });
  } finally {
    if (file !== undefined) closeSync(file);
  }
  const realSeconds = Number(process.hrtime.bigint() - begun) / 1e9;
  const { events, virtualMicros, traceHash, failure, outcome } = run;
  if (report !== null && recording !== null && outcome !== null) writeFileSync(report, recording.page(outcome, replay));
  const sameness = check ? await runsTheSame(subject, run) : null;
  const seed = subject.kind === 'plan' ? subject.plan.seed : subject.seed;
  const counts = outcome === null ? null : { faults: outcome.faults, operations: outcome.operations, succeeded: outcome.succeeded };
  return {
    ok: failure === null && sameness?.same !== false,
    seed,
    lines,
    events,
    simulatedSeconds: virtualMicros / 1_000_000,
    realSeconds,
    traceHash,
    failure,
    counts,
    sameness: sameness === null ? null : wordsOf(sameness),
    replay,
  };
};

/** What a comparison of two processes came to. */
const wordsOf = (sameness: Sameness): SimulationReport['sameness'] => {
  if (sameness.same) return { same: true, message: 'Another process ran it the same way, to the last event.' };
  const { betweenSteps, where } = sameness;
  const [from, to] = betweenSteps;
  const there =
    where === null ? 'run once more, two processes did the same there' : `one did\n  ${where[0]}\nwhere another did\n  ${where[1]}`;
  return { same: false, message: `Two processes parted between steps ${from} and ${to}: ${there}` };
};
