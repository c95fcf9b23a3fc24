/** Gives seeds to workers, compares some in two of them, keeps what fails. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generatePlan } from '../plan/generate.ts';
import { formatPlan } from '../plan/schema.ts';
import type { Plan } from '../plan/types.ts';
import { renderFuzzPage } from '../report/fuzz-page.ts';
import type { Failure } from '../run/outcome.ts';
import { commitOfSource, replayOfFile, replayOfSeed } from '../run/replay.ts';
import { Batch, keyOf } from './batch.ts';
import type { RunAnswer, Task } from './messages.ts';
import type { FuzzOptions } from './options.ts';
import { Worker } from './pool.ts';

/** Each so many-th seed is run again, by another worker where there is one, and must give the same trace. */
const COMPARE_EVERY = 20;
/** Failures of one kind whose plans are kept. */
const SAVED_OF_A_KIND = 3;
/** The report on disk is never older than this. */
const REPORT_EVERY_MS = 30_000;

/** So many workers may die before the first run has come to its end. */
const DEATHS_AT_FIRST_MAX = 3;

type Job = Task & { readonly seed: number };

export interface FuzzNews {
  failed(seed: number, failure: Failure, file: string, first: boolean): void;
  shrunk(seed: number, file: string, items: number): void;
}

export class Fuzzer {
  readonly batch = new Batch();
  readonly firstSeed: number;
  readonly #options: FuzzOptions;
  readonly #news: FuzzNews;
  readonly #workers: readonly Worker[];
  readonly #startedAt = new Date();
  readonly #commit = commitOfSource();
  /** Seeds to be run a second time: the hash that is expected, and who ran it first. */
  readonly #again: { readonly seed: number; readonly hash: string; readonly by: Worker }[] = [];
  readonly #toShrink: (Job & { do: 'shrink' })[] = [];
  /** Why nothing can be run at all. */
  unable: string | null = null;
  #deaths = 0;
  #next = 0;
  #reportedAt = 0;
  #stopping = false;
  #over: (() => void) | null = null;

  constructor(options: FuzzOptions, firstSeed: number, news: FuzzNews) {
    this.#options = options;
    this.firstSeed = firstSeed;
    this.#news = news;
    this.#workers = Array.from({ length: options.cores }, (_, number) => new Worker(number));
    mkdirSync(options.out, { recursive: true });
  }

  /** Until time or seeds are over, and what is under way then has ended. */
  async run(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#over = resolve;
      for (const worker of this.#workers) this.#feed(worker);
    });
    this.#report();
    for (const worker of this.#workers) worker.end();
  }

  /** Nothing new is begun; what runs may end, what is being made small is left. */
  stop(): void {
    this.#stopping = true;
    this.#toShrink.length = 0;
    this.#again.length = 0;
  }

  /** Ends at once. */
  abandon(): void {
    this.stop();
    for (const worker of this.#workers) worker.end();
    this.#over?.();
  }

  get #timeIsUp(): boolean {
    return this.#stopping || Date.now() - this.#startedAt.getTime() > this.#options.minutes * 60_000;
  }

  #feed(worker: Worker): void {
    const shrink = this.#stopping ? undefined : this.#toShrink.shift();
    if (shrink !== undefined) return this.#shrink(worker, shrink);
    const again = this.#takeAgain(worker);
    if (again !== null) return this.#compare(worker, again.seed, again.hash);
    if (!this.#timeIsUp && this.#next < this.#options.seeds) return this.#runSeed(worker, this.firstSeed + this.#next++);
    if (this.#workers.every(({ busy }) => !busy)) this.#over?.();
  }

  /** One that another worker ran; with one worker, any. */
  #takeAgain(worker: Worker): { readonly seed: number; readonly hash: string } | null {
    const at = this.#again.findIndex(({ by }) => by !== worker || this.#workers.length === 1);
    return at < 0 ? null : (this.#again.splice(at, 1)[0] ?? null);
  }

  #runSeed(worker: Worker, seed: number): void {
    worker.give({ do: 'run', seed }, (answer) => {
      if (answer.did === 'died') this.#died(seed, answer.why);
      if (answer.did === 'run') {
        this.#ran(answer);
        if ((seed - this.firstSeed) % COMPARE_EVERY === 0) this.#again.push({ seed, hash: answer.traceHash, by: worker });
      }
      this.#feed(worker);
    });
  }

  #ran(run: RunAnswer): void {
    this.batch.add(run);
    if (run.failure !== null) this.#failed(run.seed, run.failure);
    if (Date.now() - this.#reportedAt > REPORT_EVERY_MS) this.#report();
  }

  #died(seed: number, why: string): void {
    this.#deaths++;
    // Not a run has come to its end: it is not the seeds.
    if (this.batch.runs === 0 && this.#deaths >= DEATHS_AT_FIRST_MAX) {
      this.unable = `No worker runs. The last one ${why}`;
      return this.stop();
    }
    this.#failed(seed, { checker: 'stuck', message: `The run ${why}.`, atMs: 0 });
  }

  #compare(worker: Worker, seed: number, hash: string): void {
    worker.give({ do: 'run', seed }, (answer) => {
      if (answer.did === 'run' && answer.traceHash !== hash) {
        const message = `Two processes ran it differently: ${hash} and ${answer.traceHash}; see "${replayOfSeed(seed)} --check".`;
        this.#failed(seed, { checker: 'determinism', message, atMs: 0 });
      }
      this.#feed(worker);
    });
  }

  #failed(seed: number, failure: Failure): void {
    const plan: Plan = { ...generatePlan(seed), about: aboutOf(seed, failure) };
    const file = this.#file(seed, failure, 'json');
    const count = this.batch.fail(seed, failure, replayOfSeed(seed));
    if (count > SAVED_OF_A_KIND) return;
    writeFileSync(file, formatPlan(plan));
    this.#news.failed(seed, failure, file, count === 1);
    const { shrinkSeconds } = this.#options;
    const known = failure.checker !== 'determinism' && !(failure.checker === 'stuck' && failure.atMs === 0);
    const small = this.#file(seed, failure, 'small.json');
    if (count === 1 && known && shrinkSeconds > 0 && !this.#stopping)
      this.#toShrink.push({ do: 'shrink', seed, plan, failure, secondsMax: shrinkSeconds, replay: replayOfFile(small) });
  }

  #shrink(worker: Worker, task: Job & { do: 'shrink' }): void {
    const { seed, replay } = task;
    worker.give(task, (answer) => {
      if (answer.did === 'shrink') {
        const { plan, failure, page } = answer;
        const small = this.#file(seed, task.failure, 'small.json');
        writeFileSync(small, formatPlan({ ...plan, about: aboutOf(seed, failure) }));
        writeFileSync(this.#file(seed, task.failure, 'html'), page);
        const items = plan.faults.length + plan.operations.length;
        this.batch.shrunk(seed, replay, nameOf(seed, task.failure, 'html'), items);
        this.#news.shrunk(seed, small, items);
      }
      this.#feed(worker);
    });
  }

  #file(seed: number, failure: Failure, ending: string): string {
    return join(this.#options.out, nameOf(seed, failure, ending));
  }

  #report(): void {
    this.#reportedAt = Date.now();
    const realSeconds = (Date.now() - this.#startedAt.getTime()) / 1_000;
    const about = { commit: this.#commit, startedAt: this.#startedAt.toISOString(), realSeconds, cores: this.#options.cores };
    const summary = this.batch.summary(about);
    writeFileSync(join(this.#options.out, 'report.json'), `${JSON.stringify(summary, null, 1)}\n`);
    writeFileSync(join(this.#options.out, 'report.html'), renderFuzzPage(summary));
  }
}

/**
 * What is said of a failure. The plan is that of the seed, so that the seed runs it again wherever this commit is; the file
 * is there as long as this machine's `logs/`. `file`: null where it is not to be named.
 */
export const failureLines = (seed: number, { message }: Failure, file: string | null): readonly string[] => [
  `FAILED seed ${seed}: ${message}`,
  `  ${replayOfSeed(seed)}`,
  ...(file === null ? [] : [`  ${replayOfFile(file)}`]),
];

const ABOUT_MAX = 400;
const aboutOf = (seed: number, failure: Failure): string => `seed ${seed}: ${keyOf(failure)}: ${failure.message}`.slice(0, ABOUT_MAX);
const nameOf = (seed: number, { checker }: Failure, ending: string): string =>
  `${checker.replaceAll(/[^\w-]+/gu, '-')}-seed-${seed}.${ending}`;
