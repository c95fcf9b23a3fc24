/**
 * Torrent files of libtorrent's own test suite, and what libtorrent 2.0.8 makes of each. They are not part of this
 * project; without them the test is skipped.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createLayout } from '../src/domain/transfer/torrent-layout.ts';
import { describeMetainfo, readMetainfo } from '../src/protocol/bittorrent/metainfo.ts';

const folder = join(import.meta.dirname, '..', '..', 'shared', 'conformance', 'torrents');
const missing = existsSync(join(folder, 'expected.json'))
  ? false
  : 'the conformance torrents are not there (../shared/conformance/torrents)';

type Expected =
  | { ok: false; error: string }
  | {
      ok: true;
      v1: string | null;
      v2: string | null;
      name: string;
      pieceLength: number;
      numPieces: number;
      private: boolean;
      totalSize: number;
      files: [path: string, size: number, pad: boolean][];
    };

/** Where this parser differs on purpose. `refused`: stricter. `names`: other names on the disk for the same files. */
const differences: Readonly<Record<string, { kind: 'refused' | 'names'; reason: string }>> = {
  'v2_invalid_piece_layer_root.torrent': { kind: 'refused', reason: 'a piece layer that does not fit its root is refused at once' },
  'empty_path.torrent': { kind: 'names', reason: 'an empty name is written %-, so that it can be told from _' },
  'hidden_parent_path.torrent': { kind: 'names', reason: 'a slash in a name is escaped, not dropped' },
  'invalid_directory_name.torrent': { kind: 'names', reason: 'folders named / and \\ stay folders, so the two files stay apart' },
  'invalid_filename.torrent': { kind: 'names', reason: 'a backslash and a lone dot are escaped, not dropped' },
  'invalid_name2.torrent': { kind: 'names', reason: 'the name .. is escaped, not replaced by the info-hash' },
  'long_name.torrent': { kind: 'names', reason: 'a name that is cut holds a digest of the whole, so that two such stay apart' },
  'slash_path.torrent': { kind: 'names', reason: 'folders named / stay folders' },
  'slash_path3.torrent': { kind: 'names', reason: 'slashes in the name are escaped, not dropped' },
  'v2_invalid_filename.torrent': { kind: 'names', reason: 'a slash and a byte that is no UTF-8 are escaped, not dropped' },
  'v2_invalid_filename2.torrent': { kind: 'names', reason: 'names of separators alone are escaped, not dropped' },
};

const readExpected = (): [string, Expected][] =>
  Object.entries(JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Record<string, Expected>);

const check = (file: string, expected: Expected): void => {
  const difference = differences[file];
  const read = readMetainfo(readFileSync(join(folder, file)));
  assert.equal(read.ok, difference?.kind === 'refused' ? false : expected.ok, read.ok ? 'accepted' : read.error.message);
  if (!read.ok || !expected.ok) return;
  const { files, ...rest } = describeMetainfo(read.value);
  const { v1, v2, name, pieceLength } = expected;
  const renamed = difference?.kind === 'names';
  assert.deepEqual({ ...rest, name: renamed ? name : rest.name }, { v1, v2, name, pieceLength, private: expected.private });
  assert.equal(read.value.pieceCount, expected.numPieces);
  assert.equal(read.value.totalBytes, expected.totalSize);
  const expectedFiles = expected.files.map(([path, size, pad], n) => ({ path: renamed ? files[n]?.path : path, size, pad }));
  assert.deepEqual(files, expectedFiles);
  if (renamed) assert.notDeepEqual([rest.name, ...files.map(({ path }) => path)], [name, ...expected.files.map(([path]) => path)]);
};

const checkDisk = (file: string): void => {
  const read = readMetainfo(readFileSync(join(folder, file)));
  const layout = read.ok ? createLayout(read.value, { pieceBytesMax: 2 ** 30 }) : null;
  if (layout === null || !layout.ok) return;
  const paths = layout.value.files.map(({ diskPath }) => diskPath.join('/'));
  assert.equal(new Set(paths).size, paths.length, 'two files would be one');
  for (const { diskPath } of layout.value.files) {
    assert.ok(diskPath.length > 0 && diskPath.every((name) => name !== '' && !/^\.+$|[/\\\0]/u.test(name)), diskPath.join('/'));
  }
};

describe('torrent files that libtorrent made or refuses', { skip: missing }, () => {
  const cases = missing === false ? readExpected() : [];
  for (const [file, expected] of cases) {
    const difference = differences[file];
    it(`${file}: ${difference?.reason ?? 'the same as libtorrent'}`, () => check(file, expected));
  }

  it('puts no file outside the download folder, and no two in one place', () => {
    for (const [file] of cases) checkDisk(file);
  });

  it('names no difference for a file that is not there', () => {
    const known = new Set(cases.map(([file]) => file));
    assert.deepEqual(
      Object.keys(differences).filter((file) => !known.has(file)),
      [],
    );
  });
});
