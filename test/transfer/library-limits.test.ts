/** What a call and the configuration ask of a download: the order of its pieces, and how many peers it meets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../simulations/world/index.ts';
import { seconds } from '../../src/ports/clock.ts';
import { testBytes } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { FakeTracker, get, put, read, share, startLibrary } from './library-kit.ts';

test('a download in order has the first pieces first, also after a restart', () => {
  const world = new World({ seed: 23 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker, { uploadRate: 100_000 });
  put(anna, '/home/a.bin', testBytes(1_600_000));
  const id = share(world, anna, ['/home/a.bin']);
  let binh = startLibrary(world, 'binh', tracker);
  assert.ok(get(binh, id, { sequential: true }).ok);
  const journal = (): readonly number[] => {
    const { have } = JSON.parse(Buffer.from(read(binh, `/home/shoal/transfers/${id}.json`) ?? []).toString('utf8')) as { have: string };
    const bits = Buffer.from(have, 'base64');
    return Array.from({ length: bits.length * 8 }, (_, piece) => piece).filter(
      (piece) => ((bits[piece >> 3] ?? 0) >> (7 - (piece & 7))) & 1,
    );
  };
  for (const hadBefore of [0, 15]) {
    let had: readonly number[] = [];
    for (const enough of [5, 10, 15].map((more) => hadBefore + more)) {
      assert.ok(world.runUntil(() => (had = journal()).length >= enough, seconds(60)));
      // Pieces may be written in another order than they came, by a few.
      assert.ok((had.at(-1) ?? 0) < had.length + 4, `pieces had: ${had.join(' ')}`);
    }
    binh.stop();
    tracker.swarms.get(id)?.delete('binh');
    binh = startLibrary(world, 'binh', tracker);
  }
});

for (const limit of ['peersMax', 'peersPerTransferMax'] as const) {
  test(`a node with a limits.${limit} of 2 downloads from two of five`, () => {
    const world = new World({ seed: 24 });
    const tracker = new FakeTracker();
    const bytes = testBytes(1_000_000);
    let id = '';
    for (const name of ['anna', 'chi', 'dung', 'em', 'giang']) {
      const node = startLibrary(world, name, tracker, { uploadRate: 50_000 });
      put(node, '/home/a.bin', bytes);
      id = share(world, node, ['/home/a.bin']);
    }
    const binh = startLibrary(world, 'binh', tracker, { [limit]: 2 });
    assert.ok(get(binh, id).ok);
    let most = 0;
    for (let n = 0; n < 50; n++) {
      world.runFor(100_000);
      most = Math.max(most, binh.transfer(id)?.peers ?? 0);
    }
    assert.equal(most, 2);
    assert.ok(binh.until(id, 'seeding'));
    assert.equal(binh.transfer(id)?.sources.length, 2);
  });
}

test('a node with one upload slot gives to one of three at a time', () => {
  const world = new World({ seed: 25 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker, { uploadRate: 50_000, uploadSlots: 1 });
  put(anna, '/home/a.bin', testBytes(1_000_000));
  const id = share(world, anna, ['/home/a.bin']);
  const others = ['binh', 'chi', 'dung'].map((name) => startLibrary(world, name, tracker, { uploadRate: 1 }));
  for (const other of others) assert.ok(get(other, id).ok);
  let waited = 0;
  for (let second = 0; second < 12; second++) {
    world.runFor(seconds(1));
    const answer = anna.call('peers', { id });
    assert.ok(answer.ok);
    const wanting = answer.value.peers.filter((peer) => peer.interested);
    if (wanting.length === 3) waited++;
    assert.ok(answer.value.peers.filter((peer) => !peer.choking).length <= 1);
  }
  assert.ok(waited > 5, 'all three want something, nearly always');
});
