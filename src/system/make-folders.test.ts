import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { makeFolders } from './make-folders.ts';

describe('makeFolders', () => {
  const root = mkdtempSync(join(tmpdir(), 'shoal-folders-'));
  after(() => rmSync(root, { recursive: true }));

  it('makes what is missing, with the mode, and takes what is there', () => {
    const path = join(root, 'a', 'b', 'c');
    makeFolders(path, 0o700);
    makeFolders(path, 0o755);
    assert.ok(statSync(path).isDirectory());
    if (process.platform !== 'win32') assert.equal(statSync(path).mode & 0o777, 0o700);
  });

  it('says so where a file is in the way', () => {
    writeFileSync(join(root, 'file'), '');
    assert.throws(() => makeFolders(join(root, 'file')), { code: 'EEXIST' });
    assert.throws(() => makeFolders(join(root, 'file', 'below')), { code: 'EEXIST' });
  });

  it('comes back where the system makes no folder at all', { skip: !existsSync('/proc/self') }, () => {
    assert.throws(() => makeFolders('/proc/shoal-nothing/below'), { code: 'ENOENT' });
  });
});
