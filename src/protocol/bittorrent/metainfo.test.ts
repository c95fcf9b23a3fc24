import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sha1, toHex } from '../digest.ts';
import type { BencodeValue } from './bencode.ts';
import { encodeBencode } from './bencode.ts';
import type { Metainfo } from './metainfo.ts';
import { describeMetainfo, readMetainfo } from './metainfo.ts';
import { makeTestTorrent, testBytes, valueOf } from './torrent.test-kit.ts';

type Fields = { readonly [key: string]: BencodeValue | undefined };

const hash = new Uint8Array(20).fill(0x11);
const root = new Uint8Array(32).fill(0x22);
const v1Info: Fields = { name: 'x', length: 5, 'piece length': 16_384, pieces: hash };
const leaf = (length: number, more: Fields = {}): BencodeValue => ({ '': { length, 'pieces root': root, ...more } });
const v2Info: Fields = { name: 'x', 'meta version': 2, 'piece length': 16_384, 'file tree': { a: leaf(100), b: leaf(7) } };
const entry = (path: string, length: number, attr?: string): BencodeValue => ({ attr, length, path: path.split('/') });
const hybridInfo = (files: readonly BencodeValue[], pieceCount: number): Fields => ({
  ...v2Info,
  files,
  pieces: new Uint8Array(20 * pieceCount),
});

const read = (info: Fields, more: Fields = {}): Metainfo => valueOf(readMetainfo(encodeBencode({ info, ...more })));
const refusal = (info: Fields, more: Fields = {}): string => {
  const result = readMetainfo(encodeBencode({ info, ...more }));
  return result.ok ? 'accepted' : result.error.message;
};

describe('reading a torrent file', () => {
  it('takes the info-hash over the original bytes, whatever stands around them', () => {
    const info = encodeBencode({ ...v1Info, unknown: [1, { z: 'y' }] });
    const bytes = Buffer.concat([Buffer.from('d7:comment1:c4:info'), info, Buffer.from('5:otheri1ee')]);
    const metainfo = valueOf(readMetainfo(bytes));
    assert.equal(metainfo.v1 && toHex(metainfo.v1), toHex(sha1(info)));
    assert.deepEqual(metainfo.info, info);
    bytes.fill(0);
    assert.deepEqual(metainfo.info, info, 'it holds its own copy');
  });

  it('reads one file and several', () => {
    assert.deepEqual(
      read(v1Info).files.map(({ path, size }) => [path, size]),
      [[['x'], 5]],
    );
    const several = read({ ...v1Info, length: undefined, files: [entry('d/a', 2), entry('b', 3)] });
    assert.deepEqual(
      several.files.map(({ path, offset }) => [path, offset]),
      [
        [['x', 'd', 'a'], 0],
        [['x', 'b'], 2],
      ],
    );
  });

  it('prefers UTF-8 names where an old torrent has both, and keeps other bytes reversibly', () => {
    assert.equal(read({ ...v1Info, name: Uint8Array.of(0xe9), 'name.utf-8': 'é' }).name, 'é');
    const raw = read({ ...v1Info, name: Uint8Array.of(0x61, 0xe9) });
    assert.equal(raw.name, 'a\udce9');
    assert.equal(describeMetainfo(raw).name, 'a%E9');
  });

  it('takes hybrids whose makers pad differently', () => {
    const pad = entry('.pad/16284', 16_284, 'p');
    const tail = entry('.pad/16377', 16_377, 'p');
    const without = read(hybridInfo([entry('a', 100), pad, entry('b', 7)], 2));
    const padded = read(hybridInfo([entry('a', 100), pad, entry('b', 7), tail], 2));
    assert.deepEqual([without.totalBytes, padded.totalBytes], [16_391, 32_768]);
    assert.deepEqual([without.contentBytes, padded.contentBytes], [107, 107]);
    assert.equal(without.files.filter((file) => file.pad).length, 1);
  });

  it('refuses hybrids whose two halves differ', () => {
    const pad = entry('.pad/16284', 16_284, 'p');
    const lists: BencodeValue[][] = [
      [entry('a', 100), entry('b', 7)],
      [entry('b', 7), entry('.pad/16377', 16_377, 'p'), entry('a', 100)],
      [entry('a', 100), pad, entry('b', 8)],
      [entry('a', 100), pad, entry('c', 7)],
      [entry('a', 100), pad],
      [entry('a', 100), pad, entry('b', 7), entry('c', 0)],
      [entry('a', 100), entry('.pad/32668', 32_668, 'p'), entry('b', 7)],
      [entry('a', 100), entry('.pad/16283', 16_283, 'p'), entry('b', 7)],
      [entry('a', 100), pad, entry('b', 7), entry('.pad/9', 9, 'p')],
    ];
    for (const files of lists) assert.match(refusal(hybridInfo(files, 2)), /differ|piece$/u);
  });

  it('checks each piece layer against its root', () => {
    const { bytes, metainfo } = makeTestTorrent([{ path: [], bytes: testBytes(50_000) }], { pieceLength: 16_384 });
    const layer = metainfo.files[0]?.pieceLayer as Uint8Array;
    assert.equal(layer.length, 4 * 32);
    const damaged = bytes.slice();
    const at = Buffer.from(bytes).indexOf(layer);
    damaged[at] = (damaged[at] as number) ^ 1;
    const result = readMetainfo(damaged);
    assert.match(result.ok ? '' : result.error.message, /does not fit/u);
  });

  it('says where piece layers are missing altogether, and refuses a part of them', () => {
    const info = { ...v2Info, 'file tree': { x: leaf(50_000) } };
    assert.equal(read(info).missingLayers, true);
    assert.equal(read(v2Info).missingLayers, false);
    assert.match(refusal(info, { 'piece layers': {} }), /missing/u);
    assert.match(refusal(info, { 'piece layers': { short: root } }), /invalid/u);
  });

  it('reports symbolic links and never follows them', () => {
    const link = { attr: 'l', length: 0, path: ['s'], 'symlink path': ['..', '..', 'etc', 'passwd'] };
    const { files } = read({ ...v1Info, length: undefined, files: [link, entry('a', 5)] });
    assert.deepEqual(
      files.map((file) => file.symlink),
      [['..', '..', 'etc', 'passwd'], null],
    );
    assert.match(refusal({ ...v1Info, length: undefined, files: [{ ...link, length: 5 }] }), /symbolic link/u);
  });

  it('reads what stands beside the info dictionary, and never fails on it', () => {
    const odd = read(v1Info, {
      announce: 7,
      'announce-list': [1, ['x']],
      comment: [],
      'creation date': 'now',
      'url-list': { a: 1 },
      'created by': 3,
    });
    assert.deepEqual([odd.trackers, odd.comment, odd.createdAt, odd.webSeeds, odd.createdBy], [[], null, null, [], null]);
    const good = read(v1Info, { announce: 'http://t/announce', 'url-list': 'http://w/' });
    assert.deepEqual([good.trackers, good.webSeeds], [[['http://t/announce']], ['http://w/']]);
    assert.equal(read({ ...v1Info, private: 1 }).private, true);
  });

  it('forgives a line end after the torrent, and nothing else', () => {
    const bytes = encodeBencode({ info: v1Info });
    assert.ok(readMetainfo(Buffer.concat([bytes, Buffer.from('\r\n')])).ok);
    assert.ok(!readMetainfo(Buffer.concat([bytes, Buffer.from(' ')])).ok);
  });

  const many = Array.from({ length: 12 }, (_, n) => entry(`f${n}`, 1));
  const broken: [string, Fields, RegExp][] = [
    ['no name', { ...v1Info, name: undefined }, /name/u],
    ['no length', { ...v1Info, length: undefined }, /length/u],
    ['a negative length', { ...v1Info, length: -1 }, /length/u],
    ['no data', { ...v1Info, length: 0, pieces: '' }, /no data/u],
    ['a piece length of 0', { ...v1Info, 'piece length': 0 }, /piece length/u],
    ['too few piece hashes', { ...v1Info, length: 16_385 }, /piece hashes/u],
    ['half a piece hash', { ...v1Info, pieces: new Uint8Array(30) }, /piece hashes/u],
    ['no piece hashes', { ...v1Info, pieces: undefined }, /piece hashes/u],
    ['an unknown version', { ...v2Info, 'meta version': 3 }, /version/u],
    ['a path that is no list', { ...v1Info, length: undefined, files: [{ length: 5, path: 'a' }] }, /path/u],
    ['an empty path', { ...v1Info, length: undefined, files: [{ length: 5, path: [] }] }, /path/u],
    ['a very long name', { ...v1Info, name: 'x'.repeat(2000) }, /longer/u],
    ['a very deep path', { ...v1Info, length: undefined, files: [entry('d/'.repeat(60) + 'a', 5)] }, /deeper/u],
    ['a v2 piece length that is no power of two', { ...v2Info, 'piece length': 20_000 }, /power of two/u],
    ['an empty v2 folder', { ...v2Info, 'file tree': { a: {} } }, /empty/u],
    ['an empty name in the v2 tree', { ...v2Info, 'file tree': { '': leaf(1) } }, /empty/u],
    ['a file that is also a folder', { ...v2Info, 'file tree': { a: { '': { length: 1, 'pieces root': root }, b: leaf(1) } } }, /folder/u],
    ['a v2 file without a root', { ...v2Info, 'file tree': { a: leaf(1, { 'pieces root': undefined }) } }, /root/u],
    ['padding in the v2 tree', { ...v2Info, 'file tree': { a: leaf(1, { attr: 'p' }) } }, /padding/u],
  ];
  for (const [what, info, reason] of broken) {
    it(`refuses ${what}`, () => assert.match(refusal(info), reason));
  }

  it('keeps to its limits', () => {
    const bytes = encodeBencode({ info: { ...v1Info, length: undefined, files: many } });
    assert.ok(readMetainfo(bytes).ok);
    for (const limits of [
      { filesMax: 5 },
      { torrentBytesMax: 100 },
      { piecesMax: 0 },
      { nameBytesMax: 1 },
      { pieceLengthBytesMax: 1000 },
      { totalBytesMax: 10 },
    ]) {
      assert.ok(!readMetainfo(bytes, limits).ok, JSON.stringify(limits));
    }
  });

  it('shows only names that no disk or screen trips over', () => {
    const shown = describeMetainfo(read({ ...v1Info, length: undefined, name: '..', files: [entry('../../etc/passwd', 5)] }));
    assert.deepEqual([shown.name, shown.files[0]?.path], ['%2E%2E', '%2E%2E/%2E%2E/%2E%2E/etc/passwd']);
  });
});
