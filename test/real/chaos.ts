/**
 * Chaos: tracker, backup, proxies and nodes as processes, every link between them through a fault proxy of ours, full disks,
 * SIGKILL and SIGSTOP at random, while members register, sign in, share, search and download. At the end everything is put
 * right, and the simulator's checkers judge what the clients were told. Status 0 when all is well.
 *
 *   npm run chaos -- --minutes 10 [--seed N] [--proxies 1|3] [--keep]
 */
import { randomInt } from 'node:crypto';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createRandom } from '../../src/ports/counter-random.ts';
import { Book } from './chaos-book.ts';
import { Library, Person, Writer } from './chaos-clients.ts';
import { Disk } from './chaos-disks.ts';
import { FAULTS, Faults, type FaultName } from './chaos-faults.ts';
import { Town } from './chaos-town.ts';
import { heal, judgeBook, readTheEnd, untilWhole, verifyLedgers } from './chaos-verify.ts';
import { Members } from './member.ts';
import { leaveOnSignal } from './network.ts';

export interface ChaosOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly proxies: 1 | 3;
  /** Leave the folder for somebody to look into when something is wrong. */
  readonly keep: boolean;
  readonly say: (line: string) => void;
  /** Overwrites itself on a terminal. */
  readonly live?: (line: string) => void;
}

export interface ChaosReport {
  readonly problems: readonly string[];
  readonly acknowledged: number;
  readonly downloads: number;
  readonly faults: ReadonlyMap<FaultName, number>;
}

const WRITERS = 6;
const READERS = 4;
/** Faults that may be under way at one time. */
const FAULTS_AT_ONCE = 2;
const LOOK_MS = 1_000;
const DOWNLOADS_MAX_MS = 90_000;

/** Everything that one run is made of. */
class Run {
  readonly book = new Book();
  readonly library = new Library();
  readonly problems: string[] = [];
  readonly #options: ChaosOptions;
  readonly #random;
  #town: Town | null = null;
  #members: Members | null = null;
  #faults: Faults | null = null;
  #beganAt = 0;
  /** Processes that ended by themselves while their disk was full: whoever watches over them starts them again. */
  #endedByDisk = 0;

  constructor(options: ChaosOptions) {
    this.#options = options;
    this.#random = createRandom(options.seed);
  }

  async play(): Promise<ChaosReport> {
    const { say, keep } = this.#options;
    const whyNoDisks = Disk.whyNot();
    if (whyNoDisks !== null) say(`No full disks: ${whyNoDisks}.`);
    try {
      await this.#play(whyNoDisks === null);
    } catch (error) {
      this.problems.push((error as Error).message, await this.#whatProcessesSay(), ...judgeBook(this.book).problems);
    }
    this.#members?.close();
    if (this.#members?.fault) this.problems.push(`The harness: ${String(this.#members.fault)}`);
    this.problems.push(...this.book.violations);
    const kept = keep && this.problems.length > 0 && this.#town !== null;
    if (kept && this.#town !== null)
      writeFileSync(join(this.#town.folder, 'history.jsonl'), this.book.events.map((event) => `${JSON.stringify(event)}\n`).join(''));
    await this.#town?.close(kept);
    if (kept) say(`Logs, ledgers, faults.log and history.jsonl are left in ${this.#town?.folder}`);
    this.#sayEnd();
    const faults = this.#faults?.counts ?? new Map<FaultName, number>();
    return { problems: this.problems, acknowledged: this.book.counts.acknowledged, downloads: this.library.completed, faults };
  }

  async #play(disks: boolean): Promise<void> {
    const { proxies, seconds } = this.#options;
    const town = await Town.open({ proxies, disks, random: this.#random.fork('town'), died: (name, why) => this.#died(name, why) });
    this.#town = town;
    await Promise.all(town.servers.map((name) => town.start(name)));
    await untilWhole(town);
    for (const node of town.nodes) await town.start(node);
    const members = new Members(town.membersConfig);
    this.#members = members;
    const writers = Array.from({ length: WRITERS }, (_, n) => {
      const name = `writer${n}`;
      return new Writer(name, this.#random.fork(name), this.book, members.open(n % proxies));
    });
    const people = town.nodes.map((node) => new Person(node, this.#random.fork(node), this.book, town, this.library));
    for (const client of [...writers, ...people]) await client.begin();
    this.#beganAt = performance.now();
    this.book.lastAckAt = this.#beganAt;
    const clients = [...writers, ...people];
    const lives = clients.map((client) => client.live());
    await this.#goWrong(town, seconds);
    for (const client of clients) client.stop();
    await Promise.all(lives);
    await this.#judge(town, members, people);
  }

  async #goWrong(town: Town, seconds: number): Promise<void> {
    const log = join(town.folder, 'faults.log');
    const note = (line: string): void => appendFileSync(log, `${new Date().toISOString()} ${line}\n`);
    const faults = new Faults(town, this.#random.fork('faults'), note);
    this.book.paused = (ms) => note(`nothing was acknowledged for ${(ms / 1_000).toFixed(1)} s`);
    this.#faults = faults;
    const demons = Array.from({ length: FAULTS_AT_ONCE }, () => faults.run());
    const until = performance.now() + seconds * 1_000;
    const failed = Promise.all(demons).then(
      () => null,
      (error: Error) => error,
    );
    while (performance.now() < until) {
      const error = await Promise.race([failed, sleep(LOOK_MS, undefined)]);
      if (error instanceof Error) throw error;
      this.#options.live?.(this.#line());
    }
    faults.stop();
    const error = await failed;
    await heal(town, (name) => faults.restart(name));
    if (error !== null) throw error;
  }

  /** Everything is put right and the clients are quiet: now it must all be true. */
  async #judge(town: Town, members: Members, people: readonly Person[]): Promise<void> {
    await untilWhole(town);
    const left = await Promise.all(people.map((person) => person.finish(DOWNLOADS_MAX_MS)));
    this.problems.push(...left.flat());
    const readers = Array.from({ length: READERS }, (_, n) => members.open(n % this.#options.proxies));
    for (const [n, reader] of readers.entries()) await reader.signIn(`reader${n}`, 'the reader at the end');
    await readTheEnd(this.book, readers);
    const { problems, undecided } = judgeBook(this.book);
    this.problems.push(...problems);
    if (undecided.length > 0) this.#options.say(`Too many possibilities to judge: ${undecided.join(', ')}`);
    await untilWhole(town);
    await town.stop();
    this.problems.push(...verifyLedgers(town, this.book));
  }

  #died(name: string, why: string): void {
    const full = this.#faults?.now.includes(`full disk: ${name}`) === true;
    if (!full) this.book.violations.push(`${name} ended by itself (${why})`);
    this.#endedByDisk += full ? 1 : 0;
  }

  async #whatProcessesSay(): Promise<string> {
    const town = this.#town;
    if (town === null) return 'Nothing was started.';
    const say = async (name: string): Promise<string> =>
      `${name}: ${JSON.stringify(await Promise.race([town.status(name), sleep(2_000, 'no answer')]))}`;
    return (await Promise.all(town.servers.map(say))).join('\n');
  }

  #line(): string {
    const { acknowledged, refused, indeterminate } = this.book.counts;
    const seconds = Math.round((performance.now() - this.#beganAt) / 1_000);
    const { total = 0, now = [] } = this.#faults ?? {};
    return `${seconds} s  ${total} faults  ${acknowledged} acknowledged  ${refused} refused  ${indeterminate} indeterminate  ${this.library.completed} downloads  ${this.book.violations.length} violations  [${now.join(', ')}]`;
  }

  #sayEnd(): void {
    const { say } = this.#options;
    const { acknowledged, replicated, refused, indeterminate } = this.book.counts;
    for (const name of FAULTS) say(`${String(this.#faults?.counts.get(name) ?? 0).padStart(5)}  ${name}`);
    say(
      `${acknowledged} acknowledged (${replicated} changes on both replicas), ${refused} refused, ${indeterminate} of unknown outcome, ` +
        `${this.library.shared.length} files shared, ${this.library.completed} downloads complete, longest pause ${(this.book.longestPauseMs / 1_000).toFixed(1)} s, ` +
        `${this.#endedByDisk} processes ended by a full disk, ${this.problems.length} problems. Seed ${this.#options.seed}.`,
    );
  }
}

/** Never throws for what goes wrong in the network: that is a problem of the report. */
export const playChaos = (options: ChaosOptions): Promise<ChaosReport> => new Run(options).play();

const PROXIES: Readonly<Record<string, 1 | 3>> = { '1': 1, '3': 3 };
const QUIET_LINE_EVERY = 10;

const HELP = `npm run chaos -- [options]: real processes that are killed, stopped, cut off and out of room, and the checkers at the end.
  --minutes M   how long; default 1
  --seed S      of the faults; default random
  --proxies N   1 or 3, each of them a witness; default 1
  --no-keep     remove the folder of the network also where something failed
Status 0 where nothing was broken.`;

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '1' },
      seed: { type: 'string', default: String(randomInt(2 ** 31)) },
      proxies: { type: 'string', default: '1' },
      keep: { type: 'boolean', default: true },
      help: { type: 'boolean', default: false },
    },
    allowNegative: true,
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const seconds = Number(values.minutes) * 60;
  const seed = Number(values.seed);
  const proxies = PROXIES[values.proxies];
  if (!(seconds > 0 && seconds <= 86_400) || !Number.isSafeInteger(seed) || proxies === undefined) {
    console.error('--minutes is a number up to 1440, --seed a whole number, --proxies 1 or 3');
    return 2;
  }
  console.log(`Chaos for ${seconds} s with ${proxies === 1 ? 'one proxy' : 'three proxies'}, seed ${seed}`);
  let lines = 0;
  const live = (line: string): void => {
    if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${line.slice(0, process.stdout.columns - 1)}`);
    else if (lines++ % QUIET_LINE_EVERY === 0) console.log(line);
  };
  const say = (line: string): void => console.log(process.stdout.isTTY ? `\r\x1b[K${line}` : line);
  const { problems } = await playChaos({ seconds, seed, proxies, keep: values.keep, say, live });
  for (const problem of problems) console.error(`FAILED  ${problem}`);
  return problems.length === 0 ? 0 : 1;
};

if (import.meta.main) {
  leaveOnSignal();
  process.exit(await main());
}
