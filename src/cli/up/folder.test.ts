import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CommandError, EXIT } from '../exit.ts';
import { compare, digestsOf, wordsOf } from './files.ts';
import { takeFolder } from './folder.ts';

const endsWith = (status: number) => (error: unknown) => error instanceof CommandError && error.exitCode === status;

describe('the folder of a tour', () => {
  let parent = '';
  before(() => void (parent = mkdtempSync(join(tmpdir(), 'shoal-up-'))));
  after(() => rmSync(parent, { recursive: true, force: true }));

  it('is one tour at a time, and what the last one left is cleared', () => {
    const folder = join(parent, '.shoal');
    const first = takeFolder(folder);
    assert.equal(first.cleared, false);
    mkdirSync(join(folder, 'network', 'data'), { recursive: true });
    assert.throws(() => takeFolder(folder), endsWith(EXIT.unavailable));
    assert.ok(existsSync(join(folder, 'network', 'data')), 'the running tour keeps its state');
    first.lock.release();
    const second = takeFolder(folder);
    assert.equal(second.cleared, true);
    assert.ok(!existsSync(join(folder, 'network')));
    second.lock.release();
  });

  it('is left alone when it holds something of somebody else, a network folder not made by a tour included', () => {
    const mixed = join(parent, 'mixed');
    takeFolder(mixed).lock.release();
    writeFileSync(join(mixed, 'thesis.tex'), 'precious');
    assert.throws(() => takeFolder(mixed), endsWith(EXIT.cannotCreate));
    const other = join(parent, 'other');
    mkdirSync(join(other, 'network'), { recursive: true });
    writeFileSync(join(other, 'network', 'plan.txt'), 'precious');
    assert.throws(() => takeFolder(other), endsWith(EXIT.cannotCreate));
    assert.equal(readFileSync(join(other, 'network', 'plan.txt'), 'utf8'), 'precious');
  });

  it('is refused with a sentence where it cannot be made', { skip: !existsSync('/proc/self') }, () => {
    assert.throws(() => takeFolder('/proc/shoal-nothing'), endsWith(EXIT.cannotCreate));
    writeFileSync(join(parent, 'file'), '');
    assert.throws(() => takeFolder(join(parent, 'file')), endsWith(EXIT.cannotCreate));
  });
});

describe('the proof that copies are true', () => {
  it('finds a changed byte and a missing file, and names the file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'shoal-copies-'));
    for (const side of ['a', 'b']) {
      mkdirSync(join(folder, side, 'sâu'), { recursive: true });
      writeFileSync(join(folder, side, 'sâu', 'tệp'), 'same');
      writeFileSync(join(folder, side, 'empty'), '');
    }
    const original = await digestsOf(join(folder, 'a'));
    assert.equal(compare(original, await digestsOf(join(folder, 'b')), 'b'), 2);
    writeFileSync(join(folder, 'b', 'sâu', 'tệp'), 'samE');
    assert.throws(() => compare(original, new Map(), 'b'), /b\/.+ is not what was shared/u);
    const changed = await digestsOf(join(folder, 'b'));
    assert.throws(() => compare(original, changed, 'b'), /tệp is not what was shared/u);
    rmSync(folder, { recursive: true });
  });

  it('searches by the words of a name', () => {
    assert.equal(wordsOf('Báo_cáo-2026 (v2).tar.gz'), 'Báo cáo 2026 v2');
  });
});
