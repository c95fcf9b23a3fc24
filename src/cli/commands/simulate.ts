/** `simulate`: a whole cluster in this process, on simulated time and network. */
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { Result } from '../../protocol/result.ts';
import { addCommand, type Context, type Ending } from '../command.ts';
import { EXIT, type ExitCode, stopWith } from '../exit.ts';

/** A seed that nobody chose is below this: short enough to be typed again. */
const RANDOM_SEED_END = 1_000_000_000;

/** What is to be simulated, and what is wanted of it. */
export interface SimulationRequest {
  /** A scenario's name, `random` for the plan of a seed, or the file of a plan. */
  readonly what: string;
  /** Null: the plan's own, or a new one. */
  readonly seed: number | null;
  readonly newSeed: () => number;
  /** Whether to run it in another process as well, and compare. */
  readonly check: boolean;
  /** Files to write; null for none. */
  readonly trace: string | null;
  readonly report: string | null;
}

/** What `simulations/run.ts` gives: `src` sees it here alone, and only when asked. */
interface Simulations {
  /** A failure where there is nothing to run; what breaks in a run is a report. `heard` gets each line as the run comes to it. */
  simulate(request: SimulationRequest, heard: (line: string) => void): Promise<Result<SimulationReport>>;
}

/** What a run says of itself. */
export interface SimulationReport {
  readonly ok: boolean;
  readonly seed: number;
  /** Lines for people: what happened. */
  readonly lines: readonly string[];
  readonly events: number;
  readonly simulatedSeconds: number;
  readonly realSeconds: number;
  readonly traceHash: string;
  /** What broke; null where nothing did. */
  readonly failure: string | null;
  /** Of a plan: faults that took place, operations asked and answered with success. */
  readonly counts: { readonly faults: number; readonly operations: number; readonly succeeded: number } | null;
  /** Of a comparison with another process. */
  readonly sameness: { readonly same: boolean; readonly message: string } | null;
  /** The command that runs it again. */
  readonly replay: string;
}

interface SimulateOptions {
  readonly seed?: string;
  readonly check?: boolean;
  readonly trace?: string;
  readonly report?: string;
}

const load = async (): Promise<Simulations> => {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const place = new URL(`../../../simulations/run.${extension}`, import.meta.url);
  if (!existsSync(place)) stopWith('not-installed', 'The simulations are not part of this installation.');
  return (await import(place.href)) as Simulations;
};

/** How it ended: its lines have been shown when they came. */
const show = (context: Context, what: string, report: SimulationReport): void => {
  const { output } = context;
  const { ok, seed, failure, events, simulatedSeconds, realSeconds, traceHash, counts, sameness, replay } = report;
  output.value({ scenario: what, seed, ok, failure, events, simulatedSeconds, realSeconds, traceHash, ...counts, sameness, replay });
  const speed = realSeconds > 0 ? `, ${(simulatedSeconds / realSeconds).toFixed(1)} times real time` : '';
  output.line(`seed ${seed}  events ${events}  simulated ${simulatedSeconds.toFixed(1)} s in ${realSeconds.toFixed(2)} s${speed}`);
  if (counts !== null) output.line(`faults ${counts.faults}  operations ${counts.operations}, ${counts.succeeded} with success`);
  output.line(`trace ${traceHash}`);
  if (sameness !== null) output.line(sameness.same ? sameness.message : output.style.red(sameness.message));
  if (failure === null) return;
  output.line(output.style.red(failure));
  output.line(`Run it again: ${replay}`);
};

const seedOf = (text: string | undefined): number | null => {
  if (text === undefined) return null;
  const seed = Number(text);
  return text.trim() !== '' && Number.isSafeInteger(seed) && seed >= 0
    ? seed
    : stopWith('usage', `--seed must be a whole number from 0, not "${text}".`);
};

const simulate = async (context: Context, what: string, options: SimulateOptions): Promise<ExitCode> => {
  const seed = seedOf(options.seed);
  const { simulate } = await load();
  const request: SimulationRequest = {
    what,
    seed,
    newSeed: () => randomInt(RANDOM_SEED_END),
    check: options.check === true,
    trace: options.trace ?? null,
    report: options.report ?? null,
  };
  const run = await simulate(request, (line) => context.output.line(line));
  if (!run.ok) return stopWith(run.error.code, run.error.message);
  show(context, what, run.value);
  return run.value.ok ? EXIT.ok : EXIT.failed;
};

export const simulateCommand = (program: Command, ending: Ending): void => {
  addCommand<[string], SimulateOptions>(program, ending, {
    usage: 'simulate <what>',
    about: 'run a whole cluster in this process, on simulated time and network: a scenario, "random", or the file of a plan',
    examples: [
      'shoal simulate quick-start',
      'shoal simulate random --seed 7 --check',
      'shoal simulate failure.json --trace trace.txt --report run.html',
    ],
    exits: [EXIT.unavailable, EXIT.data, EXIT.noInput],
    setup: (command) =>
      command
        .option(
          '--seed <n>',
          'what all chance in the run follows from: the same seed gives the same run (default: that of the file, or a new one, which is shown)',
        )
        .option('--check', 'run it in another process too, and fail with the first difference unless both are the same to the last event')
        .option('--trace <file>', 'write a line for each step of each process: step, microseconds, process, port, kind, id, hash so far')
        .option('--report <file>', 'write a page that shows the last events of a plan as a sequence diagram'),
    run: (context, [what], options) => simulate(context, what, options),
  });
};
