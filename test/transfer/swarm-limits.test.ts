/** What a node does not do: too many connections, too many uploads at once, asking for what is here already. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../simulations/world/index.ts';
import { seconds } from '../../src/ports/clock.ts';
import type { PieceIndex } from '../../src/protocol/bittorrent/ids.ts';
import { makeTestTorrent, testBytes } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { introduce, PEER_PORT, putFiles, startNode, type SwarmNode, type SwarmNodeOptions } from './swarm-kit.ts';

/** A world with one file, which some nodes have from the beginning. */
const scene = (size: number, pieceLength: number) => {
  const world = new World({ seed: 9 });
  const files = [{ path: [], bytes: testBytes(size) }];
  const torrent = makeTestTorrent(files, { name: 'one.bin', pieceLength });
  const start = (name: string, has: boolean, options: SwarmNodeOptions = {}): SwarmNode => {
    if (has) putFiles(world.process(name), torrent, files);
    return startNode(world.process(name), torrent, has, options);
  };
  return { world, torrent, start };
};

const SIX = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6'];

for (const limit of ['node', 'transfer'] as const) {
  const options: SwarmNodeOptions = limit === 'node' ? { nodePeersMax: 2 } : { peersMax: 2 };

  test(`with 2 connections allowed for a ${limit}, a download knows six sources, uses two and makes no third connection`, () => {
    const { world, start } = scene(3_000_000, 131_072);
    const leech = start('leech', false, options);
    const sources = SIX.map((name) => start(name, true, { uploadRate: 50_000 }));
    world.runFor(1_000);
    for (const source of sources) introduce(leech, source, true);
    let [peers, connections] = [0, 0];
    world.runFor(seconds(2));
    const over = world.runUntil(() => {
      peers = Math.max(peers, leech.exchange.peers.length);
      connections = Math.max(connections, leech.port.peerCount);
      return leech.completedAt() !== null;
    }, seconds(60));
    assert.ok(over);
    assert.deepEqual([peers, connections], [2, 2]);
    assert.equal(leech.exchange.sources.size, 2);
  });

  test(`with 2 connections allowed for a ${limit}, a seed that six want serves two of them`, () => {
    const { world, start } = scene(3_000_000, 131_072);
    const seed = start('seed', true, { ...options, uploadRate: 100_000 });
    const crowd = SIX.map((name) => start(name, false));
    world.runFor(1_000);
    for (const leech of crowd) introduce(leech, seed, true);
    let most = 0;
    world.runUntil(() => {
      most = Math.max(most, limit === 'node' ? seed.port.peerCount : seed.exchange.peers.length);
      return false;
    }, seconds(15));
    assert.equal(most, 2);
    assert.equal(crowd.filter((leech) => leech.exchange.down.total > 0).length, 2);
  });
}

for (const slots of [1, 2]) {
  test(`of four that want something ${slots} are unchoked at one time, as many as there are upload slots, and in the end all are served`, () => {
    const { world, start } = scene(6_000_000, 131_072);
    const seed = start('seed', true, { uploadSlots: slots, uploadRate: 100_000 });
    const crowd = SIX.slice(0, 4).map((name) => start(name, false));
    world.runFor(1_000);
    for (const leech of crowd) introduce(leech, seed, true);
    let [most, least] = [0, 4];
    world.runUntil(() => {
      const { peers } = seed.exchange;
      const unchoked = peers.filter((peer) => !peer.amChoking).length;
      most = Math.max(most, unchoked);
      if (world.now() > seconds(2)) least = Math.min(least, unchoked);
      return false;
    }, seconds(50));
    assert.equal(seed.exchange.peers.filter((peer) => peer.interested).length, 4);
    assert.deepEqual([most, least], [slots, slots]);
    for (const leech of crowd) assert.ok(leech.exchange.down.total > 500_000, `${leech.name} got ${leech.exchange.down.total} bytes`);
  });
}

test('in the endgame a block is asked of two, and of none any more once it is here', () => {
  const { world, torrent, start } = scene(1_500_000, 262_144);
  const leech = start('leech', false);
  const fast = start('fast', true, { uploadRate: 200_000 });
  const slow = start('slow', true, { uploadRate: 30_000 });
  world.runFor(1_000);
  for (const source of [fast, slow]) introduce(leech, source, true);
  let twins = 0;
  const over = world.runUntil(() => {
    for (let n = 0; n < torrent.metainfo.pieceCount; n++) {
      const piece = n as PieceIndex;
      const owed = leech.exchange.peers.map((peer) => peer.requests.overlapping({ piece, unit: 0, units: 16 }));
      for (const request of owed.flat()) assert.ok(leech.exchange.picker.wants(request.run), `piece ${n}, unit ${request.run.unit}`);
      const [some = [], others = []] = owed;
      twins += some.filter(({ run }) => others.some((other) => other.run.unit === run.unit)).length;
    }
    return leech.completedAt() !== null;
  }, seconds(60));
  assert.ok(over);
  assert.ok(twins > 0, 'there was an endgame');
});

test('a host that opens a thousand connections and says nothing keeps nobody else from the seed', () => {
  const { world, start } = scene(500_000, 65_536);
  const seed = start('seed', true, { nodePeersMax: 20 });
  world.runFor(1_000);
  let [opened, over, most] = [0, 0, 0];
  const hostile = world.process('hostile').start(() => {});
  hostile.step(() => {
    for (let n = 0; n < 1_000; n++) {
      const handler = { open: () => void opened++, bytes() {}, drain() {}, end() {}, closed: () => void over++ };
      hostile.ports.transport.dial({ host: seed.host, port: PEER_PORT }, { timeoutMs: 5_000 }, handler);
    }
  });
  world.runUntil(() => {
    most = Math.max(most, seed.port.peerCount);
    return false;
  }, seconds(2));
  assert.ok(most > 0 && most <= 10, `${most} connections are held`);
  const leech = start('leech', false);
  world.runFor(1_000);
  introduce(leech, seed, true);
  assert.ok(world.runUntil(() => leech.completedAt() !== null, seconds(10)));
  world.runFor(seconds(20));
  assert.equal(over, 1_000, 'nobody stays who says nothing');
});
