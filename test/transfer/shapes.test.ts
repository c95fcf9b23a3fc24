/** Torrents of every shape that other makers give them, from one node to another. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../simulations/world/index.ts';
import { seconds } from '../../src/ports/clock.ts';
import { Bencoded, decodeBencode, encodeBencode, entryOf } from '../../src/protocol/bittorrent/bencode.ts';
import { readMetainfo } from '../../src/protocol/bittorrent/metainfo.ts';
import { makeTestTorrent, testBytes, type TestFile, type TestTorrent, valueOf } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { sha1 } from '../../src/protocol/digest.ts';
import { v2Only } from './fetch-kit.ts';
import { bytesOf, introduce, putFiles, startNode } from './swarm-kit.ts';

const files: readonly TestFile[] = [
  { path: ['a'], bytes: testBytes(123_457, 1) },
  { path: ['b', 'empty'], bytes: new Uint8Array(0) },
  { path: ['b', 'one byte'], bytes: testBytes(1, 2) },
  { path: ['c'], bytes: testBytes(200_001, 3) },
];
const all = Buffer.concat(files.map(({ bytes }) => bytes));

/** v1 alone, as old makers wrote it: any piece length, nothing aligned. */
const plainV1 = (pieceLength: number): TestTorrent => {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < all.length; at += pieceLength) pieces.push(sha1(all.subarray(at, at + pieceLength)));
  const info = {
    name: 'content',
    'piece length': pieceLength,
    files: files.map(({ bytes, path }) => ({ length: bytes.length, path })),
    pieces: new Uint8Array(Buffer.concat(pieces)),
  };
  const bytes = encodeBencode({ info });
  return { plan: makeTestTorrent(files).plan, bytes, metainfo: valueOf(readMetainfo(bytes)) };
};

/** The hybrid torrent with padding after its last file, too, as some makers write it. */
const withTailPadding = (torrent: TestTorrent, tail: boolean, layered = true): TestTorrent => {
  const root = valueOf(decodeBencode(torrent.bytes));
  const info = entryOf(root, 'info');
  if (info?.kind !== 'dictionary' || root.kind !== 'dictionary') throw new Error('no info');
  const { pieceLength } = torrent.metainfo;
  const listed: { readonly length: number; readonly path: readonly string[]; readonly attr?: string }[] = [];
  const pieces: Uint8Array[] = [];
  for (const [n, { bytes, path }] of files.entries()) {
    listed.push({ length: bytes.length, path });
    const padding = (pieceLength - (bytes.length % pieceLength)) % pieceLength;
    const padded = padding > 0 && (n < files.length - 1 || tail);
    if (padded) listed.push({ attr: 'p', length: padding, path: ['.pad', String(padding)] });
    const whole = Buffer.concat([bytes, new Uint8Array(padded ? padding : 0)]);
    for (let at = 0; at < whole.length; at += pieceLength) pieces.push(sha1(whole.subarray(at, at + pieceLength)));
  }
  const entries = new Map<string, Parameters<typeof encodeBencode>[0]>(
    [...info.entries].map(([key, { end, start }]) => [key, new Bencoded(torrent.bytes.subarray(start, end))]),
  );
  entries.set('files', listed);
  entries.set('pieces', new Uint8Array(Buffer.concat(pieces)));
  const layers = entryOf(root, 'piece layers');
  const bytes = encodeBencode({
    info: entries,
    'piece layers': layers === undefined || !layered ? undefined : new Bencoded(torrent.bytes.subarray(layers.start, layers.end)),
  });
  return { plan: torrent.plan, bytes, metainfo: valueOf(readMetainfo(bytes)) };
};

const aligned = makeTestTorrent(files, { pieceLength: 32_768 });
const shapes: Readonly<Record<string, TestTorrent>> = {
  'v1, pieces of 50,000 bytes that run across files': plainV1(50_000),
  'v1, pieces smaller than a block': plainV1(10_000),
  'v1, pieces of 3 blocks': plainV1(3 * 16_384),
  'v1, one piece larger than everything': plainV1(1_000_000),
  'hybrid with padding after the last file': withTailPadding(aligned, true),
  'hybrid without padding after the last file': withTailPadding(aligned, false),
  'hybrid that came without its piece layers': withTailPadding(aligned, false, false),
  'v2 alone': v2Only(aligned),
};
for (const [shape, torrent] of Object.entries(shapes)) {
  test(`${shape}: every file arrives`, () => {
    const world = new World({ seed: 1 });
    putFiles(world.process('seed'), torrent, files);
    const seed = startNode(world.process('seed'), torrent, true);
    const leech = startNode(world.process('leech'), torrent, false);
    world.runFor(1_000);
    introduce(leech, seed, true);
    assert.ok(world.runUntil(() => leech.completedAt() !== null, seconds(60)));
    assert.deepEqual(leech.failures, []);
    for (const [n, { bytes }] of files.entries())
      if (bytes.length > 0) assert.equal(Buffer.compare(bytesOf(leech, n), bytes), 0, `file ${n}`);
    assert.equal(leech.exchange.down.total, all.length, 'and no padding with them');
  });
}

test('pieces of 64 MiB go through piece buffers of that size, one at a time', () => {
  const world = new World({ seed: 1 });
  const big: readonly TestFile[] = [{ path: [], bytes: new Uint8Array(70 * 1024 * 1024).fill(7) }];
  const pieceLength = 64 * 1024 * 1024;
  const bytes = big[0]?.bytes ?? new Uint8Array(0);
  const hashes = [0, pieceLength].map((at) => sha1(bytes.subarray(at, at + pieceLength)));
  const info = { name: 'big', length: bytes.length, 'piece length': pieceLength, pieces: new Uint8Array(Buffer.concat(hashes)) };
  const torrentBytes = encodeBencode({ info });
  const torrent = { plan: makeTestTorrent(files).plan, bytes: torrentBytes, metainfo: valueOf(readMetainfo(torrentBytes)) };
  putFiles(world.process('seed'), torrent, big);
  const seed = startNode(world.process('seed'), torrent, true);
  const leech = startNode(world.process('leech'), torrent, false, { pieceBufferBytesMax: pieceLength });
  world.runFor(1_000);
  introduce(leech, seed, true);
  let most = 0;
  assert.ok(
    world.runUntil(() => {
      most = Math.max(most, leech.pool.usedBytes);
      return leech.completedAt() !== null;
    }, seconds(120)),
  );
  assert.ok(most <= pieceLength);
});
