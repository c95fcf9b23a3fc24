import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { DiskFailure } from '../ports/disk.ts';
import { diskContract } from '../ports/disk.contract.ts';
import { ask } from '../ports/harness.contract.ts';
import type { Result } from '../protocol/result.ts';
import { createDisk, type DiskOptions } from './disk.ts';
import { diskFailure } from './disk-failure.ts';
import { systemHarness } from './harness.contract.ts';

const setup = (options: DiskOptions = {}) => {
  const root = mkdtempSync(join(tmpdir(), 'shoal-disk-'));
  const harness = systemHarness(() => rmSync(root, { recursive: true, force: true }));
  return { ...harness, root, disk: createDisk(harness.reactor, options) };
};

diskContract('system', setup);
diskContract('system, one operation at a time', () => setup({ operationsUnderWayMax: 1 }));

describe('system disk', () => {
  it('makes secret files readable by their owner alone', { skip: process.platform === 'win32' }, async () => {
    const { disk, root, ...harness } = setup();
    await ask(harness, (done) => disk.writeFile(join(root, 'token'), new Uint8Array(3), { secret: true }, done));
    assert.equal(statSync(join(root, 'token')).mode & 0o777, 0o600);
    await harness.close();
  });

  it('does not keep the looser mode of what a crash left beside a secret file', { skip: process.platform === 'win32' }, async () => {
    const { disk, root, ...harness } = setup();
    writeFileSync(join(root, '.token.new'), 'left by a crash', { mode: 0o644 });
    await ask(harness, (done) => disk.writeFile(join(root, 'token'), new Uint8Array(3), { secret: true }, done));
    assert.equal(statSync(join(root, 'token')).mode & 0o777, 0o600);
    assert.equal(existsSync(join(root, '.token.new')), false);
    await harness.close();
  });

  it('does not follow a link at the end of a path', { skip: process.platform === 'win32' }, async () => {
    const { disk, root, ...harness } = setup();
    symlinkSync('/nowhere', join(root, 'link'));
    const result = await ask<Result<{ kind: string }, DiskFailure>>(harness, (done) => disk.stat(join(root, 'link'), done));
    assert.equal(result.ok && result.value.kind, 'link');
    await harness.close();
  });

  it('makes folders with those above them, and answers where a file is in the way or the system makes none', async () => {
    const { disk, root, ...harness } = setup();
    const make = (path: string): Promise<Result<void, DiskFailure>> => ask(harness, (done) => disk.makeFolder(path, done));
    assert.ok((await make(join(root, 'a', 'b', 'c'))).ok);
    assert.ok((await make(join(root, 'a', 'b', 'c'))).ok);
    assert.ok(statSync(join(root, 'a', 'b', 'c')).isDirectory());
    writeFileSync(join(root, 'file'), '');
    for (const path of ['file', join('file', 'below')]) assert.equal((await make(join(root, path))).ok, false, path);
    if (process.platform === 'linux') assert.equal((await make('/proc/shoal-nothing/below')).ok, false);
    await harness.close();
  });

  it('says that permission is denied', { skip: process.getuid?.() === 0 || process.platform === 'win32' }, async () => {
    const { disk, root, ...harness } = setup();
    chmodSync(root, 0o500);
    const result = await ask<Result<void, DiskFailure>>(harness, (done) => disk.writeFile(join(root, 'a'), new Uint8Array(1), {}, done));
    assert.equal(!result.ok && result.error.code, 'denied');
    await harness.close();
  });

  it('tells a full disk from other failures', () => {
    const codeOf = (code: string): string => diskFailure(Object.assign(new Error(code), { code }), 'write /a').error.code;
    assert.equal(codeOf('ENOSPC'), 'full');
    assert.equal(codeOf('EDQUOT'), 'full');
    assert.equal(codeOf('EROFS'), 'denied');
    assert.equal(codeOf('EIO'), 'io');
    assert.equal(
      diskFailure(Object.assign(new Error('x'), { code: 'ENOSPC' }), 'write /a').error.message,
      'Could not write /a: the disk is full or its quota is used up.',
    );
  });

  it('says in words what the system says in codes', async () => {
    const { disk, root, ...harness } = setup();
    writeFileSync(join(root, 'file'), 'x');
    const below: Result<unknown, DiskFailure> = await ask(harness, (done) => disk.stat(join(root, 'file', 'below'), done));
    assert.match(below.ok ? '' : below.error.message, /^Could not look at .*file\/below: a part of the path is a file, not a folder\.$/u);
    const readOnly = diskFailure(Object.assign(new Error('EROFS: x'), { code: 'EROFS' }), 'open /cd/x');
    assert.deepEqual(readOnly.error, { code: 'denied', message: 'Could not open /cd/x: the file system is read-only.' });
    await harness.close();
  });

  it('reports a real full device', { skip: !existsSync('/dev/full') }, async () => {
    const { disk, ...harness } = setup();
    const file = await ask<Result<number, DiskFailure>>(harness, (done) => disk.open('/dev/full', 'write', done));
    assert.ok(file.ok);
    const result = await ask<Result<void, DiskFailure>>(harness, (done) => disk.write(file.value, 0, new Uint8Array(10), done));
    assert.equal(!result.ok && result.error.code, 'full');
    await ask(harness, (done) => disk.close(file.value, done));
    await harness.close();
  });

  it('refuses operations beyond its limit, and serves those before it', async () => {
    const { disk, root, ...harness } = setup({ operationsUnderWayMax: 1, operationsWaitingMax: 5 });
    const codes: string[] = [];
    harness.inStep(() => {
      for (let i = 0; i < 8; i++) disk.stat(root, (result) => codes.push(result.ok ? 'ok' : result.error.code));
    });
    await harness.until(() => codes.length === 8);
    assert.deepEqual(codes.toSorted(), ['io', 'io', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok']);
    await harness.close();
  });

  it('refuses to list a folder with more entries than its limit', async () => {
    const { disk, root, ...harness } = setup({ folderEntriesMax: 2 });
    for (const name of ['a', 'b', 'c']) writeFileSync(join(root, name), '');
    const result = await ask<Result<unknown, DiskFailure>>(harness, (done) => disk.list(root, done));
    assert.match(result.ok ? '' : result.error.message, /more than 2 entries/u);
    await harness.close();
  });
});
