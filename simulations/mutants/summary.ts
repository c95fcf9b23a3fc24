/** What came of hunting mutants: a table for people, a summary for the report. */
import type { Mutant } from './mutant.ts';
import type { Found } from './order.ts';

export interface Result {
  readonly mutant: Mutant;
  /** Seeds run until it was found; all of them where it was not. */
  readonly tried: number;
  readonly seconds: number;
  /** Seeds that fail without the mutant too: they do not count as finding it. */
  readonly excused: readonly number[];
  readonly found: Found | null;
  /** Why the hunt itself came to no end. */
  readonly error: string | null;
}

export interface MutantSummary {
  readonly version: 1;
  readonly commit: string;
  readonly mutants: number;
  readonly found: number;
  /** Of the seeds needed; a mutant that was not found needed more than any. */
  readonly seedsMedian: number | null;
  readonly seedsMost: number | null;
  readonly shrunkMedian: number | null;
  readonly results: readonly {
    readonly name: string;
    readonly rule: string;
    readonly about: string;
    readonly found: boolean;
    readonly checker: string | null;
    readonly message: string | null;
    readonly seed: number | null;
    readonly seeds: number;
    readonly seconds: number;
    readonly shrunkTo: number | null;
    readonly shrunk: Found['shrunk'];
    readonly excused: readonly number[];
    readonly error: string | null;
  }[];
}

/** By a median of at most so many seeds must mutants be found (issue 3). */
export const SEEDS_MEDIAN_MAX = 20;

/** The lower one of two in the middle; null where there are none, or where the middle is infinite. */
export const median = (numbers: readonly number[]): number | null => {
  const middle = numbers.toSorted((a, b) => a - b)[Math.floor((numbers.length - 1) / 2)];
  return middle === undefined || !Number.isFinite(middle) ? null : middle;
};

const sizeOf = ({ found }: Result): number | null => (found?.shrunk ? found.shrunk.faults + found.shrunk.operations : null);

export const summarize = (results: readonly Result[], commit: string): MutantSummary => {
  const found = results.filter((result) => result.found !== null);
  const sizes = found.map(sizeOf).filter((size) => size !== null);
  return {
    version: 1,
    commit,
    mutants: results.length,
    found: found.length,
    seedsMedian: median(results.map((result) => (result.found === null ? Number.POSITIVE_INFINITY : result.tried))),
    seedsMost: found.length === 0 ? null : Math.max(...found.map(({ tried }) => tried)),
    shrunkMedian: median(sizes),
    results: results.map((result) => ({
      name: result.mutant.name,
      rule: result.mutant.rule,
      about: result.mutant.about,
      found: result.found !== null,
      checker: result.found?.failure.checker ?? null,
      message: result.found?.failure.message ?? null,
      seed: result.found?.seed ?? null,
      seeds: result.tried,
      seconds: Math.round(result.seconds * 10) / 10,
      shrunkTo: sizeOf(result),
      shrunk: result.found?.shrunk ?? null,
      excused: result.excused,
      error: result.error,
    })),
  };
};

export const passes = ({ mutants, found, seedsMedian }: MutantSummary): boolean =>
  found === mutants && seedsMedian !== null && seedsMedian <= SEEDS_MEDIAN_MAX;

const COLUMNS: readonly (readonly [title: string, width: number, right: boolean, cell: (result: Result) => string])[] = [
  ['rule', 8, false, ({ mutant }) => mutant.rule],
  ['mutant', 30, false, ({ mutant }) => mutant.name],
  ['found by', 18, false, ({ found, error }) => (error !== null ? 'ERROR' : (found?.failure.checker ?? 'NOT FOUND'))],
  ['seeds', 5, true, ({ tried }) => String(tried)],
  ['time', 8, true, ({ seconds }) => `${seconds.toFixed(1)} s`],
  ['shrunk to', 26, false, ({ found }) => (found?.shrunk ? sizeWords(found.shrunk) : '')],
];

const sizeWords = ({ faults, operations, seconds }: NonNullable<Found['shrunk']>): string =>
  `${faults} faults ${operations} operations, ${seconds.toFixed(0)} s`;

export const table = (results: readonly Result[], head: boolean): string => {
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => (COLUMNS[index]?.[2] === true ? cell.padStart(COLUMNS[index][1]) : cell.padEnd(COLUMNS[index]?.[1] ?? 0)))
      .join('  ')
      .trimEnd();
  const rows = results.map((result) => line(COLUMNS.map(([, , , cell]) => cell(result))));
  return (head ? [line(COLUMNS.map(([title]) => title)), ...rows] : rows).join('\n');
};
