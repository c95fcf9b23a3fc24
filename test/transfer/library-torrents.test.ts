/** Torrents that come from elsewhere and go elsewhere: files of them are got, published, and handed to other programs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../simulations/world/index.ts';
import { millis, seconds } from '../../src/ports/clock.ts';
import { readMagnet } from '../../src/protocol/bittorrent/magnet.ts';
import { readMetainfo } from '../../src/protocol/bittorrent/metainfo.ts';
import { makeTestTorrent, testBytes, type TestTorrent, valueOf } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { toHex } from '../../src/protocol/digest.ts';
import { v2Only } from './fetch-kit.ts';
import { FakeTracker, get, type LibraryNode, publish, put, read, share, startLibrary } from './library-kit.ts';

const PARTS = [testBytes(100_000, 1), testBytes(70_000, 2), testBytes(30_000, 3)];
const TRACKERS = [['http://tracker.example/0123456789abcdef0123456789abcdef/announce']];

const versions = ['v1', 'hybrid', 'v2'] as const;

/** A torrent of three files, as another program might have made it. */
const made = (version: (typeof versions)[number], isPrivate = false): TestTorrent => {
  const files = PARTS.map((bytes, n) => ({ path: [`part${n}.bin`], bytes }));
  const options = { name: 'set', pieceLength: 16_384, version: version === 'v1' ? version : ('hybrid' as const) };
  const torrent = makeTestTorrent(files, options, { trackers: TRACKERS, private: isPrivate, createdBy: 'another program' });
  return version === 'v2' ? v2Only(torrent) : torrent;
};

const base64 = ({ bytes }: Pick<TestTorrent, 'bytes'>): string => Buffer.from(bytes).toString('base64');

const putParts = (node: LibraryNode, folder: string): void => {
  for (const [n, bytes] of PARTS.entries()) put(node, `${folder}/part${n}.bin`, bytes);
};

const bodyOf = (tracker: FakeTracker, id: string): Uint8Array => tracker.catalog.get(id)?.torrent ?? new Uint8Array(0);

for (const version of versions) {
  test(`a torrent of another program is published under its info-hash, and others get it (${version})`, () => {
    const world = new World({ seed: 60 });
    const tracker = new FakeTracker();
    const anna = startLibrary(world, 'anna', tracker);
    const torrent = made(version);
    putParts(anna, '/home/downloads/set');
    const done = publish(world, anna, { torrent: base64(torrent), tags: ['Sets'] });
    assert.deepEqual([done.state, done.id, done.durability, done.size], ['done', torrent.metainfo.id, 'replicated', 200_000]);
    const entry = tracker.catalog.get(torrent.metainfo.id);
    assert.deepEqual([entry?.content.v1, entry?.content.v2, entry?.content.tags], [hex(torrent, 'v1'), hex(torrent, 'v2'), ['Sets']]);
    assert.equal(toHex(valueOf(readMetainfo(bodyOf(tracker, torrent.metainfo.id))).info), toHex(torrent.metainfo.info));
    assert.equal(Buffer.from(bodyOf(tracker, torrent.metainfo.id)).includes('0123456789abcdef'), false, 'a secret URL was published');
    const binh = startLibrary(world, 'binh', tracker);
    assert.ok(get(binh, 'set').ok);
    assert.ok(binh.until(torrent.metainfo.id, 'seeding'), JSON.stringify(binh.transfer(torrent.metainfo.id)));
    for (const [n, bytes] of PARTS.entries()) assert.deepEqual(read(binh, `/home/downloads/set/part${n}.bin`), bytes);
  });
}

const hex = ({ metainfo }: TestTorrent, version: 'v1' | 'v2'): string | null => {
  const hash = metainfo[version];
  return hash === null ? null : toHex(hash);
};

for (const [where, options] of [
  ['beside the torrent file', { beside: '/mnt/usb' }],
  ['in a folder that is named', { data: '/mnt/usb' }],
  ['in the content itself, whatever it is called now', { data: '/mnt/usb/other name' }],
] as const) {
  test(`its data is found ${where}, and nothing else is looked at or written`, () => {
    const world = new World({ seed: 61 });
    const tracker = new FakeTracker();
    const anna = startLibrary(world, 'anna', tracker);
    const torrent = made('hybrid');
    putParts(anna, where.startsWith('in the content') ? '/mnt/usb/other name' : '/mnt/usb/set');
    const done = publish(world, anna, { torrent: base64(torrent), ...options });
    assert.equal(done.state, 'done', done.message ?? '');
    assert.equal(read(anna, '/home/downloads/set/part0.bin'), null);
    assert.equal(anna.call('remove', { id: torrent.metainfo.id, data: true }).ok, false, 'what is shared in place is not deleted');
    anna.stop();
    const again = startLibrary(world, 'anna', tracker);
    assert.ok(again.until(torrent.metainfo.id, 'seeding'));
    assert.equal(again.library.piecesHashed, 0);
  });
}

test('a single file is found under another name, and by its size it is known not to be the one', () => {
  const world = new World({ seed: 62 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  const torrent = makeTestTorrent([{ path: [], bytes: PARTS[0] as Uint8Array }], { name: 'a.iso', pieceLength: 16_384 });
  put(anna, '/mnt/image', PARTS[0] as Uint8Array);
  put(anna, '/mnt/other', PARTS[1] as Uint8Array);
  const other = publish(world, anna, { torrent: base64(torrent), data: '/mnt/other' });
  assert.deepEqual([other.state, other.code], ['failed', 'missing']);
  assert.match(other.message ?? '', /\/mnt\/other has 70000 bytes, not 100000/u);
  put(anna, '/mnt/short/a.iso', PARTS[1] as Uint8Array);
  const short = publish(world, anna, { torrent: base64(torrent), data: '/mnt/short' });
  assert.match(short.message ?? '', /\/mnt\/short\/a\.iso has 70000 bytes, not 100000/u, 'not: /mnt/short is no file');
  assert.equal(publish(world, anna, { torrent: base64(torrent), data: '/mnt/image' }).state, 'done');
});

test('files are found also by names that other programs write as they are', () => {
  const world = new World({ seed: 72 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  const files = [
    { path: ['a: part?.bin'], bytes: PARTS[0] as Uint8Array },
    { path: ['con'], bytes: PARTS[1] as Uint8Array },
  ];
  const torrent = makeTestTorrent(files, { name: 'a set: 1', pieceLength: 16_384 });
  for (const { path, bytes } of files) put(anna, `/mnt/a set: 1/${path[0]}`, bytes);
  const done = publish(world, anna, { torrent: base64(torrent), beside: '/mnt' });
  assert.equal(done.state, 'done', done.message ?? '');
});

test('data that is missing or different is said so, and nothing of the attempt stays', () => {
  const world = new World({ seed: 63 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  const torrent = made('hybrid');
  const missing = publish(world, anna, { torrent: base64(torrent), beside: '/home' });
  assert.deepEqual([missing.state, missing.code], ['failed', 'missing']);
  assert.match(
    missing.message ?? '',
    /not at \/home\/set and \/home\/downloads\/set: .*part0\.bin is missing\. Name its place with --data PATH/u,
  );
  putParts(anna, '/home/downloads/set');
  put(anna, '/home/downloads/set/part1.bin', testBytes(70_000, 9));
  const wrong = publish(world, anna, { torrent: base64(torrent) });
  assert.deepEqual([wrong.state, wrong.code], ['failed', 'data-differs']);
  assert.match(wrong.message ?? '', /\d+ of \d+ pieces are right\. \/home\/downloads\/set\/part1\.bin differs\.$/u);
  assert.equal(anna.transfer(torrent.metainfo.id), undefined);
  assert.equal(tracker.catalog.size, 0);
  assert.deepEqual(read(anna, '/home/downloads/set/part1.bin'), testBytes(70_000, 9), 'the files are left alone');
  putParts(anna, '/home/downloads/set');
  assert.equal(publish(world, anna, { torrent: base64(torrent) }).state, 'done');
});

test('what is published is registered also while so many others are seeded that it has to wait', () => {
  const world = new World({ seed: 70 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker, { activeSeedsMax: 1 });
  put(anna, '/home/a.bin', testBytes(50_000));
  share(world, anna, ['/home/a.bin']);
  putParts(anna, '/home/downloads/set');
  const torrent = made('hybrid');
  assert.equal(publish(world, anna, { torrent: base64(torrent) }).state, 'done');
  assert.equal(anna.transfer(torrent.metainfo.id)?.state, 'waiting');
  assert.equal(publish(world, anna, { id: torrent.metainfo.id }).state, 'done', 'once more changes nothing');
});

for (const how of ['kill', 'stop'] as const) {
  test(`a publication goes on after a ${how} while its data is checked`, () => {
    const world = new World({ seed: 64 });
    const tracker = new FakeTracker();
    const anna = startLibrary(world, 'anna', tracker);
    const torrent = made('hybrid');
    putParts(anna, '/home/downloads/set');
    assert.ok(anna.call('publish', { torrent: base64(torrent), id: null, data: null, beside: null, tags: [] }).ok);
    while (anna.transfer(torrent.metainfo.id)?.state !== 'checking') world.runFor(millis(1));
    if (how === 'kill') anna.process.kill();
    else anna.stop();
    assert.equal(tracker.catalog.size, 0);
    startLibrary(world, 'anna', tracker);
    assert.ok(world.runUntil(() => tracker.catalog.get(torrent.metainfo.id)?.owners.has('anna') === true, seconds(60)));
  });
}

test("a torrent file whose content is in the catalog is the catalog's", () => {
  const world = new World({ seed: 65 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  putParts(anna, '/home/set');
  const id = share(world, anna, ['/home/set'], { tags: ['x'] });
  const binh = startLibrary(world, 'binh', tracker);
  const torrent = Buffer.from(bodyOf(tracker, id)).toString('base64');
  const got = get(binh, '', { torrent, files: ['part1.bin'] });
  assert.deepEqual(got.ok && [got.value.id, got.value.content?.tags], [id, ['x']]);
  assert.ok(binh.until(id, 'seeding'));
  assert.deepEqual([binh.transfer(id)?.swarm, binh.transfer(id)?.size], ['catalog', 70_000]);
});

test('a torrent of elsewhere is downloaded outside of the catalog, is not told to it, and can be published later', () => {
  const world = new World({ seed: 66 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  const torrent = made('hybrid', true);
  const { id } = torrent.metainfo;
  const own: string[] = [];
  tracker.refuse = (operation) => {
    if (operation.op === 'own') own.push(operation.content.id);
    return null;
  };
  putParts(anna, '/home/downloads/set');
  const got = get(anna, '', { torrent: base64(torrent) });
  assert.ok(got.ok, got.ok ? '' : got.error.message);
  assert.ok(anna.until(id, 'seeding'));
  world.runFor(seconds(60));
  assert.deepEqual([own, anna.transfer(id)?.swarm, anna.transfer(id)?.owned], [[], 'trackers', false]);
  assert.equal(tracker.swarms.has(id), false, 'the network was told of it');
  anna.stop();
  const again = startLibrary(world, 'anna', tracker);
  assert.ok(again.until(id, 'seeding'));
  assert.equal(again.transfer(id)?.swarm, 'trackers');
  const refused = again.call('unshare', { id });
  assert.equal(!refused.ok && refused.error.code, 'not-found');
  const done = publish(world, again, { id: id.slice(0, 12), tags: ['Now'] });
  assert.deepEqual([done.state, done.id], ['done', id]);
  assert.ok(world.runUntil(() => tracker.catalog.get(id)?.owners.has('anna') === true, seconds(10)));
  assert.deepEqual([again.transfer(id)?.swarm, tracker.catalog.get(id)?.content.tags], ['catalog', ['Now']]);
  assert.ok(tracker.swarms.has(id));
  again.stop();
  const third = startLibrary(world, 'anna', tracker);
  assert.ok(third.until(id, 'seeding'));
  assert.deepEqual([third.transfer(id)?.swarm, third.transfer(id)?.owned], ['catalog', true]);
});

test("what the catalog names is in the network's swarm also after a crash at that very moment", () => {
  const world = new World({ seed: 71 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  const torrent = made('hybrid');
  const { id } = torrent.metainfo;
  putParts(anna, '/home/downloads/set');
  assert.ok(get(anna, '', { torrent: base64(torrent) }).ok);
  assert.ok(anna.until(id, 'seeding'));
  assert.ok(anna.call('publish', { torrent: null, id, data: null, beside: null, tags: [] }).ok);
  assert.ok(world.runUntil(() => tracker.catalog.has(id), seconds(10)));
  anna.process.kill();
  tracker.swarms.clear();
  const again = startLibrary(world, 'anna', tracker);
  assert.ok(again.until(id, 'seeding'));
  assert.deepEqual([again.transfer(id)?.swarm, tracker.swarms.has(id)], ['both', true]);
});

test('broken torrent files are refused with what is wrong with them', () => {
  const world = new World({ seed: 67 });
  const anna = startLibrary(world, 'anna', new FakeTracker());
  const broken = (bytes: Uint8Array): string => {
    const got = get(anna, '', { torrent: Buffer.from(bytes).toString('base64') });
    const shared = anna.call('publish', { torrent: Buffer.from(bytes).toString('base64'), id: null, data: null, beside: null, tags: [] });
    assert.ok(!got.ok && !shared.ok);
    assert.deepEqual([got.error.code, shared.error.code], ['torrent-invalid', 'torrent-invalid']);
    return got.error.message;
  };
  assert.match(broken(new Uint8Array(0)), /ends in the middle/u);
  assert.match(broken(Buffer.from('<html>not found</html>')), /invalid bencoding/u);
  assert.match(broken(Buffer.from('d4:infodee')), /no name/u);
  assert.match(broken(made('v1').bytes.subarray(0, 300)), /ends in the middle/u);
});

const GATES: FakeTracker['proxies'] = [
  { name: 'one', address: { host: 'one.example', port: 7000 }, announce: { host: 'one.example', port: 6969 } },
  { name: 'two', address: { host: 'two.example', port: 7000 } },
  { name: 'three', address: { host: '2001:db8::3', port: 7000 }, announce: { host: '2001:db8::3', port: 80 } },
];

test("a content goes to other programs with the member's own announce URLs, a tier for each gate, under the same info-hash", () => {
  const world = new World({ seed: 68 });
  const tracker = new FakeTracker();
  tracker.proxies = GATES;
  const anna = startLibrary(world, 'anna', tracker);
  putParts(anna, '/home/set');
  const id = share(world, anna, ['/home/set']);
  const binh = startLibrary(world, 'binh', tracker);
  for (const [node, what] of [
    [anna, id.slice(0, 10)],
    [binh, 'set'],
  ] as const) {
    const torrent = node.call('torrent', { what });
    assert.ok(torrent.ok, torrent.ok ? '' : torrent.error.message);
    const metainfo = valueOf(readMetainfo(Buffer.from(torrent.value.torrent, 'base64')));
    assert.deepEqual([torrent.value.id, torrent.value.name, torrent.value.personal, metainfo.id], [id, 'set', true, id]);
    assert.deepEqual(metainfo.trackers, [
      ['http://one.example:6969/0123456789abcdef0123456789abcdef/announce'],
      ['http://[2001:db8::3]:80/0123456789abcdef0123456789abcdef/announce'],
    ]);
    assert.equal(metainfo.missingLayers, false);
    const magnet = node.call('magnet', { what, bare: false });
    const link = valueOf(readMagnet(magnet.ok ? magnet.value.magnet : ''));
    assert.deepEqual([link.trackers, link.name, link.size], [metainfo.trackers.flat(), 'set', 200_000]);
    assert.deepEqual([link.v1 && toHex(link.v1), link.v2 && toHex(link.v2)], [metainfo.v1 && toHex(metainfo.v1), id]);
    const bare = node.call('magnet', { what, bare: true });
    assert.ok(bare.ok && !bare.value.personal && !bare.value.magnet.includes('tr='));
  }
});

test('where no proxy takes announces, or the node has no passkey, a content is not handed out; a torrent of elsewhere is as it came', () => {
  const world = new World({ seed: 69 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  putParts(anna, '/home/downloads/set');
  const torrent = made('hybrid');
  assert.ok(get(anna, '', { torrent: base64(torrent) }).ok);
  const { id } = torrent.metainfo;
  assert.ok(anna.until(id, 'seeding'));
  const same = anna.call('torrent', { what: id });
  assert.ok(same.ok && same.value.torrent === base64(torrent) && !same.value.personal);
  assert.equal(publish(world, anna, { id }).state, 'done');
  for (const call of [() => anna.call('torrent', { what: id }), () => anna.call('magnet', { what: id, bare: false })]) {
    const none = call();
    assert.equal(!none.ok && none.error.code, 'no-gate');
  }
  tracker.proxies = GATES;
  tracker.passkey = { ok: false, error: { code: 'not-logged-in', message: 'Nobody is signed in.' } };
  const binh = startLibrary(world, 'binh', tracker);
  const refused = binh.call('torrent', { what: id });
  assert.equal(!refused.ok && refused.error.code, 'not-logged-in');
});
