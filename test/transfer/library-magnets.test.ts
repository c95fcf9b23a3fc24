/** Magnet links: a torrent is fetched from peers, then its content; through restarts, and with what may go wrong. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../simulations/world/index.ts';
import { millis, seconds } from '../../src/ports/clock.ts';
import { type Magnet, printMagnet, readMagnet } from '../../src/protocol/bittorrent/magnet.ts';
import { makeTestTorrent, testBytes, type TestTorrent, valueOf } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { v2Only } from './fetch-kit.ts';
import { FakeTracker, get, type LibraryNode, put, read, share, startLibrary } from './library-kit.ts';

const PARTS = [testBytes(100_000, 1), testBytes(70_000, 2), testBytes(30_000, 3)];

const made = (version: 'v1' | 'hybrid' | 'v2'): TestTorrent => {
  const files = PARTS.map((bytes, n) => ({ path: [`part${n}.bin`], bytes }));
  const options = { name: 'set', pieceLength: 16_384, version: version === 'v1' ? version : ('hybrid' as const) };
  const torrent = makeTestTorrent(files, options, { private: false });
  return version === 'v2' ? v2Only(torrent) : torrent;
};

const linkOf = ({ metainfo: { v1, v2 } }: TestTorrent, peer: LibraryNode | null, more: Partial<Magnet> = {}): string =>
  printMagnet({ v1, v2, name: 'a set', peers: peer === null ? [] : [{ host: peer.process.host, port: 6881 }], ...more });

/** Anna has the torrent from elsewhere, complete; the network knows nothing of it. */
const scene = (seed: number, version: 'v1' | 'hybrid' | 'v2' = 'hybrid') => {
  const world = new World({ seed });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  const torrent = made(version);
  for (const [n, bytes] of PARTS.entries()) put(anna, `/home/downloads/set/part${n}.bin`, bytes);
  assert.ok(get(anna, '', { torrent: Buffer.from(torrent.bytes).toString('base64') }).ok);
  assert.ok(anna.until(torrent.metainfo.id, 'seeding'));
  const binh = startLibrary(world, 'binh', tracker);
  return { world, tracker, anna, binh, torrent, id: torrent.metainfo.id };
};

const names = (node: LibraryNode): readonly string[] => {
  const listed = node.process.disk.list('/home/shoal/transfers');
  return listed.ok ? listed.value.map(({ name }) => name).toSorted() : [];
};

for (const version of ['v1', 'hybrid', 'v2'] as const) {
  test(`a link alone brings the torrent from a peer, and then the content (${version})`, () => {
    const { binh, anna, torrent, id } = scene(80, version);
    const got = get(binh, linkOf(torrent, anna));
    assert.deepEqual(got.ok && got.value, { id, content: null });
    const [waiting] = valueOf(binh.call('transfers', { id: null })).transfers;
    assert.deepEqual([waiting?.state, waiting?.name, waiting?.swarm], ['metadata', 'a set', 'trackers']);
    assert.ok(binh.until(id, 'seeding'), JSON.stringify(binh.transfer(id)));
    for (const [n, bytes] of PARTS.entries()) assert.deepEqual(read(binh, `/home/downloads/set/part${n}.bin`), bytes);
    assert.deepEqual(names(binh), [`${id}.json`, `${id}.torrent`], 'nothing is left of the link');
    assert.equal(binh.transfer(id)?.swarm, 'trackers');
  });
}

test('a link with the version 1 hash of a hybrid alone is asked about by that hash all along', () => {
  const { binh, anna, torrent, id } = scene(81);
  const link = linkOf(torrent, anna, { v2: null });
  const got = get(binh, link);
  assert.ok(got.ok && got.value.id !== id);
  const look = () => valueOf(binh.call('transfers', { id: got.value.id })).transfers[0];
  assert.equal(look()?.state, 'metadata');
  assert.ok(binh.until(id, 'seeding'));
  assert.equal(look()?.state, 'seeding');
});

test("a link to a content of the catalog is the catalog's, whatever trackers it names", () => {
  const world = new World({ seed: 82 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  put(anna, '/home/a.bin', PARTS[0] as Uint8Array);
  const id = share(world, anna, ['/home/a.bin']);
  const link = valueOf(anna.call('magnet', { what: id, bare: true })).magnet;
  const v1 = readMagnet(link);
  for (const [name, text] of [
    ['binh', `${link}&tr=http%3A%2F%2Felsewhere%2Fannounce`],
    ['chi', printMagnet({ v1: v1.ok ? v1.value.v1 : null })],
  ] as const) {
    const node = startLibrary(world, name, tracker);
    const got = get(node, text);
    assert.deepEqual(got.ok && [got.value.id, got.value.content?.name], [id, 'a.bin']);
    assert.ok(node.until(id, 'seeding'));
    assert.equal(node.transfer(id)?.swarm, 'catalog');
  }
});

test('the files that a link selects are fetched, and --file goes before that', () => {
  const { binh, anna, torrent, id, world, tracker } = scene(83);
  // As the torrent lists them: part0, padding, part1, padding, part2.
  assert.ok(get(binh, linkOf(torrent, anna, { files: [{ first: 1, last: 2 }] })).ok);
  assert.ok(binh.until(id, 'seeding'), JSON.stringify(binh.transfer(id)));
  assert.deepEqual([read(binh, '/home/downloads/set/part0.bin'), binh.transfer(id)?.size], [null, 70_000]);
  assert.deepEqual(read(binh, '/home/downloads/set/part1.bin'), PARTS[1]);
  const chi = startLibrary(world, 'chi', tracker);
  assert.ok(get(chi, linkOf(torrent, anna, { files: [{ first: 0, last: 0 }] }), { files: ['part2.bin'], to: '/mnt/x' }).ok);
  assert.ok(chi.until(id, 'seeding'));
  assert.deepEqual([chi.transfer(id)?.size, read(chi, '/mnt/x/set/part2.bin')], [30_000, PARTS[2]]);
  const dung = startLibrary(world, 'dung', tracker);
  assert.ok(get(dung, linkOf(torrent, anna, { files: [{ first: 7, last: 9 }] })).ok);
  assert.ok(dung.until(id, 'failed'));
  assert.match(dung.transfer(id)?.reason ?? '', /are not among them/u);
});

for (const how of ['kill', 'stop'] as const) {
  test(`a link goes on after a ${how}, paused or not, and what it was asked with is kept`, () => {
    const { world, tracker, anna, binh, torrent, id } = scene(84);
    anna.stop();
    assert.ok(get(binh, linkOf(torrent, anna), { to: '/mnt/x' }).ok);
    world.runFor(seconds(30));
    assert.equal(binh.transfer(id)?.state, 'metadata');
    if (how === 'kill') binh.process.kill();
    else binh.stop();
    const again = startLibrary(world, 'binh', tracker);
    assert.deepEqual([again.transfer(id)?.state, again.transfer(id)?.name, again.transfer(id)?.folder], ['metadata', 'a set', '/mnt/x']);
    assert.ok(again.call('pause', { id }).ok);
    world.runFor(millis(100));
    assert.deepEqual([again.transfer(id)?.state, again.transfer(id)?.reason], ['paused', null]);
    if (how === 'kill') again.process.kill();
    else again.stop();
    startLibrary(world, 'anna', tracker);
    const third = startLibrary(world, 'binh', tracker);
    world.runFor(seconds(60));
    assert.equal(third.transfer(id)?.state, 'paused');
    assert.ok(third.call('resume', { id: id.slice(0, 12) }).ok);
    assert.ok(third.until(id, 'seeding', 300), JSON.stringify(third.transfer(id)));
    assert.deepEqual(read(third, '/mnt/x/set/part0.bin'), PARTS[0]);
  });
}

test('a link that waits is taken away by remove, and forgotten', () => {
  const { world, tracker, anna, binh, torrent, id } = scene(85);
  anna.stop();
  assert.ok(get(binh, linkOf(torrent, anna)).ok);
  assert.match(binh.transfer(id)?.reason ?? '', /could not be reached|Connecting/u);
  assert.equal(binh.call('recheck', { id }).ok, false);
  assert.deepEqual(binh.call('peers', { id }), { ok: true, value: { peers: [], trackers: [], webSeeds: [] } });
  assert.ok(binh.call('remove', { id, data: false }).ok);
  assert.equal(binh.transfer(id), undefined);
  binh.stop();
  assert.equal(startLibrary(world, 'binh', tracker).transfer(id), undefined);
});

test('a link whose content comes by another way is settled by that', () => {
  const { anna, binh, torrent, id } = scene(86);
  anna.stop();
  assert.ok(get(binh, linkOf(torrent, anna)).ok);
  for (const [n, bytes] of PARTS.entries()) put(binh, `/home/downloads/set/part${n}.bin`, bytes);
  assert.ok(get(binh, '', { torrent: Buffer.from(torrent.bytes).toString('base64') }).ok);
  assert.ok(binh.until(id, 'seeding'));
  assert.equal(valueOf(binh.call('transfers', { id: null })).transfers.length, 1);
  assert.deepEqual(names(binh), [`${id}.json`, `${id}.torrent`]);
  const again = get(binh, linkOf(torrent, anna));
  assert.deepEqual(again.ok && again.value.id, id);
});

test("what is in the way of a link's content is said, and it goes on when that is gone", () => {
  const { anna, binh, torrent, id } = scene(87);
  put(binh, '/home/downloads/set/part1.bin', testBytes(10));
  assert.ok(get(binh, linkOf(torrent, anna)).ok);
  assert.ok(binh.until(id, 'failed'));
  assert.match(binh.transfer(id)?.reason ?? '', /part1\.bin exists already and is different/u);
  assert.ok(binh.process.disk.remove('/home/downloads/set/part1.bin').ok);
  assert.ok(binh.call('resume', { id }).ok);
  assert.ok(binh.until(id, 'seeding'), JSON.stringify(binh.transfer(id)));
});

test('a link that nobody could ever answer is refused; one that the network could not be asked about waits for it', () => {
  const { world, tracker, anna, torrent, id } = scene(88);
  const chi = startLibrary(world, 'chi', tracker);
  const bare = linkOf(torrent, null);
  const refused = get(chi, bare);
  assert.equal(!refused.ok && refused.error.code, 'not-found');
  tracker.online = false;
  assert.ok(get(chi, bare).ok);
  const outside = startLibrary(world, 'dung', tracker);
  const bytes = Buffer.from(torrent.bytes).toString('base64');
  assert.ok(get(outside, '', { torrent: bytes }).ok);
  world.runFor(seconds(30));
  tracker.online = true;
  const job = valueOf(anna.call('publish', { torrent: null, id, data: null, beside: null, tags: ['late'] }));
  assert.ok(
    world.runUntil(() => tracker.catalog.has(id), seconds(30)),
    JSON.stringify(anna.call('shareJob', job)),
  );
  for (const node of [chi, outside]) {
    node.incarnation.step(() => node.library.entered(0));
    assert.ok(node.until(id, 'seeding'), JSON.stringify(node.transfer(id)));
    assert.equal(node.transfer(id)?.swarm, 'catalog');
  }
  outside.stop();
  assert.equal(startLibrary(world, 'dung', tracker).transfer(id)?.swarm, 'catalog');
});

test('a link that is no link is refused with what is wrong with it', () => {
  const anna = startLibrary(new World({ seed: 89 }), 'anna', new FakeTracker());
  for (const [link, why] of [
    ['magnet:?dn=x', /no info-hash/u],
    ['magnet:?xt=urn:btih:12', /invalid/u],
    [`magnet:?xt=urn:btih:${'a'.repeat(40)}&so=5-2`, /selection of files/u],
  ] as const) {
    const refused = get(anna, link);
    assert.ok(!refused.ok && refused.error.code === 'magnet-invalid');
    assert.match(refused.error.message, why);
  }
});
