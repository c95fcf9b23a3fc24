/** A node as a plain BitTorrent client: torrents and links of elsewhere, by their own trackers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../simulations/world/index.ts';
import { seconds } from '../../src/ports/clock.ts';
import { printMagnet } from '../../src/protocol/bittorrent/magnet.ts';
import { redress } from '../../src/protocol/bittorrent/redress.ts';
import { makeTestTorrent, testBytes, type TestTorrent, valueOf } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { toHex } from '../../src/protocol/digest.ts';
import { FakeTracker, get, publish, put, read, startLibrary } from './library-kit.ts';
import { OutsideTracker } from './outside-kit.ts';

const BYTES = testBytes(300_000, 4);

const scene = (seed: number, { isPrivate = false, tiers = 1 } = {}) => {
  const world = new World({ seed });
  const network = new FakeTracker();
  const trackers = Array.from({ length: tiers }, (_, n) => new OutsideTracker(world, `tracker${n}`));
  const urls = trackers.map(({ url }) => [url]);
  const options = { name: 'image.iso', pieceLength: 16_384 };
  const torrent: TestTorrent = makeTestTorrent([{ path: [], bytes: BYTES }], options, { private: isPrivate, trackers: urls });
  const base64 = Buffer.from(torrent.bytes).toString('base64');
  const anna = startLibrary(world, 'anna', network);
  put(anna, '/home/downloads/image.iso', BYTES);
  assert.ok(get(anna, '', { torrent: base64 }).ok);
  assert.ok(anna.until(torrent.metainfo.id, 'seeding'));
  const [tracker] = trackers as [OutsideTracker];
  return { world, network, trackers, tracker, torrent, base64, anna, id: torrent.metainfo.id };
};

for (const isPrivate of [false, true])
  test(`a torrent of elsewhere comes from the peers that its tracker names, without anybody signed in (${isPrivate ? 'private' : 'public'})`, () => {
    const { world, network, tracker, base64, id } = scene(100, { isPrivate });
    network.signedIn = false;
    const binh = startLibrary(world, 'binh', network);
    assert.ok(get(binh, '', { torrent: base64 }).ok);
    assert.ok(binh.until(id, 'seeding'), JSON.stringify(binh.transfer(id)));
    assert.deepEqual(read(binh, '/home/downloads/image.iso'), BYTES);
    const sources = binh.transfer(id)?.sources.map(({ client, name }) => [client, name]);
    assert.deepEqual(sources, [['Shoal test', '']], 'the make of a peer that is known by its address alone');
    assert.ok(world.runUntil(() => tracker.events(binh.process.host).includes('completed'), seconds(60)));
    const { trackers } = valueOf(binh.call('peers', { id }));
    assert.deepEqual(
      trackers.map(({ url, tier, state, message }) => [url, tier, state, message]),
      [[`http://${tracker.process.host}:6969/***/announce`, 0, 'working', null]],
    );
    assert.equal(binh.transfer(id)?.seeders, 2);
    assert.ok(binh.call('pause', { id }).ok);
    assert.ok(binh.until(id, 'paused'));
    assert.ok(get(binh, id.slice(0, 12)).ok, 'it goes on by its id, though no catalog has it');
    assert.ok(binh.until(id, 'seeding'));
    binh.stop();
    assert.equal(tracker.events(binh.process.host).at(-1), 'stopped');
    assert.equal(network.swarms.size, 0, 'the network was told of it');
  });

test('why trackers do not help is said, and the next of them is asked', () => {
  const { world, network, trackers, base64, id } = scene(101, { tiers: 2 });
  const [first, second] = trackers as [OutsideTracker, OutsideTracker];
  first.refusal = second.refusal = 'unregistered torrent';
  const binh = startLibrary(world, 'binh', network);
  assert.ok(get(binh, '', { torrent: base64 }).ok);
  const failed = (): boolean => binh.transfer(id)?.reason?.startsWith('None of its 2 trackers helps') === true;
  assert.ok(world.runUntil(failed, seconds(120)), JSON.stringify(binh.transfer(id)));
  assert.match(binh.transfer(id)?.reason ?? '', /unregistered torrent/u);
  second.refusal = null;
  assert.ok(binh.until(id, 'seeding', 3_600), JSON.stringify(binh.call('peers', { id })));
  assert.deepEqual(
    valueOf(binh.call('peers', { id })).trackers.map(({ state }) => state),
    ['failed', 'working'],
  );
});

for (const how of ['kill', 'stop'] as const)
  test(`a torrent of elsewhere goes on after a ${how} in the middle, by the same trackers`, () => {
    const { world, network, tracker, base64, id } = scene(102);
    const slow = { downloadRate: 50_000 };
    const binh = startLibrary(world, 'binh', network, slow);
    assert.ok(get(binh, '', { torrent: base64 }).ok);
    assert.ok(world.runUntil(() => (binh.transfer(id)?.doneBytes ?? 0) > 100_000, seconds(60)));
    world.runFor(seconds(6));
    if (how === 'kill') binh.process.kill();
    else binh.stop();
    const before = tracker.heard.length;
    const again = startLibrary(world, 'binh', network);
    assert.ok(again.until(id, 'seeding'), JSON.stringify(again.transfer(id)));
    assert.deepEqual(read(again, '/home/downloads/image.iso'), BYTES);
    assert.ok(tracker.heard.slice(before).some(({ event, from }) => event === 'started' && from === again.process.host));
    assert.ok((again.transfer(id)?.downloadedBytes ?? 0) < 400_000, 'what was there was kept');
  });

test('a link of elsewhere finds its torrent and its content by the trackers it names, and keeps them', () => {
  const { world, network, tracker, torrent, anna, id } = scene(103);
  const { v1, v2 } = torrent.metainfo;
  anna.stop();
  const binh = startLibrary(world, 'binh', network);
  assert.ok(get(binh, printMagnet({ v1, v2, name: 'image', trackers: [tracker.url] })).ok);
  const waits = (): boolean => binh.transfer(id)?.reason === 'Its trackers know nobody who has it; they are asked again and again.';
  assert.ok(world.runUntil(waits, seconds(60)), JSON.stringify(binh.transfer(id)));
  assert.equal(valueOf(binh.call('peers', { id })).trackers[0]?.state, 'working');
  startLibrary(world, 'anna', network);
  assert.ok(binh.until(id, 'seeding', 600), JSON.stringify(binh.transfer(id)));
  binh.process.kill();
  const before = tracker.heard.length;
  const again = startLibrary(world, 'binh', network);
  assert.ok(again.until(id, 'seeding'));
  world.runFor(seconds(5));
  const hashes = new Set(tracker.heard.slice(before).map(({ hash }) => hash));
  assert.ok(hashes.has(toHex(v1 ?? new Uint8Array(0))), 'the trackers of the link are those of the torrent now');
});

test("a public torrent that is published goes on with its own trackers as well; a private one is the network's alone", () => {
  for (const isPrivate of [false, true]) {
    const { world, network, tracker, anna, id } = scene(104, { isPrivate });
    assert.equal(publish(world, anna, { id }).state, 'done');
    world.runFor(seconds(5));
    assert.ok(network.swarms.get(id)?.has('anna'));
    assert.equal(tracker.events(anna.process.host).at(-1) === 'stopped', isPrivate);
    assert.equal(anna.transfer(id)?.swarm, isPrivate ? 'catalog' : 'both');
    anna.stop();
    const again = startLibrary(world, 'anna', network);
    assert.ok(again.until(id, 'seeding'));
    assert.equal(valueOf(again.call('peers', { id })).trackers.length, isPrivate ? 0 : 1);
    again.stop();
    assert.equal(tracker.events(anna.process.host).at(-1), 'stopped');
  }
});

test('a torrent without trackers says why it does not move', () => {
  const { world, network, torrent } = scene(105);
  const binh = startLibrary(world, 'binh', network);
  const bare = valueOf(redress(torrent.bytes, { trackers: [] }));
  assert.ok(get(binh, '', { torrent: Buffer.from(bare).toString('base64') }).ok);
  world.runFor(seconds(10));
  const shown = binh.transfer(torrent.metainfo.id);
  assert.deepEqual([shown?.state, /names no tracker/u.test(shown?.reason ?? '')], ['waiting', true]);
});

test('a seeder whose trackers refuse it says so', () => {
  const { world, tracker, anna, id } = scene(106);
  assert.equal(anna.transfer(id)?.reason, null);
  tracker.refusal = 'your ratio is too low';
  const told = (): boolean =>
    anna.transfer(id)?.reason === 'Its tracker does not help: your ratio is too low. It is asked again and again.';
  assert.ok(world.runUntil(told, seconds(600)), JSON.stringify(anna.transfer(id)));
  assert.equal(anna.transfer(id)?.state, 'seeding');
});
