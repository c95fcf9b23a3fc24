import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { planFileNames } from './file-names.ts';

const plan = (paths: string[], caseSensitive?: boolean): string[] =>
  planFileNames(
    paths.map((path) => path.split('/')),
    caseSensitive === undefined ? {} : { caseSensitive },
  ).map((path) => path.join('/'));

describe('where a torrent lies on the disk', () => {
  it('keeps good paths as they are', () => {
    const paths = ['Bộ sưu tập/Ảnh/một.jpg', 'Bộ sưu tập/Ảnh/hai.jpg', 'Bộ sưu tập/README'];
    assert.deepEqual(plan(paths), paths);
  });

  it('never leaves the download folder', () => {
    assert.deepEqual(plan(['../../etc/passwd', '/abs', 'a/./b']), ['%2E%2E/%2E%2E/etc/passwd', '%-/abs', 'a/%2E/b']);
  });

  it('keeps apart what differs in case alone, where the disk does not', () => {
    const [first, second] = plan(['x/README', 'x/readme']);
    assert.equal(first, 'x/README');
    assert.match(second ?? '', /^x\/readme%~[0-9a-f]{16}$/u);
    assert.deepEqual(plan(['x/README', 'x/readme'], true), ['x/README', 'x/readme']);
  });

  it('keeps apart what differs in Unicode form alone, and folders of such names with all that is in them', () => {
    const [a, b, c] = plan(['\u1ebf/1', 'e\u0302\u0301/1', 'e\u0302\u0301/2'], true);
    assert.equal(a, '\u1ebf/1');
    assert.match(b ?? '', /%~.*\/1$/u);
    assert.equal(c, (b ?? '').replace(/1$/u, '2'));
  });

  it('keeps apart a path that stands twice, and a file where a folder is needed', () => {
    const [a, b, c, d] = plan(['x/a', 'x/a', 'x/a/b', 'x/a']);
    assert.equal(a, 'x/a');
    assert.equal(new Set([a, b, c, d]).size, 4);
    assert.ok(!c?.startsWith('x/a/'));
  });

  const name = fc.constantFrom(
    'a',
    'A',
    'b',
    '',
    '.',
    '..',
    '/',
    'con',
    'ế',
    '\u1ebf',
    'e\u0302\u0301',
    'x'.repeat(300),
    'X'.repeat(300),
    'a.',
    'a%2E',
    '%-',
    'ß',
    'SS',
  );

  it('gives every file a place of its own on any disk', () => {
    const paths = fc.array(fc.array(name, { minLength: 1, maxLength: 3 }), { maxLength: 12 });
    fc.assert(
      fc.property(paths, (all) => {
        const placed = planFileNames(all);
        const keys = placed.map((path) => path.join('/').normalize('NFC').toLowerCase());
        assert.equal(new Set(keys).size, all.length);
        const folders = new Set(
          placed.flatMap((path) =>
            path.slice(0, -1).map((_, depth) =>
              path
                .slice(0, depth + 1)
                .join('/')
                .normalize('NFC')
                .toLowerCase(),
            ),
          ),
        );
        for (const key of keys) assert.ok(!folders.has(key), `${key} is a file and a folder`);
        for (const path of placed) assert.ok(path.every((each) => each !== '' && each !== '.' && each !== '..' && !each.includes('/')));
        assert.deepEqual(
          placed.map((path) => path.length),
          all.map((path) => path.length),
        );
        assert.deepEqual(planFileNames(all), placed);
      }),
      { numRuns: 1000 },
    );
  });
});
