/**
 * `npm run bench:failover`: how long no change is acknowledged after a SIGKILL of the primary. Real processes on loopback,
 * a steady load of changes through the proxy; the pair is in step again before the next kill, so that main and backup die
 * in turn. Status 1 where a change was lost for good or the network did not come back.
 */
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadConfig } from '../src/config/load.ts';
import { createRandom } from '../src/ports/counter-random.ts';
import { between } from '../src/ports/random.ts';
import { openOperator, type Operator } from '../src/roles/operator.ts';
import { type Member, Members } from '../test/real/member.ts';
import { openNetwork, startServers, untilBothFollow } from '../test/real/network.ts';
import { table } from './processes.ts';
import { RECOVERY_MAX_MS, Writers } from './writers.ts';

const HELP = `npm run bench:failover -- [options]
  --kills N     how many times the primary is struck; default 100
  --by HOW      kill (default): SIGKILL; freeze: SIGSTOP until changes are made again, which closes no connection;
                handover: by the operator's order
  --seed S      when it is killed; default random
  --record      a run for the record: the samples go to bench/failover.json
  --out FILE    where the samples go; default logs/failover.json
  --keep        leave the folder of the network, with its logs

Ctrl+C ends it: what was measured so far is printed, and written to --out (never to the record).`;

const fileHere = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const RECORD_FILE = fileHere('failover.json');
const OUT_FILE = fileHere('../logs/failover.json');

/** Writers, each with one change under way at a time. */
const WRITERS = 4;
/** The primary dies so long after the pair is in step, at random: anywhere between two heartbeats, and later. */
const KILL_AFTER_MS = { from: 200, to: 900 };
const PASSWORD = 'correct horse battery';
const BIN_MS = 100;
const BAR_COLUMNS = 50;
const INTERRUPTED_STATUS = 130;
const USAGE_STATUS = 64;

/** What may be done to the primary. */
const WHAT = {
  kill: { title: 'the primary is killed (SIGKILL)', from: 'the SIGKILL', done: 'killed' },
  freeze: { title: 'the primary is stopped (SIGSTOP)', from: 'the SIGSTOP', done: 'stopped' },
  handover: { title: 'the primary hands over by order', from: 'the order', done: 'hands over' },
} as const;
type Blow = keyof typeof WHAT;
const isBlow = (text: string): text is Blow => Object.hasOwn(WHAT, text);

interface Sample {
  readonly killed: string;
  readonly epochBefore: number;
  readonly epochAfter: number;
  /** From the blow to the first acknowledgement of the next epoch. */
  readonly ms: number;
  /** Until both were in step again, the killed one restarted at once after that acknowledgement. */
  readonly inStepMs: number;
  /** Of a hand-over: how long changes were held, as the replica that handed over says. */
  readonly heldMs: number | null;
}

const percentile = (sorted: readonly number[], p: number): number =>
  sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)] ?? Number.NaN;

const figuresOf = (ms: readonly number[]): { p50: number; p90: number; p99: number; max: number } => {
  const sorted = ms.toSorted((a, b) => a - b);
  return { p50: percentile(sorted, 50), p90: percentile(sorted, 90), p99: percentile(sorted, 99), max: sorted.at(-1) ?? Number.NaN };
};

const histogram = (ms: readonly number[]): string => {
  const bins = new Map<number, number>();
  for (const value of ms) bins.set(Math.floor(value / BIN_MS), (bins.get(Math.floor(value / BIN_MS)) ?? 0) + 1);
  const [first, last] = [Math.min(...bins.keys()), Math.max(...bins.keys())];
  const most = Math.max(...bins.values());
  const lines: string[] = [];
  for (let bin = first; bin <= last; bin++) {
    const count = bins.get(bin) ?? 0;
    const bar = '#'.repeat(Math.ceil((count / most) * BAR_COLUMNS));
    lines.push(`${String(bin * BIN_MS).padStart(6)} ms  ${String(count).padStart(4)}  ${bar}`.trimEnd());
  }
  return lines.join('\n');
};

const commit = (): string | null => {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return null;
  }
};

const signIn = async (members: Members, adminCode: string): Promise<{ readonly writers: Member[]; readonly accounts: string[] }> => {
  const [first, ...others] = Array.from({ length: WRITERS }, () => members.open()) as [Member, ...Member[]];
  const accounts = Array.from({ length: WRITERS }, (_, n) => `account-${n}`);
  const registered = await first.change({ op: 'register', name: 'admin', password: PASSWORD, code: adminCode });
  if (registered === null || !registered.reply.body.ok) throw new Error(`register: ${JSON.stringify(registered?.reply.body)}`);
  for (const name of accounts) await first.change({ op: 'register', name, password: PASSWORD, code: null });
  for (const member of [first, ...others]) {
    const login = await member.change({ op: 'login', name: 'admin', password: PASSWORD });
    if (login === null || !login.reply.body.ok) throw new Error(`login: ${JSON.stringify(login?.reply.body)}`);
    member.token = (login.reply.body.value as { token: string }).token;
  }
  return { writers: [first, ...others], accounts };
};

interface Options {
  readonly kills: number;
  readonly seed: number;
  readonly by: Blow;
  readonly keep: boolean;
  readonly say: (line: string) => void;
  /** Rejects when somebody ends it early. */
  readonly interrupted: Promise<never>;
}

/** Somebody has ended the run: nothing that happens from then on is a finding. */
class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

interface Outcome {
  readonly samples: readonly Sample[];
  readonly acknowledged: number;
  readonly indeterminate: number;
  readonly problems: readonly string[];
  readonly interrupted: boolean;
}

const operatorOf = (configFile: string): Operator => {
  const config = loadConfig(configFile);
  if (!config.ok || config.value.role === 'node') throw new Error(`${configFile} is not the configuration of a server`);
  return openOperator(config.value);
};

const run = async ({ kills, seed, by, keep, say, interrupted }: Options): Promise<Outcome> => {
  const random = createRandom(seed);
  const { network, folder, adminCode, deaths, close } = await openNetwork(['load']);
  const load = new Writers();
  const samples: Sample[] = [];
  const problems: string[] = [];
  let members: Members | null = null;
  const operator = operatorOf(join(network.folder, 'proxy.json'));
  /** How long changes were held, where that is known. */
  const strike = async (primary: 'main' | 'backup'): Promise<number | null> => {
    const child = network.child(primary);
    if (by === 'handover') {
      const ordered = await operator.order(primary, 'handover');
      if (!ordered.ok) throw new Error(`hand-over of ${primary}: ${ordered.error.message}`);
      return ordered.value.heldMs;
    }
    if (by === 'freeze') process.kill(child.pid, 'SIGSTOP');
    else await child.kill();
    return null;
  };
  const restore = async (struck: 'main' | 'backup'): Promise<void> => {
    if (by === 'freeze') process.kill(network.child(struck).pid, 'SIGCONT');
    else if (by === 'kill') await network.start(struck);
  };
  const strikes = async (): Promise<void> => {
    await startServers(network);
    members = new Members(join(network.folder, 'load.json'));
    const { writers, accounts } = await signIn(members, adminCode);
    load.start(writers, accounts);
    for (let n = 1; n <= kills; n++) {
      const killed = await untilBothFollow(network, RECOVERY_MAX_MS);
      await sleep(between(random, 'kill', KILL_AFTER_MS.from, KILL_AFTER_MS.to));
      const epochBefore = Math.max(...load.firstAckAt.keys());
      const killedAt = performance.now();
      const heldMs = await strike(killed);
      const next = await load.acknowledgedAbove(epochBefore);
      await restore(killed);
      await untilBothFollow(network, RECOVERY_MAX_MS);
      const sample = {
        killed,
        epochBefore,
        epochAfter: next.epoch,
        ms: next.at - killedAt,
        inStepMs: performance.now() - killedAt,
        heldMs,
      };
      samples.push(sample);
      say(
        `${String(n).padStart(3)}  ${killed.padEnd(6)} ${WHAT[by].done}${heldMs === null ? '' : ` (held ${heldMs.toFixed(0)} ms)`} in epoch ${epochBefore}: changes again after ${(sample.ms / 1000).toFixed(2)} s, in step after ${(sample.inStepMs / 1000).toFixed(1)} s`,
      );
    }
    await load.stop();
  };
  let cut = false;
  // What is under way when it is cut fails with the network, and nobody is interested.
  const work = strikes();
  work.catch(() => {});
  try {
    await Promise.race([work, interrupted]);
  } catch (error) {
    cut = error instanceof Interrupted;
    if (!cut) problems.push((error as Error).message);
  }
  const { acknowledged, indeterminate } = load;
  const measured = [...samples];
  if (!cut) problems.push(...load.unresolved, ...deaths);
  (members as Members | null)?.close();
  operator.close();
  if (cut && by === 'freeze') for (const name of ['main', 'backup'] as const) wake(() => network.child(name).pid);
  await close(keep);
  if (keep) say(`Everything is left in ${folder}`);
  return { samples: measured, acknowledged, indeterminate, problems, interrupted: cut };
};

const wake = (pid: () => number): void => {
  try {
    process.kill(pid(), 'SIGCONT');
  } catch {
    // It does not run (any more).
  }
};

/** The first signal ends the run with what was measured, a second one at once. */
const untilInterrupted = (): Promise<never> => {
  const interrupted = new Promise<never>((_resolve, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(INTERRUPTED_STATUS));
        reject(new Interrupted(signal));
      });
    }
  });
  interrupted.catch(() => {});
  return interrupted;
};

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '100' },
      seed: { type: 'string', default: String(randomInt(2 ** 31)) },
      out: { type: 'string' },
      record: { type: 'boolean', default: false },
      by: { type: 'string', default: 'kill' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const [kills, seed] = [Number(values.kills), Number(values.seed)];
  if (!Number.isSafeInteger(kills) || kills < 1 || !Number.isSafeInteger(seed)) {
    console.error('--kills must be a whole number from 1, and --seed a whole number.');
    return USAGE_STATUS;
  }
  const { by } = values;
  if (!isBlow(by)) {
    console.error(`--by must be ${Object.keys(WHAT).join(', ')}.`);
    return USAGE_STATUS;
  }
  if (values.record && values.out !== undefined) {
    console.error('Give --record or --out, not both.');
    return USAGE_STATUS;
  }
  const loadBefore = loadavg()[0] ?? 0;
  console.log(`${kills} times: ${WHAT[by].title}; seed ${seed}`);
  const { samples, problems, interrupted, ...counts } = await run({
    kills,
    seed,
    by,
    keep: values.keep,
    say: (line) => console.error(line),
    interrupted: untilInterrupted(),
  });
  for (const problem of problems) console.error(`FAILED  ${problem}`);
  const ms = samples.map((sample) => sample.ms);
  const figures = figuresOf(ms);
  const machine = {
    node: process.version,
    cpus: cpus().length,
    model: cpus()[0]?.model.trim() ?? '',
    loadBefore,
    loadAfter: loadavg()[0] ?? 0,
  };
  if (samples.length > 0) {
    const seconds = (value: number): string => `${(value / 1000).toFixed(2)} s`;
    console.log(`\nFrom ${WHAT[by].from} to the next acknowledged change:\n\n${histogram(ms)}\n`);
    console.log(
      table([
        ['times', 'p50', 'p90', 'p99', 'max', 'acknowledged', 'indeterminate', 'failures'],
        [
          String(samples.length),
          ...[figures.p50, figures.p90, figures.p99, figures.max].map(seconds),
          ...[counts.acknowledged, counts.indeterminate, problems.length].map(String),
        ],
      ]),
    );
  }
  const record = { date: new Date().toISOString(), commit: commit(), machine, by, kills, seed, ...counts, figures, problems, samples };
  const file = values.out ?? (values.record && !interrupted ? RECORD_FILE : OUT_FILE);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ ...record, ...(interrupted ? { interrupted } : {}) }, null, 2)}\n`);
  if (interrupted) console.log(`\nInterrupted after ${samples.length} of ${kills}.`);
  console.log(`Samples: ${file}`);
  if (interrupted) return INTERRUPTED_STATUS;
  return problems.length === 0 && samples.length === kills ? 0 : 1;
};

process.exit(await main());
