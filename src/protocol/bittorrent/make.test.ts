import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { toHex } from '../digest.ts';
import { choosePieceLength, plannedPiece, planTorrent } from './make.ts';
import type { Metainfo } from './metainfo.ts';
import { describeMetainfo, readMetainfo } from './metainfo.ts';
import type { TestFile } from './torrent.test-kit.ts';
import { makeTestTorrent, rootOfLeaves, testBytes, valueOf } from './torrent.test-kit.ts';

const kib = 1024;
const mib = 1024 * kib;
const file = (path: string, size: number, salt = 1): TestFile => ({ path: path.split('/'), bytes: testBytes(size, salt) });
const shown = (metainfo: Metainfo): [string, number, boolean][] =>
  describeMetainfo(metainfo).files.map(({ path, size, pad }) => [path, size, pad]);

const refusal = (result: ReturnType<typeof planTorrent>): string => (result.ok ? 'accepted' : result.error.code);

describe('making a torrent', () => {
  it('makes the very torrents that libtorrent made of the same zero bytes', () => {
    // Info-hashes of v2.torrent and v2_multipiece_file.torrent in libtorrent's test suite.
    const cases: [string, number, string, string][] = [
      ['test64K', 64 * kib, 'c14199bbec64d0e9e439aa3b6b7639e666b86eca', '597b180c1a170a585dfc5e85d834d69013ceda174b8f357d5bb1a0ca509faf0a'],
      ['test1MB', mib, '6c68c1bcc24c65b6fef4724d8234b67e0e9ac6a4', '108ac2c3718ce722e6896edc56c4afa98f1d711ecaace7aad74fca418ebd03de'],
    ];
    for (const [name, size, v1, v2] of cases) {
      const { metainfo } = makeTestTorrent(
        [{ path: [], bytes: new Uint8Array(size) }],
        { name, pieceLength: 64 * kib },
        { private: false },
      );
      assert.deepEqual([metainfo.v1 && toHex(metainfo.v1), metainfo.v2 && toHex(metainfo.v2)], [v1, v2]);
      assert.equal(metainfo.id, v2);
    }
  });

  it('puts files in the order of the v2 tree, each but the full ones followed by padding', () => {
    const files = [file('b', 1), file('a-b', 16 * kib), file('a/z', 20 * kib), file('B/x', 0), file('ă', 5), file('a/đ', 3)];
    const { metainfo } = makeTestTorrent(files, { name: 'thư mục', pieceLength: 16 * kib });
    assert.deepEqual(shown(metainfo), [
      ['thư mục/B/x', 0, false],
      ['thư mục/a/z', 20 * kib, false],
      [`thư mục/.pad/${12 * kib}`, 12 * kib, true],
      ['thư mục/a/đ', 3, false],
      [`thư mục/.pad/${16 * kib - 3}`, 16 * kib - 3, true],
      ['thư mục/a-b', 16 * kib, false],
      ['thư mục/b', 1, false],
      [`thư mục/.pad/${16 * kib - 1}`, 16 * kib - 1, true],
      ['thư mục/ă', 5, false],
      [`thư mục/.pad/${16 * kib - 5}`, 16 * kib - 5, true],
    ]);
    assert.equal(metainfo.private, true);
  });

  it('composes names, and refuses two that become one', () => {
    const decomposed = 'Tiếng Việt.txt'.normalize('NFD');
    const { metainfo } = makeTestTorrent([{ path: [decomposed], bytes: testBytes(3) }]);
    assert.equal(metainfo.files[0]?.path[1], 'Tiếng Việt.txt'.normalize('NFC'));
    const both = [decomposed, decomposed.normalize('NFC')].map((name) => ({ path: [name], size: 1 }));
    assert.equal(refusal(planTorrent(both, { name: 'x', version: 'hybrid' })), 'path-twice');
  });

  it('roots each file as BEP 52 says, leaf by leaf', () => {
    const sizes = [1, 16 * kib, 16 * kib + 1, 40 * kib, 64 * kib, 64 * kib + 1, 200 * kib, 400 * kib - 7];
    const files = sizes.map((size, n) => file(`f${n}`, size, n));
    const { metainfo } = makeTestTorrent(files, { pieceLength: 64 * kib });
    const roots = metainfo.files.filter(({ pad }) => !pad).map(({ piecesRoot }) => piecesRoot);
    const expected = files.map(({ bytes }) => rootOfLeaves(bytes, 2 ** Math.ceil(Math.log2(Math.ceil(bytes.length / (16 * kib))))));
    assert.deepEqual(
      roots.map((root) => root && toHex(root)),
      expected.map(toHex),
    );
    assert.equal(metainfo.missingLayers, false);
  });

  it('v1-only torrents have no padding and pieces that span files', () => {
    const { metainfo, plan } = makeTestTorrent([file('a', 10 * kib), file('b', 0), file('c', 30 * kib)], {
      version: 'v1',
      pieceLength: 16 * kib,
    });
    assert.equal(metainfo.v2, null);
    assert.equal(metainfo.id, metainfo.v1 && toHex(metainfo.v1));
    assert.deepEqual(
      shown(metainfo).map(([path]) => path),
      ['content/a', 'content/b', 'content/c'],
    );
    assert.deepEqual(plannedPiece(plan, 0).segments, [
      { file: 0, offset: 0, length: 10 * kib },
      { file: 2, offset: 0, length: 6 * kib },
    ]);
    assert.deepEqual([plan.pieceCount, plannedPiece(plan, 2).length, plannedPiece(plan, 2).sha1ZeroTail], [3, 8 * kib, 0]);
  });

  const names = fc.stringMatching(/^[a-cA-C.ếđ -]{1,4}$/u).filter((name) => name !== '.' && name !== '..');
  const size = fc.oneof(fc.constantFrom(0, 1, 16 * kib - 1, 16 * kib, 16 * kib + 1, 32 * kib, 48 * kib), fc.nat({ max: 80 * kib }));
  const content = fc.array(fc.tuple(fc.array(names, { minLength: 1, maxLength: 3 }), size), { minLength: 1, maxLength: 6 });

  it('is read back as what it was made of', () => {
    fc.assert(
      fc.property(content, fc.constantFrom('v1', 'hybrid'), fc.constantFrom(16 * kib, 32 * kib), (entries, version, pieceLength) => {
        const files = entries.map(([path, bytes], n) => ({ path, bytes: testBytes(bytes, n), executable: n % 2 === 0 }));
        const sources = files.map(({ path, bytes }) => ({ path, size: bytes.length }));
        const planned = planTorrent(sources, { name: 'gốc', version: version as 'v1' | 'hybrid', pieceLength });
        fc.pre(planned.ok);
        const { metainfo, plan } = makeTestTorrent(files, { name: 'gốc', version: version as 'v1' | 'hybrid', pieceLength });
        const data = metainfo.files.filter(({ pad }) => !pad);
        assert.deepEqual(
          data.map((each) => [each.path, each.size, each.offset, each.executable]),
          plan.files.map((each) => [['gốc', ...each.path], each.size, each.offset, each.executable]),
        );
        assert.deepEqual(
          new Map(data.map((each) => [each.path.slice(1).join('/'), each.size])),
          new Map(files.map((each) => [each.path.map((name) => name.normalize('NFC')).join('/'), each.bytes.length])),
        );
        assert.equal(metainfo.pieceCount, plan.pieceCount);
        assert.equal(metainfo.contentBytes, plan.contentBytes);
        const pieces = Array.from({ length: plan.pieceCount }, (_, n) => plannedPiece(plan, n));
        assert.equal(
          pieces.reduce((sum, piece) => sum + piece.length, 0),
          plan.contentBytes,
        );
        assert.equal(
          pieces.reduce((sum, piece) => sum + piece.length + piece.sha1ZeroTail, 0),
          metainfo.totalBytes,
        );
      }),
      { numRuns: 200 },
    );
  });

  it('carries its notes', () => {
    const trackers = [['http://a/announce', 'http://b/announce'], ['udp://c/announce']];
    const { metainfo } = makeTestTorrent(
      [file('a', 1)],
      {},
      { trackers, comment: 'ghi chú', createdBy: 'Shoal', createdAt: 1_700_000_000, private: false },
    );
    const { comment, createdBy, createdAt } = metainfo;
    assert.deepEqual(
      [metainfo.trackers, comment, createdBy, createdAt, metainfo.private],
      [trackers, 'ghi chú', 'Shoal', 1_700_000_000, false],
    );
  });

  it('gives the same torrent whatever order the files are found in', () => {
    const files = [file('x/a', 5), file('x/b', 20 * kib, 2), file('y', 7, 3)];
    assert.deepEqual(makeTestTorrent(files).bytes, makeTestTorrent(files.toReversed()).bytes);
  });

  it('refuses what cannot be a torrent', () => {
    const plan = (paths: [string[], number][], more: object = {}): string =>
      refusal(
        planTorrent(
          paths.map(([path, bytes]) => ({ path, size: bytes })),
          { name: 'x', version: 'hybrid', ...more },
        ),
      );
    assert.equal(plan([]), 'nothing-to-share');
    assert.equal(plan([[['a'], 0]]), 'nothing-to-share');
    assert.equal(
      plan([
        [['a'], 1],
        [['a'], 1],
      ]),
      'path-twice',
    );
    assert.equal(
      plan([
        [['a'], 1],
        [['a', 'b'], 1],
      ]),
      'path-twice',
    );
    for (const bad of ['', '.', '..', 'a/b', 'a\0b', 'x'.repeat(1025)]) assert.equal(plan([[['d', bad], 1]]), 'name-invalid');
    assert.equal(plan([[['a'], 1]], { name: '..' }), 'name-invalid');
    for (const pieceLength of [0, 8192, 16_385, 32 * mib]) assert.equal(plan([[['a'], 1]], { pieceLength }), 'piece-length-invalid');
    assert.equal(plan([[['a'], 2 ** 40]], { pieceLength: 16 * kib }), 'torrent-too-large');
    assert.equal(plan([[['a'], 2 ** 40]]), 'accepted');
  });

  it('chooses a piece length that is neither many pieces nor large ones', () => {
    assert.deepEqual(
      [1, 20 * mib, 100 * mib, 1024 * mib, 50 * 1024 * mib, 64 * 1024 * mib, 65 * 1024 * mib, 10 ** 15].map(choosePieceLength),
      [16 * kib, 16 * kib, 128 * kib, mib, 4 * mib, 4 * mib, 8 * mib, 16 * mib],
    );
  });

  it('survives any damage to a torrent file as a value, never as an exception', () => {
    const { bytes } = makeTestTorrent([file('a', 40 * kib), file('b', 3)], { pieceLength: 16 * kib });
    const damage = fc.array(fc.tuple(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(damage, fc.nat({ max: bytes.length }), fc.boolean(), (changes, end, cut) => {
        const copy = bytes.slice();
        for (const [at, value] of changes) copy[at] = value;
        const read = readMetainfo(cut ? copy.subarray(0, end) : copy);
        if (read.ok) assert.ok(describeMetainfo(read.value).files.length > 0);
      }),
      { numRuns: 3000 },
    );
    assert.ok(valueOf(readMetainfo(bytes)));
  });
});
