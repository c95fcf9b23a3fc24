import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { lockFolder } from './lock.ts';
import { moduleUrl } from './source-url.ts';

const inFolder = async (body: (folder: string) => Promise<void>): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-lock-'));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const program = `
  const { lockFolder } = await import(process.argv[1]);
  const lock = lockFolder(process.argv[2]);
  console.log(lock.ok ? 'held' : lock.error.message);
  if (lock.ok) setInterval(() => {}, 1000);
`;

/** Another process that takes the lock and keeps it until it is killed. */
const holder = async (folder: string): Promise<{ readonly child: ChildProcess; readonly said: string }> => {
  const lockModule = moduleUrl('./lock', import.meta.url).href;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, lockModule, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, said: said.toString().trim() };
};

describe('folder lock', () => {
  it('is for one holder at a time, and says who that is', () =>
    inFolder(async (folder) => {
      const first = lockFolder(folder);
      assert.ok(first.ok);
      const second = lockFolder(folder);
      assert.ok(!second.ok);
      assert.equal(second.error.code, 'in-use');
      assert.equal(second.error.pid, process.pid);
      first.value.release();
      first.value.release();
      const third = lockFolder(folder);
      assert.ok(third.ok);
      third.value.release();
    }));

  it('holds against other processes, both ways, and goes with a holder that is killed', { timeout: 30_000 }, () =>
    inFolder(async (folder) => {
      const { child, said } = await holder(folder);
      assert.equal(said, 'held');
      const refused = lockFolder(folder);
      assert.ok(!refused.ok);
      assert.equal(refused.error.pid, child.pid);
      assert.match(refused.error.message, new RegExp(`in use by process ${child.pid}`, 'u'));

      child.kill('SIGKILL');
      await once(child, 'exit');
      const taken = lockFolder(folder);
      assert.ok(taken.ok);

      const other = await holder(folder);
      assert.match(other.said, new RegExp(`in use by process ${process.pid}`, 'u'));
      taken.value.release();
    }),
  );

  it('says that the folder is missing', () => {
    const lock = lockFolder(join(tmpdir(), 'shoal-lock-none', 'none'));
    assert.ok(!lock.ok);
    assert.equal(lock.error.code, 'io');
    assert.equal(lock.error.pid, null);
  });
});
