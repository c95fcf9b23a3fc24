/**
 * npm run mutants [-- --only NAME[,NAME] --rule R --seeds N --seconds S --shrink S --cores C]: plants each mutant in a process of its
 * own and runs the fuzzer's seeds there until one fails. Seconds are those of the processor. All must be found, by a median of at most 20 seeds.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { commitOfSource } from '../run/replay.ts';
import type { Mutant } from './mutant.ts';
import { mutants } from './mutants.ts';
import type { Hunt, HuntOrder } from './order.ts';
import { passes, type Result, SEEDS_MEDIAN_MAX, summarize, table } from './summary.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rule: { type: 'string' },
    seeds: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '150' },
    shrink: { type: 'string', default: '30' },
    cores: { type: 'string', default: '2' },
    help: { type: 'boolean', default: false },
  },
});

const HELP = `npm run mutants -- [options]: plants each known mistake, one at a time, and runs the fuzzer's seeds until one fails.
  --only NAMES  those mutants alone, with commas between; default all
  --rule RULE   those of one rule alone: R1 to R12, requests, data, swarm, …
  --seeds N     the most seeds for a mutant; default 200
  --seconds S   the most processor seconds for a mutant; default 150
  --shrink S    seconds to make a failure small; default 30, 0 leaves it as it is
  --cores C     mutants at a time; default 2
Status 0 where all are found, by a median of at most ${SEEDS_MEDIAN_MAX} seeds. Plans and pages are left in logs/mutants.`;
if (values.help) {
  console.log(HELP);
  process.exit(0);
}

const whole = (name: 'seeds' | 'seconds' | 'shrink' | 'cores', low: number): number => {
  const number = Number(values[name]);
  if (!Number.isInteger(number) || number < low) throw new Error(`--${name} must be a whole number from ${low}, not "${values[name]}"`);
  return number;
};

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = `${root}logs/mutants`;
const limits = { seeds: whole('seeds', 1), seconds: whole('seconds', 1), shrink: whole('shrink', 0), cores: whole('cores', 1) };
/** A busy machine takes so many times as long; longer, and something hangs. */
const PATIENCE = 20;

const commit = commitOfSource();

/** Whoever ends this process ends its hunters: a terminal tells them itself, `kill` does not. */
const hunters = new Set<ChildProcess>();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    for (const child of hunters) child.kill('SIGKILL');
    process.exit(signal === 'SIGINT' ? 130 : 143);
  });

const hunt = (order: Partial<HuntOrder>): Promise<Hunt> => {
  const whole: HuntOrder = {
    mutant: null,
    fromSeed: 1,
    toSeed: limits.seeds,
    secondsMax: limits.seconds,
    shrinkSeconds: limits.shrink,
    shrinkRunsMax: 2_000,
    folder,
    commit,
    ...order,
  };
  const timeout = (whole.secondsMax + whole.shrinkSeconds + 10) * 1_000 * PATIENCE;
  return new Promise((resolve, reject) => {
    const script = fileURLToPath(new URL('hunt.ts', import.meta.url));
    const child = spawn(process.execPath, [script, JSON.stringify(whole)], { stdio: ['ignore', 'pipe', 'pipe'], timeout });
    hunters.add(child);
    let [out, err] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (out += data.toString()));
    child.stderr.on('data', (data: Buffer) => (err = (err + data.toString()).slice(-4_000)));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      hunters.delete(child);
      if (code === 0) resolve(JSON.parse(out) as Hunt);
      else reject(new Error(`${whole.mutant ?? 'no mutant'} at seeds from ${whole.fromSeed}: ${signal ?? `exit ${code}`}\n${err}`));
    });
  });
};

/** Seeds that fail without any mutant, asked about once. */
const clean = new Map<number, Promise<boolean>>();
const failsByItself = (seed: number): Promise<boolean> => {
  const known = clean.get(seed) ?? hunt({ fromSeed: seed, toSeed: seed, shrinkSeconds: 0 }).then(({ found }) => found !== null);
  clean.set(seed, known);
  return known;
};

/** Until a seed fails that does not fail by itself. */
const huntMutant = async (mutant: Mutant): Promise<Result> => {
  let [tried, seconds] = [0, 0];
  const excused: number[] = [];
  try {
    while (tried < limits.seeds && seconds < limits.seconds) {
      const { found, ...ran } = await hunt({ mutant: mutant.name, fromSeed: tried + 1, secondsMax: Math.ceil(limits.seconds - seconds) });
      tried += ran.tried;
      seconds += ran.seconds;
      if (found === null) break;
      if (!(await failsByItself(found.seed))) return { mutant, tried, seconds, excused, found, error: null };
      excused.push(found.seed);
    }
    return { mutant, tried, seconds, excused, found: null, error: null };
  } catch (error) {
    return { mutant, tried, seconds, excused, found: null, error: error instanceof Error ? error.message : String(error) };
  }
};

const chosen = mutants.filter(
  ({ name, rule }) =>
    (values.only === undefined || values.only.split(',').includes(name)) && (values.rule === undefined || values.rule === rule),
);
if (chosen.length === 0) {
  console.error(
    `No mutant is of that name or rule. There are:\n${mutants.map(({ rule, name }) => `  ${rule.padEnd(14)} ${name}`).join('\n')}`,
  );
  process.exit(64);
}
const results: Result[] = [];
const waiting = [...chosen];
const work = async (): Promise<void> => {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const result = await huntMutant(next);
    results.push(result);
    console.log(table([result], false));
  }
};
console.log(`${chosen.length} mutants at ${commit}, up to ${limits.seeds} seeds each`);
await Promise.all(Array.from({ length: limits.cores }, work));

results.sort((a, b) => chosen.indexOf(a.mutant) - chosen.indexOf(b.mutant));
const summary = summarize(results, commit);
mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}/report.json`, `${JSON.stringify(summary, null, 2)}\n`);
console.log(`\n${table(results, true)}\n`);
console.log(
  `${summary.found} of ${summary.mutants} found; seeds needed: median ${summary.seedsMedian}, most ${summary.seedsMost}; shrunk to a median of ${summary.shrunkMedian} faults and operations`,
);
for (const { mutant, error, found } of results)
  if (found === null) console.log(`NOT FOUND: ${mutant.name}, ${mutant.about}${error === null ? '' : `\n  ${error}`}`);
if (summary.found === summary.mutants && !passes(summary)) console.log(`All are found, but not by a median of ${SEEDS_MEDIAN_MAX} seeds.`);
process.exitCode = passes(summary) ? 0 : 1;
