/** `simulate`: a whole cluster in this process, on simulated time and network. */
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { addCommand, type Context, type Ending } from '../command.ts';
import { EXIT, type ExitCode, stopWith } from '../exit.ts';

/** A seed that nobody chose is below this: short enough to be typed again. */
const RANDOM_SEED_END = 1_000_000_000;

/** What `simulations/run.ts` gives: `src` sees it here alone, and only when asked. */
interface Simulations {
  readonly scenarioNames: readonly string[];
  runScenario(name: string, seed: number, heard?: (line: string) => void): Promise<SimulationReport>;
}

/** What a run says of itself. */
export interface SimulationReport {
  readonly ok: boolean;
  /** Lines for people: what happened. */
  readonly lines: readonly string[];
  readonly events: number;
  readonly simulatedSeconds: number;
  readonly realSeconds: number;
  readonly traceHash: string;
  /** Where `ok` is false: what broke. */
  readonly failure: string | null;
}

interface SimulateOptions {
  readonly seed?: string;
  readonly check?: boolean;
}

const load = async (): Promise<Simulations> => {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const place = new URL(`../../../simulations/run.${extension}`, import.meta.url);
  if (!existsSync(place)) stopWith('not-installed', 'The simulations are not part of this installation.');
  return (await import(place.href)) as Simulations;
};

/** How it ended: its lines have been shown when they came. */
const show = (context: Context, name: string, seed: number, report: SimulationReport): void => {
  const { output } = context;
  const { ok, failure, events, simulatedSeconds, realSeconds, traceHash } = report;
  output.value({ scenario: name, seed, ok, failure, events, simulatedSeconds, realSeconds, traceHash });
  const speed = realSeconds > 0 ? `, ${(simulatedSeconds / realSeconds).toFixed(1)} times real time` : '';
  output.line(`seed ${seed}  events ${events}  simulated ${simulatedSeconds.toFixed(1)} s in ${realSeconds.toFixed(2)} s${speed}`);
  output.line(`trace ${traceHash}`);
  if (failure !== null) output.line(output.style.red(failure));
};

const seedOf = (text: string | undefined): number => {
  if (text === undefined) return randomInt(RANDOM_SEED_END);
  const seed = Number(text);
  return text.trim() !== '' && Number.isSafeInteger(seed) && seed >= 0
    ? seed
    : stopWith('usage', `--seed must be a whole number from 0, not "${text}".`);
};

const simulate = async (context: Context, name: string, options: SimulateOptions): Promise<ExitCode> => {
  const seed = seedOf(options.seed);
  const { scenarioNames, runScenario } = await load();
  if (!scenarioNames.includes(name)) stopWith('usage', `There is no scenario "${name}". There are: ${scenarioNames.join(', ')}.`);
  const report = await runScenario(name, seed, (line) => context.output.line(line));
  show(context, name, seed, report);
  if (!report.ok) return EXIT.failed;
  if (options.check !== true) return EXIT.ok;
  const again = await runScenario(name, seed);
  if (again.traceHash === report.traceHash) {
    context.output.line('The same seed gave the same trace again.');
    return EXIT.ok;
  }
  return stopWith('failed', `The same seed gave another trace: ${again.traceHash}.`);
};

export const simulateCommand = (program: Command, ending: Ending): void => {
  addCommand<[string], SimulateOptions>(program, ending, {
    usage: 'simulate <scenario>',
    about: 'run a whole cluster in this process, on simulated time and network',
    examples: ['shoal simulate quick-start', 'shoal simulate quick-start --seed 7', 'shoal simulate tracker-dies --seed 7 --check'],
    exits: [EXIT.unavailable],
    setup: (command) =>
      command
        .option(
          '--seed <n>',
          'what all chance in the run follows from: the same seed gives the same run (default: a new one, which is shown)',
        )
        .option('--check', 'run twice, and fail unless both runs are the same to the last event'),
    run: (context, [scenario], options) => simulate(context, scenario, options),
  });
};
