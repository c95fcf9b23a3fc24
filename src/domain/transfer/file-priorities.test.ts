import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PieceIndex } from '../../protocol/bittorrent/ids.ts';
import { makeTestTorrent, testBytes, valueOf } from '../../protocol/bittorrent/torrent.test-kit.ts';
import { type FilePriority, piecePriority, wishedPriorities } from './file-priorities.ts';
import { createLayout } from './torrent-layout.ts';

const kib = 1024;
const paths = [
  ['show', 'a.mkv'],
  ['show', 'a.srt'],
  ['show', 'extras', 'b.mkv'],
];
const before: readonly FilePriority[] = ['normal', 'normal', 'low'];

test('wishes change the files that they mean and no others', () => {
  assert.deepEqual(wishedPriorities(paths, before, { skip: ['extras/**'] }), ['normal', 'normal', 'skip']);
  assert.deepEqual(wishedPriorities(paths, before, {}), before);
});

test('a file that several wishes mean gets the highest of them', () => {
  assert.deepEqual(wishedPriorities(paths, before, { high: ['*.srt'], skip: ['**'] }), ['skip', 'high', 'skip']);
  assert.deepEqual(wishedPriorities(paths, before, { low: ['**'], normal: ['a.*'] }), ['normal', 'normal', 'low']);
});

test('a glob that matches nothing is said, and changes nothing', () => {
  assert.deepEqual(wishedPriorities(paths, before, { skip: ['**'], high: ['*.avi'] }), { unmatched: '*.avi' });
});

test('a piece that two files share is wanted as much as the one that is wanted more', () => {
  const files = [
    { path: ['a'], bytes: testBytes(24 * kib, 1) },
    { path: ['b'], bytes: testBytes(24 * kib, 2) },
  ];
  const layout = valueOf(createLayout(makeTestTorrent(files, { version: 'v1', pieceLength: 16 * kib }).metainfo));
  const of = (...wanted: FilePriority[]): number[] => [0, 1, 2].map((piece) => piecePriority(layout, wanted, piece as PieceIndex));
  assert.deepEqual(of('skip', 'high'), [0, 3, 3]);
  assert.deepEqual(of('low', 'skip'), [1, 1, 0]);
  assert.deepEqual(of('normal', 'low'), [2, 2, 1]);
});
