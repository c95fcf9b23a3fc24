// What `npm start` and `npm test` run, in plain JavaScript for whatever Node is there (20 or newer): installs what is
// missing, then goes on with the pinned Node.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants, availableParallelism } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Major and minor, as in bin/shoal.js. */
const NEEDED = [24, 12];
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const windows = process.platform === 'win32';

const readJson = (path) => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
};

/** Whether node_modules is what package-lock.json says: npm keeps a copy of the lock of what it installed. */
const isInstalled = () => {
  const wanted = readJson(join(root, 'package-lock.json'))?.packages ?? {};
  const have = readJson(join(root, 'node_modules', '.package-lock.json'))?.packages;
  if (have === undefined) return false;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || optional === true || have[path]?.version === version,
  );
};

const npm = (...args) => {
  const cli = process.env.npm_execpath;
  const [command, first] = cli?.endsWith('.js') ? [process.execPath, [cli]] : [windows ? 'npm.cmd' : 'npm', []];
  const { status } = spawnSync(command, [...first, ...args], { cwd: root, stdio: 'inherit', shell: windows && first.length === 0 });
  return status === 0;
};

const pinned = join(root, 'node_modules', 'node', 'bin', windows ? 'node.exe' : 'node');

const isNewEnough = (version) => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1]);
};

/** Whether a Node runs, and is new enough. */
const works = (node) =>
  existsSync(node) && isNewEnough((spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout ?? '').trim().slice(1));

const fail = (message) => {
  console.error(`shoal: ${message}`);
  process.exit(1);
};

const install = () => {
  if (!isInstalled()) {
    console.log('Installing what is missing, as package-lock.json says: npm install. This happens once, and again when that file changes.');
    // Not `npm ci`: it refuses a lock file that lacks the optional packages of some other platform, which registries may not have.
    if (!npm('install', '--no-save', '--no-audit', '--no-fund')) fail('"npm install" failed; its message is above.');
  }
  // The pinned Node arrives by an install script, which some settings of npm leave out.
  if (!works(pinned)) npm('rebuild', 'node', '--ignore-scripts=false', '--foreground-scripts');
};

const chooseNode = () => {
  if (works(pinned)) return pinned;
  if (isNewEnough(process.versions.node)) return process.execPath;
  return fail(
    `Node.js ${NEEDED.join('.')} is needed, and the pinned one could not be installed. Install it from https://nodejs.org and try again.`,
  );
};

const testPatterns = ['src/**/*.test.ts', 'simulations/**/*.test.ts', 'test/**/*.test.ts'];

/** What each task runs, for the pinned Node. */
const tasks = {
  start: (args) => ['bin/shoal.js', 'up', ...args.map(fromWhereNpmWasCalled)],
  test: (args) => {
    const flags = args.filter((arg) => arg.startsWith('-'));
    const named = args.filter((arg) => !arg.startsWith('-'));
    const concurrency = `--test-concurrency=${Math.max(2, availableParallelism())}`;
    return ['--test', concurrency, '--test-timeout=120000', ...flags, ...(named.length > 0 ? named : testPatterns)];
  },
};

/** npm runs scripts in the folder of the project: a path is meant as it was typed. */
function fromWhereNpmWasCalled(arg) {
  const typed = process.env.INIT_CWD;
  return typed === undefined || arg.startsWith('-') ? arg : resolve(typed, arg);
}

const [task = '', ...args] = process.argv.slice(2);
if (!Object.hasOwn(tasks, task)) fail(`no task "${task}"; there are: ${Object.keys(tasks).join(', ')}`);
install();
const node = chooseNode();
const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` };
// As in bin/shoal.js: a pipe that nobody writes to, whose end tells the tour that this process was killed.
const watched = task === 'start';
if (watched) env.SHOAL_LAUNCHER_FD = '3';
const child = spawn(node, tasks[task](args), { cwd: root, stdio: ['inherit', 'inherit', 'inherit', ...(watched ? ['pipe'] : [])], env });
child.stdio[3]?.on('error', () => {});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => fail(error.message));
child.on('exit', (code, signal) => {
  process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
});
