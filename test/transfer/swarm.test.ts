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

test('a peer that sends wrong bytes is found out among several sources, banned, and the download completes', () => {
  const world = new World({ seed: 2 });
  const files = [{ path: [], bytes: testBytes(1_500_000) }];
  const torrent = makeTestTorrent(files, { name: 'one.bin', pieceLength: 131_072 });
  const wrong = [{ path: [], bytes: testBytes(1_500_000, 99) }];
  putFiles(world.process('honest'), torrent, files);
  putFiles(world.process('fair'), torrent, files);
  putFiles(world.process('liar'), torrent, wrong);
  const honest = startNode(world.process('honest'), torrent, true, { uploadRate: 200_000 });
  const fair = startNode(world.process('fair'), torrent, true, { uploadRate: 200_000 });
  const liar = startNode(world.process('liar'), torrent, true, { uploadRate: 200_000 });
  const leech = startNode(world.process('leech'), torrent, false);
  world.runFor(1_000);
  for (const source of [liar, honest, fair]) introduce(leech, source, true);
  assert.ok(world.runUntil(() => leech.completedAt() !== null, seconds(120)));
  assert.deepEqual(Buffer.from(bytesOf(leech, 0)), Buffer.from(files[0]?.bytes ?? []));
  assert.deepEqual(leech.banned, ['liar']);
  assert.ok(leech.exchange.piecesBad > 0);
});

test('a liar that shares every piece with others is told from them by fetching the piece again from one', () => {
  const world = new World({ seed: 3 });
  // One piece only: whoever has a part of it has a part in the failure.
  const files = [{ path: [], bytes: testBytes(1_000_000) }];
  const torrent = makeTestTorrent(files, { name: 'one.bin', pieceLength: 1_048_576 });
  putFiles(world.process('honest'), torrent, files);
  putFiles(world.process('liar'), torrent, [{ path: [], bytes: testBytes(1_000_000, 99) }]);
  const honest = startNode(world.process('honest'), torrent, true, { uploadRate: 100_000 });
  const liar = startNode(world.process('liar'), torrent, true, { uploadRate: 100_000 });
  const leech = startNode(world.process('leech'), torrent, false);
  world.runFor(1_000);
  introduce(leech, liar, true);
  introduce(leech, honest, true);
  assert.ok(
    world.runUntil(() => leech.completedAt() !== null, seconds(180)),
    JSON.stringify(leech.banned),
  );
  assert.deepEqual(Buffer.from(bytesOf(leech, 0)), Buffer.from(files[0]?.bytes ?? []));
  assert.deepEqual(leech.banned, ['liar']);
});

for (const bansBefore of [0, 2_000]) {
  test(`a liar that calls itself by the name of another is banned, the other is not, after ${bansBefore} other bans`, () => {
    const world = new World({ seed: 2 });
    const files = [{ path: [], bytes: testBytes(1_500_000) }];
    const torrent = makeTestTorrent(files, { name: 'one.bin', pieceLength: 131_072 });
    putFiles(world.process('victim'), torrent, files);
    putFiles(world.process('liar'), torrent, [{ path: [], bytes: testBytes(1_500_000, 99) }]);
    const victim = startNode(world.process('victim'), torrent, true, { uploadRate: 200_000 });
    const liar = startNode(world.process('liar'), torrent, true, { claim: 'victim' });
    const leech = startNode(world.process('leech'), torrent, false);
    world.runFor(1_000);
    leech.incarnation.step(() => {
      for (let n = 0; n < bansBefore; n++) leech.exchange.ban(`somebody ${n}`);
    });
    introduce(liar, leech, false);
    assert.ok(world.runUntil(() => leech.exchange.peers.some((peer) => peer.claim === 'victim'), seconds(5)));
    assert.equal(leech.exchange.peers[0]?.node, null, 'what the tracker does not say is not believed');
    introduce(leech, victim, true);
    assert.ok(
      world.runUntil(() => leech.completedAt() !== null, seconds(120)),
      JSON.stringify(leech.banned.slice(bansBefore)),
    );
    const banned = leech.banned.slice(bansBefore);
    assert.equal(banned.length, 1);
    assert.ok(banned[0]?.startsWith(`${liar.host} `), banned[0]);
    assert.ok((leech.exchange.sources.get('victim') ?? 0) >= 1_300_000);
    assert.deepEqual(
      leech.exchange.peers.map((peer) => peer.remote.host),
      [victim.host],
      'the liar does not come back',
    );
  });
}

test('a peer that came by itself is called by its name once the tracker names it, on that host', () => {
  const world = new World({ seed: 5 });
  const files = [{ path: [], bytes: testBytes(500_000) }];
  const torrent = makeTestTorrent(files, { name: 'one.bin', pieceLength: 65_536 });
  putFiles(world.process('seed'), torrent, files);
  const seed = startNode(world.process('seed'), torrent, true, { uploadRate: 100_000 });
  const leech = startNode(world.process('leech'), torrent, false);
  world.runFor(1_000);
  introduce(seed, leech, false);
  assert.ok(world.runUntil(() => leech.exchange.down.total > 200_000, seconds(10)));
  assert.equal(leech.exchange.sources.has('seed'), false);
  leech.incarnation.step(() => leech.exchange.learn({ host: '10.99.99.99', port: 6_881 }, 'seed', true));
  assert.equal(leech.exchange.peers[0]?.node, null, 'that host is another');
  introduce(leech, seed, true);
  assert.equal(leech.exchange.peers[0]?.node, 'seed');
  assert.ok(world.runUntil(() => leech.completedAt() !== null, seconds(60)));
  assert.deepEqual([...leech.exchange.sources], [['seed', 500_000]]);
});

test('four sources are all used, no block is fetched much more than once, and piece buffers stay within their limit', () => {
  const world = new World({ seed: 4 });
  const files = [{ path: [], bytes: testBytes(4_000_000) }];
  const torrent = makeTestTorrent(files, { name: 'one.bin', pieceLength: 131_072 });
  const seeds = ['s1', 's2', 's3', 's4'].map((name) => {
    putFiles(world.process(name), torrent, files);
    return startNode(world.process(name), torrent, true, { uploadRate: 500_000 });
  });
  const leech = startNode(world.process('leech'), torrent, false, { pieceBufferBytesMax: 1_048_576 });
  world.runFor(1_000);
  for (const seed of seeds) introduce(leech, seed, true);
  let most = 0;
  assert.ok(
    world.runUntil(() => {
      most = Math.max(most, leech.pool.usedBytes);
      return leech.completedAt() !== null;
    }, seconds(60)),
  );
  assert.ok(most <= 1_048_576, `${most} bytes of buffers`);
  for (const seed of seeds) assert.ok((leech.exchange.sources.get(seed.name) ?? 0) > 500_000, JSON.stringify([...leech.exchange.sources]));
  assert.ok(leech.exchange.down.total < 4_400_000, `${leech.exchange.down.total} bytes came for 4,000,000`);
});

test('a flash crowd: ten nodes get it from one slow seed in less than half the time that one by one would take', () => {
  const world = new World({ seed: 5 });
  const files = [{ path: [], bytes: testBytes(1_000_000) }];
  const torrent = makeTestTorrent(files, { name: 'one.bin', pieceLength: 32_768 });
  putFiles(world.process('seed'), torrent, files);
  const seed = startNode(world.process('seed'), torrent, true, { uploadRate: 200_000 });
  const crowd = Array.from({ length: 10 }, (_, n) => startNode(world.process(`leech${n}`), torrent, false, { uploadRate: 200_000 }));
  world.runFor(1_000);
  for (const [n, leech] of crowd.entries()) {
    introduce(leech, seed, true);
    for (const other of crowd.slice(0, n)) introduce(leech, other, false);
  }
  const begun = world.now();
  assert.ok(world.runUntil(() => crowd.every((leech) => leech.completedAt() !== null), seconds(200)));
  assert.ok((world.now() - begun) / 1e6 < 25, `${(world.now() - begun) / 1e6} s for 10 MB through one uplink of 0.2 MB/s`);
});

test('two nodes that dial each other at once keep one connection', () => {
  const world = new World({ seed: 6 });
  const files = [{ path: [], bytes: testBytes(2_000_000) }];
  const torrent = makeTestTorrent(files, { name: 'one.bin', pieceLength: 65_536 });
  putFiles(world.process('seed'), torrent, files);
  const seed = startNode(world.process('seed'), torrent, true, { uploadRate: 100_000 });
  const leech = startNode(world.process('leech'), torrent, false);
  world.runFor(1_000);
  introduce(leech, seed, true);
  introduce(seed, leech, false);
  world.runFor(5_000_000);
  assert.equal(leech.exchange.peers.length, 1);
  assert.equal(seed.exchange.peers.length, 1);
  assert.ok(world.runUntil(() => leech.completedAt() !== null, seconds(60)));
});

test('a source that stops sending is left alone and the others finish', () => {
  const world = new World({ seed: 7 });
  const files = [{ path: [], bytes: testBytes(1_000_000) }];
  const torrent = makeTestTorrent(files, { name: 'one.bin', pieceLength: 65_536 });
  for (const name of ['dead', 'alive']) putFiles(world.process(name), torrent, files);
  const dead = startNode(world.process('dead'), torrent, true, { uploadRate: 50_000 });
  const alive = startNode(world.process('alive'), torrent, true, { uploadRate: 50_000 });
  const leech = startNode(world.process('leech'), torrent, false);
  world.runFor(1_000);
  introduce(leech, dead, true);
  introduce(leech, alive, true);
  world.runFor(2_000_000);
  world.process('dead').cutPower();
  assert.ok(world.runUntil(() => leech.completedAt() !== null, seconds(60)));
  assert.deepEqual(Buffer.from(bytesOf(leech, 0)), Buffer.from(files[0]?.bytes ?? []));
});

test('a peer that leaves while it waits for piece memory takes no block with it', () => {
  const world = new World({ seed: 8 });
  const files = [{ path: [], bytes: testBytes(2_000_000) }];
  const torrent = makeTestTorrent(files, { name: 'one.bin', pieceLength: 131_072 });
  const sources = ['s1', 's2', 's3', 's4', 's5'].map((name) => {
    putFiles(world.process(name), torrent, files);
    return startNode(world.process(name), torrent, true, { uploadRate: 100_000 });
  });
  // Memory for two pieces: most sources wait for it.
  const leech = startNode(world.process('leech'), torrent, false, { pieceBufferBytesMax: 262_144 });
  world.runFor(1_000);
  for (const source of sources) introduce(leech, source, true);
  for (const name of ['s1', 's2', 's3', 's4']) {
    world.runFor(1_300_000);
    world.process(name).kill();
  }
  assert.ok(world.runUntil(() => leech.completedAt() !== null, seconds(120)));
  assert.deepEqual(Buffer.from(bytesOf(leech, 0)), Buffer.from(files[0]?.bytes ?? []));
  assert.equal(leech.pool.usedBytes, 0);
});
