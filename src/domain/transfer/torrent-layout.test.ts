import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { encodeBencode } from '../../protocol/bittorrent/bencode.ts';
import type { PieceIndex } from '../../protocol/bittorrent/ids.ts';
import { readMetainfo } from '../../protocol/bittorrent/metainfo.ts';
import type { TestFile } from '../../protocol/bittorrent/torrent.test-kit.ts';
import { makeTestTorrent, rootOfLeaves, testBytes, valueOf } from '../../protocol/bittorrent/torrent.test-kit.ts';
import { sha1 } from '../../protocol/digest.ts';
import type { TorrentLayout } from './torrent-layout.ts';
import { createLayout, judgePiece } from './torrent-layout.ts';

const kib = 1024;
const file = (path: string, size: number, salt = 1): TestFile => ({ path: path.split('/'), bytes: testBytes(size, salt) });
const at = (index: number): PieceIndex => index as PieceIndex;
const contentOf = (files: readonly TestFile[]): Map<string, Uint8Array> =>
  new Map(files.map(({ path, bytes }) => [['content', ...path].join('/'), bytes]));

/** A piece as it stands in its buffer, put together from the files. */
const gather = (layout: TorrentLayout, piece: PieceIndex, content: ReadonlyMap<string, Uint8Array>): Uint8Array => {
  const buffer = new Uint8Array(layout.pieceBytes(piece));
  for (const {
    file: { path },
    fileOffset,
    pieceOffset,
    length,
  } of layout.segments(piece)) {
    buffer.set(content.get(path.join('/'))?.subarray(fileOffset, fileOffset + length) ?? [], pieceOffset);
  }
  return buffer;
};

const digest = (layout: TorrentLayout, piece: PieceIndex, bytes: Uint8Array): Parameters<typeof judgePiece>[1] => {
  const { plan } = layout.check(piece);
  return {
    sha1: plan.sha1 ? sha1(Buffer.concat([bytes, new Uint8Array(plan.sha1ZeroTail)])) : null,
    merkleRoot: plan.merkleLeaves > 0 ? rootOfLeaves(bytes, plan.merkleLeaves) : null,
  };
};

describe('layout of a torrent', () => {
  const files = [file('a', 20 * kib, 1), file('b/empty', 0), file('c', 5, 2), file('d', 32 * kib, 3)];

  it('hybrid: pieces belong to one file, and have padding on a v1 wire alone', () => {
    const layout = valueOf(createLayout(makeTestTorrent(files, { pieceLength: 16 * kib }).metainfo));
    assert.deepEqual(
      layout.files.map(({ path, firstPiece, endPiece }) => [path.slice(1).join('/'), firstPiece, endPiece]),
      [
        ['a', 0, 2],
        ['b/empty', 2, 2],
        ['c', 2, 3],
        ['d', 3, 5],
      ],
    );
    const pieces = Array.from({ length: layout.pieceCount }, (_, n) => at(n));
    assert.deepEqual(
      pieces.map((piece) => layout.pieceBytes(piece)),
      [16 * kib, 4 * kib, 5, 16 * kib, 16 * kib],
    );
    assert.deepEqual(
      pieces.map((piece) => layout.wireBytes(piece, 'v1')),
      [16 * kib, 16 * kib, 16 * kib, 16 * kib, 16 * kib],
    );
    assert.deepEqual([layout.blockCount(at(2), 1), layout.blockCount(at(1), 16 * kib)], [5, 1]);
    assert.ok(layout.holdsBlock(at(2), 0, 5) && !layout.holdsBlock(at(2), 0, 6) && !layout.holdsBlock(at(2), 0, 0));
    assert.deepEqual(
      layout.segments(at(1)).map((each) => [each.file.path[1], each.fileOffset, each.pieceOffset, each.length]),
      [['a', 16 * kib, 0, 4 * kib]],
    );
  });

  it('v1-only: pieces span files', () => {
    const layout = valueOf(createLayout(makeTestTorrent(files, { version: 'v1', pieceLength: 16 * kib }).metainfo));
    assert.deepEqual(
      layout.segments(at(1)).map((each) => [each.file.path[1], each.fileOffset, each.pieceOffset, each.length]),
      [
        ['a', 16 * kib, 0, 4 * kib],
        ['c', 0, 4 * kib, 5],
        ['d', 0, 4 * kib + 5, 12 * kib - 5],
      ],
    );
    assert.deepEqual([layout.wireVersion, layout.check(at(0)).merkleRoot, layout.check(at(0)).plan.merkleLeaves], ['v1', null, 0]);
  });

  it('v1-only with padding inside a piece: the padding is in the piece and on no disk', () => {
    const bytes = Buffer.concat([testBytes(5), new Uint8Array(7), testBytes(5, 2)]);
    const info = {
      name: 'content',
      'piece length': 16 * kib,
      pieces: sha1(bytes),
      files: [
        { length: 5, path: ['a'] },
        { attr: 'p', length: 7, path: ['.pad', '7'] },
        { length: 5, path: ['b'] },
      ],
    };
    const layout = valueOf(createLayout(valueOf(readMetainfo(encodeBencode({ info })))));
    const content = contentOf([file('a', 5), file('b', 5, 2)]);
    const gathered = gather(layout, at(0), content);
    assert.deepEqual([layout.pieceBytes(at(0)), layout.dataBytes(at(0)), layout.files.length], [17, 10, 2]);
    assert.equal(judgePiece(layout.check(at(0)), digest(layout, at(0), gathered)), 'good');
  });

  it('every piece of any content checks out, and no piece of it damaged', () => {
    const sizes = fc.array(fc.oneof(fc.constantFrom(0, 1, 16 * kib, 16 * kib + 1, 64 * kib), fc.nat({ max: 70 * kib })), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(
        sizes,
        fc.constantFrom<('v1' | 'hybrid')[]>('v1', 'hybrid'),
        fc.constantFrom(16 * kib, 64 * kib),
        fc.nat(),
        (all, version, pieceLength, where) => {
          fc.pre(all.some((size) => size > 0));
          const made = all.map((size, n) => file(`f${n}`, size, n));
          const layout = valueOf(createLayout(makeTestTorrent(made, { version, pieceLength }).metainfo));
          const content = contentOf(made);
          let data = 0;
          for (let n = 0; n < layout.pieceCount; n++) {
            const bytes = gather(layout, at(n), content);
            data += layout.dataBytes(at(n));
            assert.equal(judgePiece(layout.check(at(n)), digest(layout, at(n), bytes)), 'good');
            const flipped = where % bytes.length;
            bytes[flipped] = (bytes[flipped] as number) ^ 1;
            assert.equal(judgePiece(layout.check(at(n)), digest(layout, at(n), bytes)), 'bad');
          }
          assert.equal(data, layout.contentBytes);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('one file: no padding anywhere, whatever its length', () => {
    const bytes = testBytes(40 * kib + 3);
    const layout = valueOf(createLayout(makeTestTorrent([{ path: [], bytes }], { pieceLength: 16 * kib }).metainfo));
    const last = at(layout.pieceCount - 1);
    assert.deepEqual([layout.pieceCount, layout.wireBytes(last, 'v1'), layout.pieceBytes(last)], [3, 8 * kib + 3, 8 * kib + 3]);
    for (let n = 0; n < layout.pieceCount; n++) {
      assert.equal(judgePiece(layout.check(at(n)), digest(layout, at(n), gather(layout, at(n), new Map([['content', bytes]])))), 'good');
    }
  });

  it('tells a bad piece from a torrent whose two halves disagree', () => {
    const layout = valueOf(createLayout(makeTestTorrent(files).metainfo));
    const check = layout.check(at(0));
    const wrong = new Uint8Array(32);
    assert.equal(judgePiece(check, { sha1: check.sha1, merkleRoot: wrong }), 'conflict');
    assert.equal(judgePiece(check, { sha1: wrong, merkleRoot: check.merkleRoot }), 'conflict');
    assert.equal(judgePiece(check, { sha1: check.sha1, merkleRoot: null }), 'conflict');
    assert.equal(judgePiece(check, { sha1: wrong, merkleRoot: wrong }), 'bad');
  });

  it('leaves out padding and symbolic links, and uses disk names that are given', () => {
    const link = { attr: 'l', length: 0, path: ['link'], 'symlink path': ['..', 'x'] };
    const info = { name: '..', 'piece length': 16 * kib, pieces: new Uint8Array(20), files: [link, { length: 5, path: ['a'] }] };
    const metainfo = valueOf(readMetainfo(encodeBencode({ info })));
    assert.deepEqual(
      valueOf(createLayout(metainfo)).files.map(({ diskPath }) => diskPath),
      [['%2E%2E', 'a']],
    );
    assert.deepEqual(
      valueOf(createLayout(metainfo, { diskPaths: [['elsewhere', 'A']] })).files.map(({ diskPath }) => diskPath),
      [['elsewhere', 'A']],
    );
  });

  it('refuses what cannot be checked or does not fit the piece buffers', () => {
    const { metainfo } = makeTestTorrent([file('a', 100 * kib)], { pieceLength: 64 * kib });
    const large = createLayout(metainfo, { pieceBytesMax: 32 * kib });
    assert.equal(large.ok || large.error.code, 'piece-too-large');
    const leaf = { '': { length: 100 * kib, 'pieces root': new Uint8Array(32).fill(1) } };
    const info = { name: 'x', 'meta version': 2, 'piece length': 16 * kib, 'file tree': { a: leaf } };
    const layers = createLayout(valueOf(readMetainfo(encodeBencode({ info }))));
    assert.equal(layers.ok || layers.error.code, 'piece-layers-missing');
  });
});
