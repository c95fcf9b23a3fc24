import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Result } from '../protocol/result.ts';
import type { Disk, DiskFailure, FileHandle } from './disk.ts';
import { ask, type Harness } from './harness.contract.ts';

/** `root`: an existing empty folder. */
type Setup = () => Harness & { readonly disk: Disk; readonly root: string };

const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const read = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

const value = <T>(result: Result<T, DiskFailure>): T => {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
};
const codeOf = (result: Result<unknown, DiskFailure>): string => {
  if (result.ok) return 'ok';
  assert.match(result.error.message, /^Could not .+\.$|^File .+ is not open\.$/u);
  return result.error.code;
};

/** The port with answers awaited. */
const askDisk = (harness: Harness, disk: Disk) => ({
  open: (path: string, mode: 'read' | 'write') => ask<Result<FileHandle, DiskFailure>>(harness, (done) => disk.open(path, mode, done)),
  read: (file: FileHandle, offset: number, into: Uint8Array) =>
    ask<Result<number, DiskFailure>>(harness, (done) => disk.read(file, offset, into, done)),
  write: (file: FileHandle, offset: number, bytes: Uint8Array) =>
    ask<Result<void, DiskFailure>>(harness, (done) => disk.write(file, offset, bytes, done)),
  truncate: (file: FileHandle, size: number) => ask<Result<void, DiskFailure>>(harness, (done) => disk.truncate(file, size, done)),
  sync: (file: FileHandle) => ask<Result<void, DiskFailure>>(harness, (done) => disk.sync(file, done)),
  close: (file: FileHandle) => ask<Result<void, DiskFailure>>(harness, (done) => disk.close(file, done)),
  stat: (path: string) => ask<Parameters<Parameters<Disk['stat']>[1]>[0]>(harness, (done) => disk.stat(path, done)),
  list: (path: string) => ask<Parameters<Parameters<Disk['list']>[1]>[0]>(harness, (done) => disk.list(path, done)),
  makeFolder: (path: string) => ask<Result<void, DiskFailure>>(harness, (done) => disk.makeFolder(path, done)),
  rename: (from: string, to: string) => ask<Result<void, DiskFailure>>(harness, (done) => disk.rename(from, to, done)),
  remove: (path: string) => ask<Result<void, DiskFailure>>(harness, (done) => disk.remove(path, done)),
  readFile: (path: string, max = 1_000_000) => ask<Result<Uint8Array, DiskFailure>>(harness, (done) => disk.readFile(path, max, done)),
  writeFile: (path: string, content: string, secret = false) =>
    ask<Result<void, DiskFailure>>(harness, (done) => disk.writeFile(path, text(content), { secret }, done)),
});

export type AskDisk = ReturnType<typeof askDisk>;

/** What every disk does. */
export const diskContract = (name: string, setup: Setup): void => {
  describe(`disk contract: ${name}`, () => {
    const scene = async (body: (disk: AskDisk, root: string, port: Disk, harness: Harness) => Promise<void>): Promise<void> => {
      const harness = setup();
      try {
        await body(askDisk(harness, harness.disk), harness.root, harness.disk, harness);
      } finally {
        await harness.close();
      }
    };

    it('reads back what was written at offsets, with zeros in the gap', () =>
      scene(async (disk, root) => {
        const file = value(await disk.open(`${root}/a`, 'write'));
        value(await disk.write(file, 100_000, text('later')));
        value(await disk.write(file, 0, text('first')));
        const into = new Uint8Array(100_005);
        assert.equal(value(await disk.read(file, 0, into)), 100_005);
        assert.equal(read(into.subarray(0, 5)), 'first');
        assert.equal(read(into.subarray(100_000)), 'later');
        assert.ok(into.subarray(5, 100_000).every((byte) => byte === 0));
        value(await disk.sync(file));
        value(await disk.close(file));
        assert.equal(value(await disk.stat(`${root}/a`)).size, 100_005);
      }));

    it('reads fewer bytes only at the end of the file', () =>
      scene(async (disk, root) => {
        value(await disk.writeFile(`${root}/a`, 'abcdef'));
        const file = value(await disk.open(`${root}/a`, 'read'));
        const into = new Uint8Array(4);
        assert.equal(value(await disk.read(file, 0, into)), 4);
        assert.equal(value(await disk.read(file, 4, into)), 2);
        assert.equal(read(into), 'efcd');
        assert.equal(value(await disk.read(file, 6, into)), 0);
        assert.equal(value(await disk.read(file, 600, into)), 0);
        value(await disk.close(file));
      }));

    it('opens for reading only what is there, and for writing without harm to what is there', () =>
      scene(async (disk, root) => {
        assert.equal(codeOf(await disk.open(`${root}/none`, 'read')), 'missing');
        assert.equal(codeOf(await disk.open(`${root}/no-folder/none`, 'write')), 'missing');
        value(await disk.writeFile(`${root}/a`, 'content'));
        value(await disk.close(value(await disk.open(`${root}/a`, 'write'))));
        assert.equal(read(value(await disk.readFile(`${root}/a`))), 'content');
      }));

    it('truncates and extends', () =>
      scene(async (disk, root) => {
        const file = value(await disk.open(`${root}/a`, 'write'));
        value(await disk.write(file, 0, new Uint8Array(70_000).fill(1)));
        value(await disk.truncate(file, 10));
        value(await disk.truncate(file, 70_000));
        const into = new Uint8Array(70_000);
        assert.equal(value(await disk.read(file, 0, into)), 70_000);
        assert.equal(
          into.reduce((sum, byte) => sum + byte, 0),
          10,
        );
        value(await disk.close(file));
      }));

    it('fails with io on a file that is closed', () =>
      scene(async (disk, root) => {
        const file = value(await disk.open(`${root}/a`, 'write'));
        value(await disk.close(file));
        assert.equal(codeOf(await disk.write(file, 0, text('x'))), 'io');
        assert.equal(codeOf(await disk.read(file, 0, new Uint8Array(1))), 'io');
        assert.equal(codeOf(await disk.sync(file)), 'io');
        assert.equal(codeOf(await disk.close(file)), 'io');
      }));

    it('closes after the operations that were asked before', () =>
      scene(async (disk, root, port, harness) => {
        const file = value(await disk.open(`${root}/a`, 'write'));
        const results: string[] = [];
        harness.inStep(() => {
          for (let i = 0; i < 40; i++) {
            port.write(file, i * 1_000, new Uint8Array(1_000).fill(i), (result) => results.push(`write ${codeOf(result)}`));
            // Beyond the end: a system has to be asked twice, and must not find the file closed the second time.
            port.read(file, 40_000, new Uint8Array(1_000), (result) => results.push(`read ${codeOf(result)}`));
          }
          port.close(file, (result) => results.push(`close ${codeOf(result)}`));
        });
        await harness.until(() => results.length === 81);
        for (const [what, count] of Object.entries({ 'write ok': 40, 'read ok': 40, 'close ok': 1 })) {
          assert.equal(results.filter((each) => each === what).length, count, what);
        }
        assert.equal(value(await disk.stat(`${root}/a`)).size, 40_000);
      }));

    it('reads to the end of a file that is closed meanwhile', () =>
      scene(async (disk, root, port, harness) => {
        value(await disk.writeFile(`${root}/a`, '12345'));
        for (let round = 0; round < 20; round++) {
          const file = value(await disk.open(`${root}/a`, 'read'));
          const counts: unknown[] = [];
          harness.inStep(() => {
            port.read(file, 0, new Uint8Array(10), (result) => counts.push(result.ok ? result.value : result.error.message));
            port.close(file, (result) => counts.push(codeOf(result)));
          });
          await harness.until(() => counts.length === 2);
          assert.deepEqual(counts, [5, 'ok']);
        }
      }));

    it('says what is at a path', () =>
      scene(async (disk, root) => {
        value(await disk.writeFile(`${root}/a`, '12345'));
        value(await disk.makeFolder(`${root}/folder`));
        const stat = value(await disk.stat(`${root}/a`));
        assert.equal(stat.kind, 'file');
        assert.equal(stat.size, 5);
        assert.ok(stat.modifiedMs > Date.UTC(2020, 0, 1));
        assert.equal(value(await disk.stat(`${root}/folder`)).kind, 'folder');
        assert.equal(codeOf(await disk.stat(`${root}/none`)), 'missing');
      }));

    it('gives a file that took the name of another an identity of its own', () =>
      scene(async (disk, root) => {
        value(await disk.writeFile(`${root}/a`, 'one'));
        value(await disk.writeFile(`${root}/b`, 'two'));
        const before = value(await disk.stat(`${root}/a`)).identity;
        value(await disk.rename(`${root}/b`, `${root}/a`));
        assert.notEqual(value(await disk.stat(`${root}/a`)).identity, before);
      }));

    it('lists one folder, not those in it', () =>
      scene(async (disk, root) => {
        value(await disk.makeFolder(`${root}/x/y`));
        value(await disk.writeFile(`${root}/tệp rỗng`, ''));
        value(await disk.writeFile(`${root}/x/inside`, ''));
        const names = value(await disk.list(root)).map((entry) => `${entry.kind} ${entry.name}`);
        assert.deepEqual(names.toSorted(), ['file tệp rỗng', 'folder x']);
        assert.equal(codeOf(await disk.list(`${root}/none`)), 'missing');
      }));

    it('makes folders with their parents, again without failure, but not over a file', () =>
      scene(async (disk, root) => {
        value(await disk.makeFolder(`${root}/p/q/r`));
        value(await disk.makeFolder(`${root}/p/q/r`));
        assert.equal(value(await disk.stat(`${root}/p/q/r`)).kind, 'folder');
        value(await disk.writeFile(`${root}/file`, ''));
        assert.equal(codeOf(await disk.makeFolder(`${root}/file`)), 'exists');
      }));

    it('renames over what is there', () =>
      scene(async (disk, root) => {
        value(await disk.writeFile(`${root}/new`, 'new'));
        value(await disk.writeFile(`${root}/old`, 'old'));
        value(await disk.rename(`${root}/new`, `${root}/old`));
        assert.equal(read(value(await disk.readFile(`${root}/old`))), 'new');
        assert.equal(codeOf(await disk.stat(`${root}/new`)), 'missing');
        assert.equal(codeOf(await disk.rename(`${root}/none`, `${root}/b`)), 'missing');
      }));

    it('keeps an open file open when it is renamed', () =>
      scene(async (disk, root) => {
        const file = value(await disk.open(`${root}/a.part`, 'write'));
        value(await disk.write(file, 0, text('before ')));
        value(await disk.rename(`${root}/a.part`, `${root}/a`));
        value(await disk.write(file, 7, text('after')));
        value(await disk.close(file));
        assert.equal(read(value(await disk.readFile(`${root}/a`))), 'before after');
      }));

    it('renames a folder with what is in it', () =>
      scene(async (disk, root) => {
        value(await disk.makeFolder(`${root}/a.part/deep`));
        value(await disk.writeFile(`${root}/a.part/deep/file`, 'content'));
        value(await disk.rename(`${root}/a.part`, `${root}/a`));
        assert.equal(read(value(await disk.readFile(`${root}/a/deep/file`))), 'content');
        assert.equal(codeOf(await disk.stat(`${root}/a.part`)), 'missing');
      }));

    it('removes files and empty folders, and what is missing without failure', () =>
      scene(async (disk, root) => {
        value(await disk.makeFolder(`${root}/folder`));
        value(await disk.writeFile(`${root}/folder/a`, 'a'));
        assert.equal(codeOf(await disk.remove(`${root}/folder`)), 'io');
        value(await disk.remove(`${root}/folder/a`));
        value(await disk.remove(`${root}/folder`));
        value(await disk.remove(`${root}/folder`));
        assert.deepEqual(value(await disk.list(root)), []);
      }));

    it('reads a small file whole, and refuses one that is larger than allowed', () =>
      scene(async (disk, root) => {
        value(await disk.writeFile(`${root}/a`, '12345'));
        assert.equal(read(value(await disk.readFile(`${root}/a`, 5))), '12345');
        assert.equal(codeOf(await disk.readFile(`${root}/a`, 4)), 'io');
        assert.equal(codeOf(await disk.readFile(`${root}/none`)), 'missing');
      }));

    it('leaves the last of several whole-file writes asked at once, and nothing beside it', () =>
      scene(async (disk, root, port, harness) => {
        let written = 0;
        harness.inStep(() => {
          for (let i = 0; i < 30; i++) port.writeFile(`${root}/state.json`, text(`version ${i}`), { secret: i % 2 === 0 }, () => written++);
        });
        await harness.until(() => written === 30);
        assert.equal(read(value(await disk.readFile(`${root}/state.json`))), 'version 29');
        assert.deepEqual(
          value(await disk.list(root)).map((entry) => entry.name),
          ['state.json'],
        );
      }));

    it('leaves no half-made file where a whole-file write fails', () =>
      scene(async (disk, root) => {
        assert.equal(codeOf(await disk.writeFile(`${root}/none/a`, 'a')), 'missing');
        value(await disk.makeFolder(`${root}/taken`));
        value(await disk.writeFile(`${root}/taken/inside`, ''));
        assert.notEqual(codeOf(await disk.writeFile(`${root}/taken`, 'a')), 'ok');
        assert.deepEqual(
          value(await disk.list(root)).map((entry) => entry.name),
          ['taken'],
        );
      }));
  });
};
