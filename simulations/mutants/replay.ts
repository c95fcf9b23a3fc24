/** Runs the plan that a mutant was shrunk to again, with the mutant: node simulations/mutants/replay.ts NAME. */
import { readFileSync } from 'node:fs';
import type { Plan } from '../plan/types.ts';
import { mutants } from './mutants.ts';
import { plant } from './plant.ts';

const [name = ''] = process.argv.slice(2);
const mutant = mutants.find((known) => known.name === name);
if (mutant === undefined) throw new Error(`There is no mutant "${name}"`);
const plan = JSON.parse(readFileSync(new URL(`../../logs/mutants/${name}.json`, import.meta.url), 'utf8')) as Plan;
plant(mutant);
const { runPlan } = await import('../run/runner.ts');
const { failure, traceHash } = runPlan(plan);
console.log(failure === null ? 'It passes.' : `${failure.checker} after ${(failure.atMs / 1_000).toFixed(3)} s: ${failure.message}`);
console.log(`trace ${traceHash}`);
process.exitCode = failure === null ? 0 : 1;
