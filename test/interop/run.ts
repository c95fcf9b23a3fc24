/**
 * `npm run test:interop`: what is proven with other people's programs. Installs the packages of npm where they are missing,
 * demands all programs, prints the matrix, and leaves it in logs/interop; with --record in docs/interop.md and .json too.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { matrixText, type MatrixRun } from './matrix.ts';
import { installPackages, type ProgramName, versionOf } from './programs.ts';
import type { CellOutcome } from './record.ts';

const root = join(import.meta.dirname, '..', '..');
const out = join(root, 'logs', 'interop');
const names: readonly ProgramName[] = [
  'aria2',
  'transmission',
  'libtorrent',
  'webtorrent',
  'opentracker',
  'bittorrent-tracker',
  'mktorrent',
];

const wrong = installPackages();
if (wrong !== null) process.stderr.write(`${wrong}\n`);

mkdirSync(out, { recursive: true });
const records = mkdtempSync(join(out, 'records-'));
const { status } = spawnSync(
  process.execPath,
  [
    '--test',
    `--test-concurrency=${availableParallelism() + 1}`,
    '--test-timeout=180000',
    ...globSync('test/interop/*.test.ts', { cwd: root }).sort(),
  ],
  { cwd: root, stdio: 'inherit', env: { ...process.env, SHOAL_INTEROP: 'demand', SHOAL_INTEROP_RECORD: records } },
);

const cells = readdirSync(records).flatMap((file) =>
  readFileSync(join(records, file), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as CellOutcome),
);
rmSync(records, { recursive: true });

const commit = (): string => {
  try {
    return execFileSync('git', ['rev-parse', '--short=10', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
};

const run: MatrixRun = {
  date: new Date().toISOString().slice(0, 10),
  commit: commit(),
  node: process.version,
  versions: Object.fromEntries(names.map((name) => [name, versionOf(name)])),
  cells,
};
const [json, text] = [`${JSON.stringify(run, null, 2)}\n`, matrixText(run)];
const folders = process.argv.includes('--record') ? [out, join(root, 'docs')] : [out];
for (const folder of folders) {
  const name = folder === out ? 'matrix' : 'interop';
  writeFileSync(join(folder, `${name}.json`), json);
  writeFileSync(join(folder, `${name}.md`), text);
}
process.stdout.write(`\n${text}`);
process.exitCode = wrong === null ? (status ?? 1) : 1;
