import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../simulations/world/index.ts';
import { seconds } from '../../src/ports/clock.ts';
import { makeTestTorrent, testBytes, type TestFile, type TestTorrent, valueOf } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { startFetch, v2Only } from './fetch-kit.ts';
import { bytesOf, introduce, putFiles, startNode } from './swarm-kit.ts';

const files: readonly TestFile[] = [
  { path: ['a', 'one.bin'], bytes: testBytes(1_700_000, 1) },
  { path: ['b', 'empty'], bytes: new Uint8Array(0) },
  { path: ['b', 'small'], bytes: testBytes(9_000, 2) },
  { path: ['b', 'two.bin'], bytes: testBytes(600_001, 3) },
];
const hybrid = makeTestTorrent(files, { pieceLength: 16_384 });
const v1 = makeTestTorrent(files, { pieceLength: 32_768, version: 'v1' });
const v2 = v2Only(makeTestTorrent(files, { pieceLength: 65_536 }));

const cases: readonly (readonly [string, TestTorrent, 'v1' | 'v2' | 'both'])[] = [
  ['a v1 torrent', v1, 'v1'],
  ['a v2 torrent', v2, 'v2'],
  ['a hybrid torrent by both hashes', hybrid, 'both'],
  ['a hybrid torrent by its v1 hash', hybrid, 'v1'],
  ['a hybrid torrent by its v2 hash', hybrid, 'v2'],
];
for (const [what, torrent, by] of cases) {
  test(`${what} is fetched from a bare hash, and then its files`, () => {
    const world = new World({ seed: 1 });
    putFiles(world.process('seed'), torrent, files);
    const seed = startNode(world.process('seed'), torrent, true);
    const { metainfo } = torrent;
    const fetching = startFetch(world.process('finder'), { v1: by === 'v2' ? null : metainfo.v1, v2: by === 'v1' ? null : metainfo.v2 });
    world.runFor(1_000);
    fetching.learn(seed.host);
    assert.ok(
      world.runUntil(() => fetching.result() !== null, seconds(20)),
      JSON.stringify(fetching.fetch.progress),
    );
    const fetched = valueOf(fetching.result() ?? { ok: false, error: { code: 'none', message: 'nothing' } });
    assert.equal(fetched.metainfo.id, metainfo.id);
    assert.equal(fetched.metainfo.missingLayers, false);
    assert.deepEqual(
      fetched.metainfo.files.map((file) => file.pieceLayer && Buffer.from(file.pieceLayer)),
      metainfo.files.map((file) => file.pieceLayer && Buffer.from(file.pieceLayer)),
    );
    assert.deepEqual(fetched.peers, [{ host: seed.host, port: 6881 }]);
    world.runFor(seconds(1));
    assert.equal(fetching.port.peerCount, 0);
    const leech = startNode(world.process('leech'), { ...torrent, bytes: fetched.bytes }, false);
    world.runFor(1_000);
    introduce(leech, seed, true);
    assert.ok(world.runUntil(() => leech.completedAt() !== null, seconds(60)));
    assert.equal(Buffer.compare(bytesOf(leech, 0), files[0]?.bytes ?? new Uint8Array(0)), 0);
  });
}
