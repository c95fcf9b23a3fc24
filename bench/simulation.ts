/**
 * `npm run bench:sim`: how fast a simulated cluster of 12 processes runs under faults and load, checkers on, in one process
 * and in two at once. Fails below the least density of faults and operations, so that idling cannot pass for speed.
 */
import { spawn } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { generatePlan } from '../simulations/plan/generate.ts';
import { faultKinds, operationKinds } from '../simulations/plan/schema.ts';
import type { ClusterPlan, Profile } from '../simulations/plan/types.ts';
import { runPlan } from '../simulations/run/runner.ts';

const HELP = `npm run bench:sim -- [options]
  --hours N       simulated hours of each process that are measured; default 1
  --processes N   the most processes at once; default 2
  --seed N        of the first plan; default 1`;

/** Of each kind of what the density counts, a simulated hour. */
const FAULTS_PER_HOUR_LEAST = 60;
const OPERATIONS_PER_HOUR_LEAST = 1_000;
/** What is asked for: some faults find nothing to break, some operations nobody to ask. */
const FAULTS_PER_MINUTE = 1.6;
const OPERATIONS_PER_MINUTE = 18;
const CHAOS_MS = 600_000;
const CALM_MS = 60_000;
const WARM_UP_PLANS = 2;
/** One thread for one process: with helpers of its own, two of them would be in each other's way. */
const NODE_OPTIONS = ['--single-threaded-gc', '--max-semi-space-size=32'];

const CLUSTER: ClusterPlan = { proxies: 2, witnesses: 1, nodes: 8, liars: 0, uplinkBytesPerSecond: null };

const evenly = <K extends string>(kinds: readonly K[], perMinute: number): Record<K, number> =>
  Object.fromEntries(kinds.map((kind) => [kind, perMinute / kinds.length])) as Record<K, number>;

const PROFILE: Profile = {
  faultsPerMinute: evenly(faultKinds, FAULTS_PER_MINUTE),
  operationsPerMinute: evenly(operationKinds, OPERATIONS_PER_MINUTE),
  targets: [],
};

interface Measured {
  readonly simulatedSeconds: number;
  readonly cpuSeconds: number;
  readonly realSeconds: number;
  readonly events: number;
  readonly faults: number;
  readonly operations: number;
  /** What broke, by seed: a bench of a broken program measures nothing. */
  readonly failures: readonly string[];
}

/** Runs plan after plan in this process. The first ones, during which the program is compiled, are not counted. */
const measure = (seed: number, hours: number): Measured => {
  let [simulatedSeconds, events, faults, operations] = [0, 0, 0, 0];
  const failures: string[] = [];
  const run = (number: number): void => {
    const outcome = runPlan(generatePlan(number, { chaosMs: CHAOS_MS, calmMs: CALM_MS }, { cluster: CLUSTER, profile: PROFILE }));
    simulatedSeconds += outcome.virtualMicros / 1_000_000;
    events += outcome.events;
    faults += outcome.faults;
    operations += outcome.operations;
    if (outcome.failure !== null) failures.push(`plan ${number}: ${outcome.failure.message}`);
  };
  for (let number = 0; number < WARM_UP_PLANS; number++) run(seed + number);
  [simulatedSeconds, events, faults, operations] = [0, 0, 0, 0];
  const cpu = process.cpuUsage();
  const begun = performance.now();
  const plans = Math.ceil((hours * 3_600_000) / (CHAOS_MS + CALM_MS));
  for (let number = 0; number < plans; number++) run(seed + WARM_UP_PLANS + number);
  const { user, system } = process.cpuUsage(cpu);
  const realSeconds = (performance.now() - begun) / 1_000;
  return { simulatedSeconds, cpuSeconds: (user + system) / 1_000_000, realSeconds, events, faults, operations, failures };
};

const inProcess = (seed: number, hours: number): Promise<Measured> =>
  new Promise((resolve, reject) => {
    const args = [...NODE_OPTIONS, fileURLToPath(import.meta.url), '--child', '--seed', String(seed), '--hours', String(hours)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(JSON.parse(text) as Measured) : reject(new Error(`A process ended with ${code}`))));
  });

const sum = (all: readonly Measured[], of: (one: Measured) => number): number => all.reduce((total, one) => total + of(one), 0);
const whole = (value: number): string => Math.round(value).toLocaleString('en');

const report = (all: readonly Measured[]): boolean => {
  const hours = sum(all, (one) => one.simulatedSeconds) / 3_600;
  const cpu = sum(all, (one) => one.cpuSeconds);
  const events = sum(all, (one) => one.events);
  const real = Math.max(...all.map((one) => one.realSeconds));
  const faults = sum(all, (one) => one.faults) / hours;
  const operations = sum(all, (one) => one.operations) / hours;
  console.log(
    [
      `${all.length} at once`,
      `${whole((hours * 3_600) / cpu)} x real time per CPU second`,
      `${whole((hours * 3_600) / real)} x per real second`,
      `${whole(events / cpu)} events/s`,
      `${((cpu * 1e6) / events).toFixed(1)} µs/event`,
      `${whole(faults)} faults and ${whole(operations)} operations an hour`,
      `${hours.toFixed(1)} h in ${real.toFixed(0)} s`,
    ].join('; '),
  );
  const failures = all.flatMap((one) => one.failures);
  for (const failure of failures) console.error(failure);
  const dense = faults >= FAULTS_PER_HOUR_LEAST && operations >= OPERATIONS_PER_HOUR_LEAST;
  if (!dense) console.error(`That is less than ${FAULTS_PER_HOUR_LEAST} faults or ${OPERATIONS_PER_HOUR_LEAST} operations an hour`);
  return dense && failures.length === 0;
};

const { values: options } = parseArgs({
  options: {
    hours: { type: 'string', default: '1' },
    processes: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    child: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** @throws where it is none, or not within the limits */
const numberOf = (name: 'hours' | 'processes' | 'seed', least: number, most: number): number => {
  const value = Number(options[name]);
  if (value >= least && value <= most) return value;
  throw new Error(`--${name} must be a number from ${least} to ${most}, not "${options[name]}"`);
};

const main = async (): Promise<void> => {
  const [hours, processes, seed] = [numberOf('hours', 0.01, 1_000), numberOf('processes', 1, 64), numberOf('seed', 0, 2 ** 32)];
  if (options.child) {
    console.log(JSON.stringify(measure(seed, hours)));
    return;
  }
  console.log(`Node ${process.version}, ${cpus().length} CPUs (${cpus()[0]?.model.trim()})`);
  for (let count = 1; count <= processes; count++) {
    const all = await Promise.all(Array.from({ length: count }, (_, index) => inProcess(seed + 1_000 * index, hours)));
    if (!report(all)) process.exitCode = 1;
  }
};

if (options.help) console.log(HELP);
else
  await main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  });
