#!/usr/bin/env node
// The launcher, in plain JavaScript so that any Node can read it: it runs Shoal with the running Node if that is new
// enough, else with the one that is installed beside it, else it says what to do.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Major and minor: argon2 came with 24.7, and 24.12 reads TypeScript without a warning. */
const NEEDED = [24, 12];
const EXIT_UNAVAILABLE = 69;
const root = join(dirname(fileURLToPath(import.meta.url)), '..');

// A checkout has the source and runs it as it is; an installed package has plain JavaScript.
const source = join(root, 'src', 'cli', 'main.ts');
const main = existsSync(source) ? source : join(root, 'dist', 'src', 'cli', 'main.js');

const isNewEnough = (version) => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1]);
};

const executable = process.platform === 'win32' ? 'node.exe' : 'node';
const pinnedNode = () =>
  [join(root, 'node_modules', 'node', 'bin', executable), join(root, '..', 'node', 'bin', executable)].find((path) => existsSync(path));

const runWith = (node) => {
  // Nobody writes to the pipe: its end tells the child that this launcher is gone, also where it was killed.
  const child = spawn(node, [main, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...process.env, SHOAL_LAUNCHER_FD: '3' },
  });
  child.stdio[3]?.on('error', () => {});
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`shoal: cannot run ${node}: ${error.message}`);
    process.exitCode = EXIT_UNAVAILABLE;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
  });
};

const explain = () => {
  const setUp = existsSync(source)
    ? `Run "npm install" in ${root}: it brings the right one.`
    : 'Install it from https://nodejs.org, or with a version manager such as nvm or fnm.';
  console.error(`shoal needs Node.js ${NEEDED.join('.')} or newer; this is ${process.version}. ${setUp}`);
  process.exitCode = EXIT_UNAVAILABLE;
};

if (isNewEnough(process.versions.node)) {
  // Compiled code is kept between runs: a command starts in half the time.
  module.enableCompileCache();
  await import(pathToFileURL(main).href);
} else {
  const node = pinnedNode();
  if (node === undefined) explain();
  else runWith(node);
}
