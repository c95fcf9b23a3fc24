/** The command line of the fuzzer. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { fail, ok, type Result } from '../../src/protocol/result.ts';

export interface FuzzOptions {
  /** How long new seeds are begun; infinite where only `seeds` ends it. */
  readonly minutes: number;
  readonly cores: number;
  /** The first seed; the others follow it. Null: a new one. */
  readonly seed: number | null;
  /** How many at most. */
  readonly seeds: number;
  readonly out: string;
  /** Seconds to make the first failure of each kind small; 0: none is. */
  readonly shrinkSeconds: number;
}

export const USAGE = `npm run fuzz -- [options]: simulates whole clusters with random faults, seed after seed, until something breaks.

  --minutes M         how long (default: 1; with --seeds: until they are done)
  --cores C           processes that run at a time (default: all, ${availableParallelism()} here)
  --seed S            the first seed; the others follow it (default: a new one)
  --seeds N           how many seeds at most
  --out FOLDER        where failures and report.html go (default: logs/fuzz)
  --shrink-seconds T  time to make the first failure of each kind small; 0 leaves them as they are (default: 60)

Each failure is saved as the file of a plan, for npm run simulate. Ctrl+C ends it, with the report. Ends with 1 where something failed.`;

const MINUTES_MAX = 100_000;
const CORES_MAX = 1_024;

export const parseOptions = (args: readonly string[]): Result<FuzzOptions | 'help'> => {
  let values: Readonly<Record<string, string | boolean | undefined>>;
  try {
    const text = { type: 'string' } as const;
    ({ values } = parseArgs({
      args: [...args],
      options: {
        minutes: text,
        cores: text,
        seed: text,
        seeds: text,
        out: text,
        'shrink-seconds': text,
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    return fail('usage', (error as Error).message);
  }
  if (values['help'] === true) return ok('help');
  const problems: string[] = [];
  const number = (name: string, low: number, high: number, whole: boolean): number | null => {
    const given = values[name];
    if (typeof given !== 'string') return null;
    const value = Number(given);
    if (given.trim() !== '' && value >= low && value <= high && (!whole || Number.isSafeInteger(value))) return value;
    problems.push(`--${name} must be a ${whole ? 'whole ' : ''}number from ${low} to ${high}, not "${given}"`);
    return null;
  };
  const seeds = number('seeds', 1, Number.MAX_SAFE_INTEGER, true);
  const options: FuzzOptions = {
    minutes: number('minutes', 0, MINUTES_MAX, false) ?? (seeds === null ? 1 : Number.POSITIVE_INFINITY),
    cores: number('cores', 1, CORES_MAX, true) ?? availableParallelism(),
    seed: number('seed', 0, Number.MAX_SAFE_INTEGER, true),
    seeds: seeds ?? Number.POSITIVE_INFINITY,
    out: typeof values['out'] === 'string' ? values['out'] : 'logs/fuzz',
    shrinkSeconds: number('shrink-seconds', 0, 3_600, false) ?? 60,
  };
  return problems.length > 0 ? fail('usage', `${problems.join('; ')}.`) : ok(options);
};
