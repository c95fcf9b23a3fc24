/** The launcher where the running Node is too old: it hands over to the pinned one, and takes it along when it ends. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeLocalNetwork } from '../src/cli/up/folder.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const skip =
  process.platform === 'win32'
    ? 'needs symbolic links'
    : existsSync(join(root, 'node_modules', 'node', 'bin', 'node'))
      ? false
      : 'the pinned Node is not installed';

describe('the launcher, on a Node that is too old', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-launcher-'));
  const launcher = join(folder, 'bin', 'shoal.js');
  const lab = join(folder, 'lab');

  before(async () => {
    // A checkout whose launcher finds no running Node new enough, whatever Node runs it.
    mkdirSync(join(folder, 'bin'));
    const text = readFileSync(join(root, 'bin', 'shoal.js'), 'utf8');
    const demanding = text.replace(/^const NEEDED = \[24, 12\];$/mu, 'const NEEDED = [10_000, 0];');
    assert.notEqual(demanding, text);
    writeFileSync(launcher, demanding);
    for (const name of ['src', 'node_modules', 'package.json']) symlinkSync(join(root, name), join(folder, name));
    await makeLocalNetwork(lab, ['alice'], 0);
  });
  const left = new Set<number>();
  after(() => {
    for (const pid of left) process.kill(pid, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  interface Started {
    readonly launched: ChildProcess;
    /** The process that does the work. */
    readonly pid: number;
    /** Resolves when both have ended: the output is held open by either. */
    readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; err: string }>;
  }

  const startProxy = (): Promise<Started> =>
    new Promise((resolve, reject) => {
      const launched = spawn(process.execPath, [launcher, 'proxy', '--config', join(lab, 'proxy.json')], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let err = '';
      launched.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
      const ended = new Promise<Awaited<Started['ended']>>((done) => {
        launched.once('close', (code, signal) => {
          done({ code, signal, err });
          reject(new Error(`It ended before it was ready: ${err}`));
        });
      });
      createInterface({ input: launched.stdout }).on('line', (line) => {
        const pid = /^ready proxy .* pid=(\d+)$/u.exec(line)?.[1];
        if (pid === undefined) return;
        left.add(Number(pid));
        void ended.then(() => left.delete(Number(pid)));
        resolve({ launched, pid: Number(pid), ended });
      });
    });

  it('is followed by its role, stopped cleanly, when it is killed', async () => {
    const { launched, pid, ended } = await startProxy();
    assert.notEqual(pid, launched.pid, 'the pinned Node does the work');
    launched.kill('SIGKILL');
    const { signal, err } = await ended;
    assert.equal(signal, 'SIGKILL');
    assert.match(err, /proxy proxy has stopped\./u);
  });

  it('passes signals on, and ends with the status of its role', async () => {
    const { launched, ended } = await startProxy();
    launched.kill('SIGTERM');
    const { code, err } = await ended;
    assert.deepEqual([code, err.match(/has stopped/gu)?.length], [0, 1], err);
  });
});
