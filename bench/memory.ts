/**
 * `npm run bench:memory`: how much memory a node holds while it seeds a thousand torrents and downloads one at full speed.
 * Real processes on loopback; exits with 1 where the peak is above the limit.
 */
import { randomBytes, randomFillSync } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import module from 'node:module';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type LocalNetwork, until } from '../src/cli/up/network.ts';
import { startNetwork } from './network.ts';
import { cpuSecondsOf } from './processes.ts';

const HELP = `npm run bench:memory -- [options]
  --torrents N     small contents that the node under test seeds; default 1000
  --mib N          size of the content that it downloads; default 1024
  --limit-mib N    resident memory that counts as too much; default 150
  --seconds N      for everything; default 540
  --dir DIR        where the files are; default /dev/shm where there is one, so that no disk is measured`;

const { values: options } = parseArgs({
  options: {
    torrents: { type: 'string', default: '1000' },
    mib: { type: 'string', default: '1024' },
    'limit-mib': { type: 'string', default: '150' },
    seconds: { type: 'string', default: '540' },
    dir: { type: 'string', default: existsSync('/dev/shm') ? '/dev/shm' : tmpdir() },
    help: { type: 'boolean', default: false },
  },
});

const whole = (name: 'torrents' | 'mib' | 'limit-mib' | 'seconds', most: number): number => {
  const value = Number(options[name]);
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return value;
  throw new Error(`--${name} must be a whole number from 1 to ${most}, not "${options[name]}"`);
};

const MIB = 1024 * 1024;
const SAMPLE_MS = 100;
const POLL_MS = 50;
/** Shares under way at one time: a node takes so many jobs and no more. */
const SHARES_AT_ONCE = 32;
const SMALL_BYTES = 24 * 1024;
const UNDER_TEST = 'holder';
const SOURCE = 'source';
type NodeName = typeof UNDER_TEST | typeof SOURCE;

const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
const say = (line: string): void => console.error(line);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Resident memory of a process in MiB: in all, and what is its own alone (neither a file's nor shared). Linux only. */
const memoryOf = (pid: number): { readonly resident: number; readonly anonymous: number; readonly shared: number } => {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (field: string): number => Number(new RegExp(`${field}:\\s+(\\d+)`, 'u').exec(status)?.[1] ?? 0) / 1024;
  return { resident: of('VmRSS'), anonymous: of('RssAnon'), shared: of('RssFile') + of('RssShmem') };
};

class Watch {
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;
  peak = { resident: 0, anonymous: 0, shared: 0 };
  #sum = 0;
  #samples = 0;

  constructor(pid: number) {
    this.#pid = pid;
    this.#timer = setInterval(() => this.#look(), SAMPLE_MS);
  }

  get mean(): number {
    return this.#sum / Math.max(1, this.#samples);
  }

  stop(): void {
    this.#look();
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = memoryOf(this.#pid);
    this.#sum += now.resident;
    this.#samples++;
    if (now.resident > this.peak.resident) this.peak = now;
  }
}

const show = ({ resident, anonymous, shared }: { resident: number; anonymous: number; shared: number }): string =>
  `${resident.toFixed(1)} MiB (${anonymous.toFixed(1)} its own, ${shared.toFixed(1)} of files and shared)`;

const shareOne = async (network: LocalNetwork<NodeName>, node: NodeName, path: string): Promise<string> => {
  const { job } = await network.ask(node, 'share', { paths: [path], name: null, tags: [], v1: false, pieceLength: null });
  for (;;) {
    const { state, id, message } = await network.ask(node, 'shareJob', { job });
    if (state === 'failed') throw new Error(`${node} cannot share ${path}: ${message}`);
    if (state === 'done' && id !== null) return id;
    await pause(POLL_MS);
  }
};

/** Small contents, each of one file of its own. */
const shareMany = async (network: LocalNetwork<NodeName>, folder: string, count: number): Promise<void> => {
  mkdirSync(folder);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      const n = next++;
      const path = join(folder, `small-${n}.bin`);
      writeFileSync(path, randomBytes(SMALL_BYTES));
      await shareOne(network, UNDER_TEST, path);
    }
  };
  await Promise.all(Array.from({ length: SHARES_AT_ONCE }, work));
};

const writeLarge = (path: string, mib: number): void => {
  const file = openSync(path, 'w');
  const chunk = Buffer.alloc(MIB);
  for (let written = 0; written < mib; written++) {
    randomFillSync(chunk);
    writeSync(file, chunk);
  }
  closeSync(file);
};

/** Downloads `id` while memory is watched; seconds that it took. */
const download = async (network: LocalNetwork<NodeName>, id: string): Promise<number> => {
  const beganAt = performance.now();
  await network.ask(UNDER_TEST, 'get', { what: id, to: null, files: [], sequential: false });
  for (;;) {
    const transfer = await network.transfer(UNDER_TEST, id);
    if (transfer?.state === 'seeding') return (performance.now() - beganAt) / 1000;
    if (transfer?.state === 'failed' || transfer?.state === 'paused') throw new Error(`The download stopped: ${transfer.reason}`);
    await pause(POLL_MS);
  }
};

const seedingAgain = (network: LocalNetwork<NodeName>, count: number): Promise<true> =>
  until(
    'Every content seeding again',
    async () => {
      const { transfers } = await network.ask(UNDER_TEST, 'transfers', { id: null });
      return transfers.filter(({ state }) => state === 'seeding').length >= count ? (true as const) : null;
    },
    120_000,
  );

const measure = async (folder: string, torrents: number, mib: number, limitMib: number): Promise<boolean> => {
  const network = await startNetwork<NodeName>(join(folder, 'network'), main, [UNDER_TEST, SOURCE]);
  try {
    const empty = memoryOf(network.child(UNDER_TEST).pid);
    const large = join(folder, 'large.bin');
    writeLarge(large, mib);
    const id = await shareOne(network, SOURCE, large);
    const sharing = new Watch(network.child(UNDER_TEST).pid);
    await shareMany(network, join(folder, 'small'), torrents);
    sharing.stop();
    say(`  ${torrents} contents are shared: peak ${show(sharing.peak)}`);
    // As a daemon is that has run for a while: what sharing took is no part of it.
    await network.child(UNDER_TEST).stop();
    await network.start(UNDER_TEST);
    const { pid } = network.child(UNDER_TEST);
    const starting = new Watch(pid);
    await seedingAgain(network, torrents);
    await pause(5_000);
    starting.stop();
    const idle = memoryOf(pid);
    say(`  it seeds them again after a restart: ${show(idle)}, peak ${show(starting.peak)}`);
    const cpuBefore = cpuSecondsOf(pid);
    const watch = new Watch(pid);
    const seconds = await download(network, id);
    watch.stop();
    const peak = Math.max(watch.peak.resident, starting.peak.resident);
    const rate = (mib * MIB) / 1e6 / seconds;
    console.log(`Node ${process.version}, ${cpus().length} CPUs, files in ${folder}; sampled every ${SAMPLE_MS} ms`);
    console.log(`a node that has nothing            ${show(empty)}`);
    console.log(
      `seeding ${String(torrents).padEnd(5)} contents             ${show(idle)}; while it starts up to ${starting.peak.resident.toFixed(1)} MiB`,
    );
    console.log(`and downloading ${mib} MiB           peak ${show(watch.peak)}, mean ${watch.mean.toFixed(1)} MiB`);
    console.log(
      `rate of the download               ${rate.toFixed(0)} MB/s (${seconds.toFixed(1)} s, ${(cpuSecondsOf(pid) - cpuBefore).toFixed(1)} CPU s)`,
    );
    console.log(
      `greatest                           ${peak.toFixed(1)} MiB, limit ${limitMib} MiB: ${peak <= limitMib ? 'kept' : 'EXCEEDED'}`,
    );
    return peak <= limitMib;
  } finally {
    await network.stop();
  }
};

// As the launcher does: without it, every process that reads TypeScript also holds what translates it.
module.enableCompileCache();
if (options.help) console.log(HELP);
else {
  const [torrents, mib, limitMib, seconds] = [
    whole('torrents', 100_000),
    whole('mib', 65_536),
    whole('limit-mib', 65_536),
    whole('seconds', 86_400),
  ];
  const folder = mkdtempSync(join(options.dir, 'shoal-memory-'));
  const clear = (): void => rmSync(folder, { recursive: true, force: true });
  const over = setTimeout(() => {
    console.error(`Not done within ${seconds} s.`);
    clear();
    process.exit(1);
  }, seconds * 1000);
  try {
    process.exitCode = (await measure(folder, torrents, mib, limitMib)) ? 0 : 1;
  } finally {
    clearTimeout(over);
    clear();
  }
}
