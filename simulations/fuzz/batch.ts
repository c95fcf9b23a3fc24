/** What a batch of runs came to: added up as it comes in. */
import { allTransitions } from '../check/coverage.ts';
import { allMarks } from '../check/marks.ts';
import type { CoverageRow, FuzzFailure, FuzzSummary } from '../report/fuzz-summary.ts';
import type { Failure } from '../run/outcome.ts';
import type { RunAnswer } from './messages.ts';

const HOUR_MICROS = 3_600_000_000;
/** Failures with the same key are one bug until somebody knows better. */
export const keyOf = ({ checker, message }: Failure): string =>
  checker === 'crash' ? `crash ${message.replaceAll(/\d+/gu, '#').slice(0, 160)}` : checker;

/** Failures that are listed; the others are counted. */
const LISTED_MAX = 1_000;

export class Batch {
  readonly #transitions = new Map<string, number>(allTransitions.map((name) => [name, 0]));
  readonly #marks = new Map<string, number>(allMarks.map((name) => [name, 0]));
  readonly #failures: FuzzFailure[] = [];
  readonly #keys = new Map<string, number>();
  #runs = 0;
  #events = 0;
  #virtualMicros = 0;
  #faults = 0;
  #operations = 0;
  #succeeded = 0;
  #busyMs = 0;

  add(run: RunAnswer): void {
    this.#runs++;
    this.#events += run.events;
    this.#virtualMicros += run.virtualMicros;
    this.#faults += run.faults;
    this.#operations += run.operations;
    this.#succeeded += run.succeeded;
    this.#busyMs += run.realMs;
    for (const [name, count] of run.transitions) this.#transitions.set(name, (this.#transitions.get(name) ?? 0) + count);
    for (const [name, count] of run.marks) this.#marks.set(name, (this.#marks.get(name) ?? 0) + count);
  }

  /** The answer says how many of its kind there are now. */
  fail(seed: number, failure: Failure, replay: string): number {
    const key = keyOf(failure);
    const count = (this.#keys.get(key) ?? 0) + 1;
    this.#keys.set(key, count);
    if (this.#failures.length < LISTED_MAX) this.#failures.push({ seed, ...failure, replay, page: null, shrunkTo: null });
    return count;
  }

  /** The failure of a seed was made small. */
  shrunk(seed: number, replay: string, page: string, shrunkTo: number): void {
    const at = this.#failures.findIndex((failure) => failure.seed === seed);
    const failure = this.#failures[at];
    if (failure !== undefined) this.#failures[at] = { ...failure, replay, page, shrunkTo };
  }

  get runs(): number {
    return this.#runs;
  }

  get failures(): number {
    return [...this.#keys.values()].reduce((a, b) => a + b, 0);
  }

  /** Different ones, and how often each came. */
  get kinds(): ReadonlyMap<string, number> {
    return this.#keys;
  }

  /** Transitions seen of all there are, from 0 to 1. */
  get coverage(): number {
    let seen = 0;
    for (const count of this.#transitions.values()) if (count > 0) seen++;
    return this.#transitions.size === 0 ? 0 : seen / this.#transitions.size;
  }

  get clusterHours(): number {
    return this.#virtualMicros / HOUR_MICROS;
  }

  /** Simulated seconds a real second of one core. */
  get speed(): number {
    return this.#busyMs === 0 ? 0 : this.#virtualMicros / 1_000 / this.#busyMs;
  }

  summary(about: Pick<FuzzSummary, 'commit' | 'startedAt' | 'realSeconds' | 'cores'>): FuzzSummary {
    const rows = (counts: ReadonlyMap<string, number>): CoverageRow[] =>
      [...counts].map(([name, count]) => ({ name, count })).sort((a, b) => (a.name < b.name ? -1 : 1));
    return {
      version: 1,
      ...about,
      runs: this.#runs,
      clusterHours: this.clusterHours,
      events: this.#events,
      faults: this.#faults,
      operations: this.#operations,
      succeeded: this.#succeeded,
      speed: this.speed,
      transitions: rows(this.#transitions),
      marks: rows(this.#marks),
      failures: this.#failures,
    };
  }

  /** For a line on the terminal. */
  get line(): string {
    const count = (value: number): string => Math.round(value).toLocaleString('en-US');
    return [
      `runs ${count(this.#runs)}`,
      `simulated ${this.clusterHours.toFixed(1)} h`,
      `faults ${count(this.#faults)}`,
      `operations ${count(this.#operations)}`,
      `coverage ${(100 * this.coverage).toFixed(1)} %`,
      `failures ${count(this.failures)}`,
      `${count(this.speed)} x real time a core`,
    ].join('  ');
  }
}
