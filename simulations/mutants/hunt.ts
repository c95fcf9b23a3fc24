/**
 * One mutant in a process of its own: node simulations/mutants/hunt.ts '{"mutant":NAME,...}'. Runs seed after seed until
 * one fails, shrinks that, and says so as a line of JSON. Without a mutant it only runs: does a seed fail by itself?
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import type { Plan } from '../plan/types.ts';
import { mutants } from './mutants.ts';
import type { Found, Hunt, HuntOrder } from './order.ts';
import { plant } from './plant.ts';

/** Of the processor, not of the clock: what else the machine does decides nothing. */
const seconds = (): number => process.cpuUsage().user / 1_000_000;

const main = async (order: HuntOrder): Promise<Hunt> => {
  const mutant = mutants.find(({ name }) => name === order.mutant);
  if (order.mutant !== null && mutant === undefined) throw new Error(`There is no mutant ${order.mutant}`);
  const planted = mutant === undefined ? null : plant(mutant);
  // Only now: what is loaded from here on comes with the mutant in it.
  const { generatePlan } = await import('../plan/generate.ts');
  const { runPlan } = await import('../run/runner.ts');
  const { processNames } = await import('../plan/names.ts');
  const missing = planted?.missing() ?? [];
  if (missing.length > 0) throw new Error(`${order.mutant}: ${missing.join(', ')} is not a part of the simulation`);

  const began = seconds();
  let tried = 0;
  for (let seed = order.fromSeed; seed <= order.toSeed && seconds() - began < order.secondsMax; seed++) {
    const plan = generatePlan(seed);
    const outcome = runPlan(plan);
    tried++;
    if (outcome.failure === null) continue;
    const found: Found = { seed, failure: outcome.failure, shrunk: null };
    const hunt = { mutant: order.mutant, tried, seconds: seconds() - began };
    if (order.shrinkSeconds === 0) return { ...hunt, found };
    const { shrinkPlan } = await import('../shrink/plan.ts');
    const shrinkBegan = seconds();
    const limits = { runsMax: order.shrinkRunsMax, secondsMax: order.shrinkSeconds, now: () => seconds() * 1_000 };
    const shrunk = shrinkPlan(plan, outcome.failure, (candidate) => runPlan(candidate).failure, limits);
    const { faults, operations, cluster } = shrunk.plan;
    const size = { faults: faults.length, operations: operations.length, processes: processNames(cluster).length };
    await keep(order, shrunk.plan, shrunk.failure.message);
    return { ...hunt, found: { ...found, shrunk: { ...size, seconds: seconds() - shrinkBegan, runs: shrunk.runs } } };
  }
  return { mutant: order.mutant, tried, seconds: seconds() - began, found: null };
};

/** The small plan and its page, for people. */
const keep = async ({ mutant, folder, commit }: HuntOrder, plan: Plan, message: string): Promise<void> => {
  if (folder === null) return;
  const { PageMaker } = await import('../run/page.ts');
  const { runPlan } = await import('../run/runner.ts');
  mkdirSync(folder, { recursive: true });
  const about = `The mutant ${mutant} at ${commit}: ${message}`;
  const replay = `node simulations/mutants/replay.ts ${mutant}`;
  writeFileSync(`${folder}/${mutant}.json`, `${JSON.stringify({ ...plan, about }, null, 2)}\n`);
  const maker = new PageMaker({ ...plan, about });
  writeFileSync(`${folder}/${mutant}.html`, maker.page(runPlan(plan, { observers: [maker.observer] }), replay));
};

const [text] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify(await main(JSON.parse(text ?? '{}') as HuntOrder))}\n`);
