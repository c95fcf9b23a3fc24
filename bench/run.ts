/** `npm run bench`: prints how fast files go, at what cost of CPU, and how many announces a tracker takes. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { benchAnnounces } from './announces.ts';
import { benchTransfer } from './transfer.ts';

const HELP = `npm run bench -- [options]
  --only transfer|announces   measure that alone
  --mib N                     size of the file; default 1024
  --runs N                    transfers of each kind, and rounds of announces; default 5
  --seeders 1,4               how many nodes to download from, in turn; up to 4
  --dir DIR                   where the files are; default /dev/shm where there is one, so that no disk is measured`;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    mib: { type: 'string', default: '1024' },
    runs: { type: 'string', default: '5' },
    seeders: { type: 'string', default: '1,4' },
    dir: { type: 'string', default: existsSync('/dev/shm') ? '/dev/shm' : tmpdir() },
    help: { type: 'boolean', default: false },
  },
});

const whole = (name: string, text: string, most: number): number => {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return value;
  throw new Error(`--${name} must be a whole number from 1 to ${most}, not "${text}"`);
};

const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
const say = (line: string): void => console.error(line);

const measure = async (): Promise<void> => {
  const runs = whole('runs', options.runs, 100);
  const mib = whole('mib', options.mib, 65_536);
  const seeders = options.seeders.split(',').map((count) => whole('seeders', count, 4));
  const folder = mkdtempSync(join(options.dir, 'shoal-bench-'));
  try {
    console.log(
      `Node ${process.version}, ${cpus().length} CPUs (${cpus()[0]?.model.trim()}), files in ${options.dir}. Median (least–greatest) of ${runs}.\n`,
    );
    if (options.only !== 'announces') console.log(`${await benchTransfer({ folder, mib, runs, seeders, say }, main)}\n`);
    if (options.only !== 'transfer') {
      const plan = { folder, contents: 1_000, nodes: 1_000, swarms: 50, rounds: runs, seconds: 4, say };
      console.log(await benchAnnounces(plan, main));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

if (options.help) console.log(HELP);
else await measure();
