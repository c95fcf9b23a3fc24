/** The programs of others that are needed: where they are, which versions, and what a missing one means. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { machinesMissing } from './machines.ts';

export type ProgramName = 'aria2' | 'transmission' | 'libtorrent' | 'opentracker' | 'mktorrent' | 'webtorrent' | 'bittorrent-tracker';

const root = join(import.meta.dirname, '..', '..');
/** Where the two packages of npm are put: in the checkout, and none of it is committed. */
export const packagesFolder = join(root, '.interop');
const packages = { webtorrent: '3.0.21', 'bittorrent-tracker': '11.2.3' } as const;
/** Debian's Python is the one that has libtorrent. */
const pythons = ['/usr/bin/python3', 'python3'];

const output = (command: string, ...args: readonly string[]): string | null => {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 20_000 });
  return status === null ? null : `${stdout}${stderr}`;
};

const versionBy = (pattern: RegExp, command: string, ...args: readonly string[]): string | null =>
  pattern.exec(output(command, ...args) ?? '')?.[1] ?? null;

const packageVersion = (name: string): string | null => {
  const path = join(packagesFolder, 'node_modules', name, 'package.json');
  if (!existsSync(path)) return null;
  return (JSON.parse(readFileSync(path, 'utf8')) as { readonly version: string }).version;
};

/** The Python that can import libtorrent; null where there is none. */
export const pythonWithLibtorrent = (): string | null =>
  pythons.find((python) => spawnSync(python, ['-c', 'import libtorrent'], { timeout: 20_000 }).status === 0) ?? null;

const libtorrentVersion = (): string | null => {
  const python = pythonWithLibtorrent();
  return python === null ? null : versionBy(/^([\d.]+)/u, python, '-c', 'import libtorrent; print(libtorrent.__version__)');
};

/** Its version where Debian installed it; the program itself tells none. */
const opentrackerVersion = (): string | null => {
  const help = output('opentracker', '-h');
  if (help === null || !help.includes('opentracker')) return null;
  return versionBy(/^(\S+)/u, 'dpkg-query', '-W', '-f', '${Version}', 'opentracker') ?? 'of unknown version';
};

const finders: Readonly<Record<ProgramName, () => string | null>> = {
  aria2: () => versionBy(/aria2 version (\S+)/u, 'aria2c', '--version'),
  transmission: () => versionBy(/transmission-daemon (\S+)/u, 'transmission-daemon', '--version'),
  libtorrent: libtorrentVersion,
  opentracker: opentrackerVersion,
  mktorrent: () => versionBy(/mktorrent (\S+)/u, 'mktorrent', '-h'),
  webtorrent: () => packageVersion('webtorrent'),
  'bittorrent-tracker': () => packageVersion('bittorrent-tracker'),
};

const known = new Map<ProgramName, string | null>();

/** Null where it is not installed. */
export const versionOf = (name: ProgramName): string | null => {
  const version = known.has(name) ? (known.get(name) ?? null) : finders[name]();
  known.set(name, version);
  return version;
};

/** `npm run test:interop` sets this: what is missing fails then. */
export const demanded = process.env['SHOAL_INTEROP'] === 'demand';
const left = process.env['SHOAL_INTEROP'] === 'skip';

/**
 * For the option `skip` of a test that needs these; where they are demanded, a missing one fails it instead. `large`: it runs
 * only where all is demanded, for `npm test` is not to take minutes longer.
 */
export const skipWithout = (names: readonly ProgramName[], { large = false }: { readonly large?: boolean } = {}): string | false => {
  if (large && !demanded) return 'a part of npm run test:interop alone';
  if (left) return 'left to npm run test:interop (SHOAL_INTEROP=skip)';
  const missing = names.filter((name) => versionOf(name) === null);
  const reasons = [
    ...(missing.length > 0 ? [`not installed here: ${missing.join(', ')}`] : []),
    ...[machinesMissing()].filter((reason) => reason !== null),
  ];
  if (reasons.length === 0) return false;
  if (demanded) throw new Error(`npm run test:interop needs more: ${reasons.join('; ')}`);
  return reasons.join('; ');
};

/** Puts the packages of npm into their folder; their install scripts, which fetch from elsewhere, do not run. */
export const installPackages = (): string | null => {
  if (Object.entries(packages).every(([name, version]) => packageVersion(name) === version)) return null;
  mkdirSync(packagesFolder, { recursive: true });
  writeFileSync(
    join(packagesFolder, 'package.json'),
    `${JSON.stringify({ private: true, type: 'module', dependencies: packages }, null, 2)}\n`,
  );
  const { status, stderr, error } = spawnSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'], {
    cwd: packagesFolder,
    encoding: 'utf8',
    timeout: 180_000,
  });
  return status === 0 ? null : `npm install in ${packagesFolder}: ${error?.message ?? stderr}`;
};
