import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../simulations/world/index.ts';
import { seconds } from '../../src/ports/clock.ts';
import { makeTestTorrent, testBytes } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { bytesOf, introduce, putFiles, startNode } from './swarm-kit.ts';

test('a file goes from one node to another, whole and verified', () => {
  const world = new World({ seed: 1 });
  const files = [{ path: [], bytes: testBytes(1_000_000) }];
  const torrent = makeTestTorrent(files, { name: 'one.bin', pieceLength: 65_536 });
  putFiles(world.process('seed'), torrent, files);
  const seed = startNode(world.process('seed'), torrent, true);
  const leech = startNode(world.process('leech'), torrent, false);
  world.runFor(1_000);
  introduce(leech, seed, true);
  assert.ok(world.runUntil(() => leech.completedAt() !== null, seconds(60)));
  assert.deepEqual(Buffer.from(bytesOf(leech, 0)), Buffer.from(files[0]?.bytes ?? []));
  assert.equal(leech.exchange.sources.get('seed'), 1_000_000);
  assert.equal(leech.pool.usedBytes, 0);
});
