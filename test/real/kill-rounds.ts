/**
 * Rounds of SIGKILL on tracker and backup under a load of registrations and OWNs: no acknowledged change may be lost, and
 * none done twice. Status 0 when all is well.
 *
 *   node test/real/kill-rounds.ts [--rounds 50] [--seed N] [--keep]
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { padEnd } from '../../src/cli/render/format.ts';
import { type LocalNetwork, type ServerName, until } from '../../src/cli/up/network.ts';
import { createRandom } from '../../src/ports/counter-random.ts';
import { below, between, type Random } from '../../src/ports/random.ts';
import { Load, PASSWORD } from './load.ts';
import { type Member, Members } from './member.ts';
import { leaveOnSignal, openNetwork, startServers, untilBothFollow } from './network.ts';
import { verifyByAsking, verifyLedgers } from './verify.ts';

type ReplicaName = 'main' | 'backup';
const other = (name: ReplicaName): ReplicaName => (name === 'main' ? 'backup' : 'main');

/** What a round does with the pair; each is a line in the table. */
const kinds = {
  main: 'main',
  backup: 'backup',
  secondBackFirst: 'one, then the other; the second is back first',
  firstBackFirst: 'one, then the other; the first is back first',
  soloBackAlone: 'one, then the other when it goes on alone; it is back alone',
  whileReturning: 'one, then the other while the first returns',
  atOnce: 'both at once',
  frozen: 'the primary, while the other is frozen',
  proxyToo: 'one, then the proxy, which is the third voter',
} as const;
export type Kind = keyof typeof kinds;

interface RoundResult {
  readonly kind: Kind;
  readonly acknowledged: number;
  readonly indeterminate: number;
  readonly problems: number;
  readonly pauseMs: number;
  readonly ms: number;
}

interface Scene {
  readonly network: LocalNetwork<string>;
  readonly load: Load;
  readonly random: Random;
  readonly pauseMaxMs: number;
}

/** Between two blows: sometimes before the network has noticed, sometimes after it has settled. */
const PAUSE_MAX_MS = 1_800;
/** A network that has all it needs must serve within this; the machine may be busy with other things. */
const RECOVERY_MAX_MS = 45_000;

const someTime = ({ random, pauseMaxMs }: Scene): Promise<void> => sleep(between(random, 'pause', 0, pauseMaxMs));
const kill = ({ network }: Scene, name: ServerName): Promise<void> => network.child(name).kill();
const back = ({ network }: Scene, name: ServerName): Promise<void> => network.start(name);

const mustServe = async ({ load }: Scene, what: string): Promise<void> => {
  if (!(await load.progress(RECOVERY_MAX_MS))) throw new Error(`${what}: no change is acknowledged`);
};

const killOne = async (scene: Scene, name: ReplicaName): Promise<void> => {
  await kill(scene, name);
  if (below(scene.random, 'alone', 2) === 0) await mustServe(scene, `${name} is down`);
  else await someTime(scene);
  await back(scene, name);
};

/** `first` dies, then `second`. */
const perform: Readonly<Record<Kind, (scene: Scene, first: ReplicaName, second: ReplicaName) => Promise<void>>> = {
  main: (scene) => killOne(scene, 'main'),
  backup: (scene) => killOne(scene, 'backup'),
  async secondBackFirst(scene, first, second) {
    await kill(scene, first);
    await someTime(scene);
    await kill(scene, second);
    await someTime(scene);
    await back(scene, second);
    await someTime(scene);
    await back(scene, first);
  },
  async firstBackFirst(scene, first, second) {
    await kill(scene, first);
    await someTime(scene);
    await kill(scene, second);
    await someTime(scene);
    await back(scene, first);
    await someTime(scene);
    await back(scene, second);
  },
  async soloBackAlone(scene, first, second) {
    await kill(scene, first);
    await until(
      `${second} going on alone`,
      async () => {
        const { role, mode } = await scene.network.replica(second);
        return role === 'primary' && mode === 'SOLO' ? true : null;
      },
      RECOVERY_MAX_MS,
    );
    await someTime(scene);
    await kill(scene, second);
    await someTime(scene);
    await back(scene, second);
    await mustServe(scene, `${second}, which went on alone, is back without ${first}`);
    await back(scene, first);
  },
  async whileReturning(scene, first, second) {
    await kill(scene, first);
    await mustServe(scene, `${first} is down`);
    await back(scene, first);
    await sleep(between(scene.random, 'pause', 0, 400));
    await kill(scene, second);
    await someTime(scene);
    await back(scene, second);
  },
  async atOnce(scene, first, second) {
    await Promise.all([kill(scene, first), kill(scene, second)]);
    await someTime(scene);
    await back(scene, first);
    await someTime(scene);
    await back(scene, second);
  },
  async frozen(scene) {
    const primary = await untilBothFollow(scene.network, RECOVERY_MAX_MS);
    const { pid } = scene.network.child(other(primary));
    process.kill(pid, 'SIGSTOP');
    await someTime(scene);
    await kill(scene, primary);
    process.kill(pid, 'SIGCONT');
    await someTime(scene);
    await back(scene, primary);
  },
  async proxyToo(scene, first) {
    await kill(scene, first);
    await someTime(scene);
    await kill(scene, 'proxy');
    await someTime(scene);
    await back(scene, 'proxy');
    if (below(scene.random, 'alone', 2) === 0) await mustServe(scene, `${first} is down, the proxy is back`);
    await back(scene, first);
  },
};

/** A shuffled copy (Fisher and Yates). */
const shuffled = <T>(random: Random, purpose: string, items: readonly T[]): T[] => {
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = below(random, purpose, i + 1);
    const held = copy[i] as T;
    copy[i] = copy[j] as T;
    copy[j] = held;
  }
  return copy;
};

/** Every kind as often as the others, in an order of chance. */
const planOf = (rounds: number, random: Random): Kind[] => {
  const all = Object.keys(kinds) as Kind[];
  const plan: Kind[] = [];
  while (plan.length < rounds) plan.push(...shuffled(random, 'kinds', all));
  return plan.slice(0, rounds);
};

const playRound = async (scene: Scene, kind: Kind, verifiers: readonly Member[]): Promise<RoundResult> => {
  const { load, network, random } = scene;
  const startMs = performance.now();
  const before = { changes: load.acknowledged.length, indeterminate: load.indeterminate, violations: load.violations.length };
  load.takeGapMs();
  const first: ReplicaName = below(random, 'first', 2) === 0 ? 'main' : 'backup';
  await someTime(scene);
  await perform[kind](scene, first, other(first));
  await untilBothFollow(network, RECOVERY_MAX_MS);
  await mustServe(scene, 'both are back');
  const pauseMs = load.takeGapMs();
  const changes = load.acknowledged.slice(before.changes);
  load.violations.push(...(await verifyByAsking(verifiers, changes)));
  return {
    kind,
    acknowledged: changes.length,
    indeterminate: load.indeterminate - before.indeterminate,
    problems: load.violations.length - before.violations,
    pauseMs,
    ms: performance.now() - startMs,
  };
};

const showTable = (results: readonly RoundResult[], say: (line: string) => void): void => {
  const width = Math.max(...Object.values(kinds).map((text) => text.length));
  const line = (...cells: readonly string[]): void =>
    say([padEnd(cells[0] ?? '', width), ...cells.slice(1).map((cell) => cell.padStart(13))].join(' '));
  const sum = (of: readonly RoundResult[], field: 'acknowledged' | 'indeterminate' | 'problems'): string =>
    String(of.reduce((total, result) => total + result[field], 0));
  line('killed', 'rounds', 'acknowledged', 'indeterminate', 'failures', 'longest pause');
  for (const [kind, text] of [...Object.entries(kinds), [null, 'all']] as const) {
    const of = results.filter((result) => kind === null || result.kind === kind);
    if (of.length === 0) continue;
    const pause = `${(Math.max(...of.map(({ pauseMs }) => pauseMs)) / 1000).toFixed(1)} s`;
    line(text, String(of.length), sum(of, 'acknowledged'), sum(of, 'indeterminate'), sum(of, 'problems'), pause);
  }
};

export interface KillRounds {
  readonly problems: readonly string[];
  readonly acknowledged: number;
  readonly rounds: readonly RoundResult[];
}

export interface KillOptions {
  readonly rounds: number;
  readonly seed: number;
  /** These kinds, one after the other, instead of a plan of chance. */
  readonly kinds?: readonly Kind[];
  /** Leave the network's folder for somebody to look into when something is wrong. */
  readonly keep: boolean;
  readonly pauseMaxMs?: number;
  readonly say: (line: string) => void;
}

const describeReplicas = async (network: LocalNetwork<string>): Promise<string> => {
  const ask = (name: 'main' | 'backup' | 'proxy'): Promise<object> =>
    network
      .child(name)
      .status()
      .catch((error: Error) => ({ error: error.message }));
  return JSON.stringify(await Promise.all([ask('main'), ask('backup'), ask('proxy')]), null, 1);
};

/** Plays the rounds on a network of its own. Never throws for what goes wrong in it: that is a problem of the result. */
export const playKillRounds = async ({
  rounds,
  seed,
  kinds: given,
  keep,
  pauseMaxMs = PAUSE_MAX_MS,
  say,
}: KillOptions): Promise<KillRounds> => {
  const random = createRandom(seed);
  const { network, folder, deaths, close } = await openNetwork(['load']);
  const load = new Load(random.fork('contents'));
  const results: RoundResult[] = [];
  const problems: string[] = [];
  let members: Members | null = null;
  try {
    await startServers(network);
    members = new Members(join(network.folder, 'load.json'));
    const writers = new Map([1, 2].map((n) => [`writer${n}`, (members as Members).open()]));
    const verifiers = Array.from({ length: 4 }, () => (members as Members).open());
    await Promise.all([...writers].map(([name, member]) => member.signIn(name, PASSWORD)));
    await Promise.all(verifiers.map((member, n) => member.signIn(`verifier${n}`, PASSWORD)));
    load.start(writers);
    const scene = { network, load, random: random.fork('rounds'), pauseMaxMs };
    for (const [n, kind] of (given ?? planOf(rounds, scene.random)).entries()) {
      const result = await playRound(scene, kind, verifiers);
      results.push(result);
      const { acknowledged, indeterminate, pauseMs, ms } = result;
      say(
        `${String(n + 1).padStart(3)}  ${(ms / 1000).toFixed(1).padStart(5)} s  ${String(acknowledged).padStart(4)} acknowledged  ${indeterminate} indeterminate  ` +
          `${result.problems} failures  pause ${(pauseMs / 1000).toFixed(1)} s  ${kinds[kind]}`,
      );
    }
    await load.stop();
    await untilBothFollow(network);
    problems.push(...(await verifyByAsking(verifiers, load.acknowledged)));
    await until('The backup applying everything', async () => {
      const [main, backup] = await Promise.all([network.replica('main'), network.replica('backup')]);
      return main.appliedSeq === main.lastSeq && main.appliedSeq === backup.appliedSeq ? true : null;
    });
    await network.stop();
    problems.push(...verifyLedgers(network.folder, load.acknowledged));
  } catch (error) {
    problems.push(`${(error as Error).message}\n${await describeReplicas(network)}`);
  } finally {
    members?.close();
    problems.unshift(...load.violations, ...deaths);
    if (members?.fault) problems.push(`The harness: ${String(members.fault)}`);
    const keepFolder = keep && problems.length > 0;
    await close(keepFolder);
    if (keepFolder) say(`Everything is left in ${folder}`);
  }
  if (results.length > 0) showTable(results, say);
  const local = load.acknowledged.filter(({ durability }) => durability === 'local').length;
  say(
    `${load.acknowledged.length} changes acknowledged (${load.acknowledged.length - local} as replicated, ${local} as local), ` +
      `${load.indeterminate} answers were indeterminate (asked again under the same id), ${load.unresolved.length} changes stayed so, ${problems.length} failures.`,
  );
  return { problems, acknowledged: load.acknowledged.length, rounds: results };
};

if (import.meta.main) {
  leaveOnSignal();
  const { values } = parseArgs({ options: { rounds: { type: 'string' }, seed: { type: 'string' }, keep: { type: 'boolean' } } });
  const seed = Number(values.seed ?? randomInt(2 ** 31));
  const rounds = Number(values.rounds ?? 50);
  console.log(`${rounds} rounds of SIGKILL, seed ${seed}`);
  const { problems } = await playKillRounds({ rounds, seed, keep: values.keep === true, say: (line) => console.log(line) });
  for (const problem of problems) console.error(`FAILED  ${problem}`);
  process.exit(problems.length === 0 ? 0 : 1);
}
