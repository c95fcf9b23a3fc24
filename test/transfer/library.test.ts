import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../simulations/world/index.ts';
import { testBytes } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { FakeTracker, get, put, read, share, startLibrary } from './library-kit.ts';

const same = (a: Uint8Array | null, b: Uint8Array): void => assert.ok(a !== null && Buffer.compare(a, b) === 0, 'the bytes differ');

test('a shared file is found by words, downloaded, renamed, owned and seeded', () => {
  const world = new World({ seed: 1 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  const bytes = testBytes(700_000);
  put(anna, '/home/pictures.tar', bytes);
  const id = share(world, anna, ['/home/pictures.tar']);
  assert.equal(anna.transfer(id)?.state, 'seeding');
  const binh = startLibrary(world, 'binh', tracker);
  assert.deepEqual(get(binh, 'pictures').ok, true);
  assert.ok(binh.until(id, 'seeding'), JSON.stringify(binh.transfer(id)));
  same(read(binh, '/home/downloads/pictures.tar'), bytes);
  assert.deepEqual(
    binh.transfer(id)?.sources.map((source) => [source.node, source.bytes]),
    [['anna', 700_000]],
  );
  assert.ok(world.runUntil(() => binh.transfer(id)?.owned === true, 1e7));
  assert.deepEqual([...(tracker.catalog.get(id)?.owners ?? [])], ['anna', 'binh']);
  assert.ok(tracker.events.includes('binh completed'));
});

const idOf = (result: ReturnType<typeof get>): string => {
  assert.ok(result.ok, JSON.stringify(result));
  return result.value.id;
};

test('two sources at once both give; a third node gets pieces from one that is still downloading', () => {
  const world = new World({ seed: 2 });
  const tracker = new FakeTracker();
  const bytes = testBytes(3_000_000);
  const anna = startLibrary(world, 'anna', tracker, { uploadRate: 300_000 });
  put(anna, '/home/big.bin', bytes);
  const id = share(world, anna, ['/home/big.bin']);
  const binh = startLibrary(world, 'binh', tracker);
  const chi = startLibrary(world, 'chi', tracker);
  idOf(get(binh, id));
  world.runFor(2e6);
  idOf(get(chi, id.slice(0, 8)));
  assert.ok(chi.until(id, 'seeding'));
  assert.ok(binh.until(id, 'seeding'));
  same(read(chi, '/home/downloads/big.bin'), bytes);
  const sources = new Map(chi.transfer(id)?.sources.map((source) => [source.node, source.bytes]));
  assert.ok((sources.get('anna') ?? 0) > 0 && (sources.get('binh') ?? 0) > 0, JSON.stringify([...sources]));
});

test('a full disk pauses the download and says so; with room again it resumes and completes', () => {
  const world = new World({ seed: 3 });
  const tracker = new FakeTracker();
  const bytes = testBytes(1_000_000);
  const anna = startLibrary(world, 'anna', tracker);
  put(anna, '/home/big.bin', bytes);
  const id = share(world, anna, ['/home/big.bin']);
  const binh = startLibrary(world, 'binh', tracker);
  binh.process.disk.capacityBytes = 400_000;
  idOf(get(binh, id));
  assert.ok(binh.until(id, 'paused'), JSON.stringify(binh.transfer(id)));
  assert.match(binh.transfer(id)?.reason ?? '', /disk is full/u);
  const before = binh.transfer(id)?.doneBytes ?? 0;
  assert.ok(before > 0 && before < 1_000_000);
  binh.process.disk.capacityBytes = Number.MAX_SAFE_INTEGER;
  assert.ok(binh.call('resume', { id }).ok);
  assert.ok(binh.until(id, 'seeding'), JSON.stringify(binh.transfer(id)));
  same(read(binh, '/home/downloads/big.bin'), bytes);
});

for (const how of ['kill', 'cutPower'] as const) {
  test(`after ${how === 'kill' ? 'a SIGKILL' : 'a power cut'} only pieces that were not synced are hashed again`, () => {
    const world = new World({ seed: 4 });
    const tracker = new FakeTracker();
    const bytes = testBytes(4_000_000);
    const anna = startLibrary(world, 'anna', tracker, { uploadRate: 400_000 });
    put(anna, '/home/big.bin', bytes);
    const id = share(world, anna, ['/home/big.bin']);
    let binh = startLibrary(world, 'binh', tracker);
    idOf(get(binh, id));
    world.runFor(7e6);
    const before = binh.transfer(id)?.doneBytes ?? 0;
    assert.ok(before > 1_500_000 && before < 4_000_000, `${before}`);
    binh.process[how]();
    tracker.swarms.get(id)?.delete('binh');
    binh = startLibrary(world, 'binh', tracker);
    assert.ok(
      world.runUntil(() => binh.transfer(id)?.state !== 'checking', 60e6),
      JSON.stringify(binh.transfer(id)),
    );
    const resumed = binh.transfer(id)?.doneBytes ?? 0;
    assert.ok(resumed > before / 2, `${resumed} of ${before} are left`);
    assert.ok(binh.library.piecesHashed <= 20, `${binh.library.piecesHashed} pieces were hashed`);
    assert.ok(binh.until(id, 'seeding'));
    same(read(binh, '/home/downloads/big.bin'), bytes);
    const all = Math.ceil(4_000_000 / 32_768);
    assert.ok(binh.library.piecesHashed < all, 'what was there is not fetched again');
  });
}

test('after a clean restart nothing is hashed, and the content is seeded and owned again', () => {
  const world = new World({ seed: 5 });
  const tracker = new FakeTracker();
  let anna = startLibrary(world, 'anna', tracker);
  put(anna, '/home/a.bin', testBytes(500_000));
  const id = share(world, anna, ['/home/a.bin']);
  anna.stop();
  assert.ok(tracker.events.includes('anna stopped'));
  tracker.catalog.clear();
  anna = startLibrary(world, 'anna', tracker);
  assert.ok(anna.until(id, 'seeding'));
  assert.equal(anna.library.piecesHashed, 0);
  assert.ok(
    world.runUntil(() => tracker.catalog.get(id)?.owners.has('anna') === true, 60e6),
    'the tracker had lost it and hears of it again',
  );
});

test('a file that changes while it is shared is not sent: the transfer fails and stops announcing', () => {
  for (const how of ['changes', 'vanishes'] as const) {
    const world = new World({ seed: 6 });
    const tracker = new FakeTracker();
    const anna = startLibrary(world, 'anna', tracker);
    put(anna, '/home/a.bin', testBytes(500_000));
    const id = share(world, anna, ['/home/a.bin']);
    world.runFor(5e6);
    if (how === 'changes') put(anna, '/home/a.bin', testBytes(500_000, 7));
    else anna.process.disk.remove('/home/a.bin');
    const binh = startLibrary(world, 'binh', tracker);
    idOf(get(binh, id));
    assert.ok(anna.until(id, 'failed'), JSON.stringify(anna.transfer(id)));
    assert.match(anna.transfer(id)?.reason ?? '', /a\.bin/u);
    assert.equal(tracker.swarms.get(id)?.has('anna'), false);
    assert.equal(binh.transfer(id)?.doneBytes, 0);
    assert.ok(binh.until(id, 'waiting'));
  }
});

test('a file that was changed while the node was down is noticed at the start, not overwritten, and not shared', () => {
  const world = new World({ seed: 7 });
  const tracker = new FakeTracker();
  let anna = startLibrary(world, 'anna', tracker);
  put(anna, '/home/a.bin', testBytes(500_000));
  const id = share(world, anna, ['/home/a.bin']);
  anna.stop();
  world.runFor(1e6);
  put(anna, '/home/a.bin', testBytes(500_000, 9));
  anna = startLibrary(world, 'anna', tracker);
  assert.ok(anna.until(id, 'failed'));
  assert.match(anna.transfer(id)?.reason ?? '', /changed since it was hashed/u);
  same(read(anna, '/home/a.bin'), testBytes(500_000, 9));
  put(anna, '/home/a.bin', testBytes(500_000));
  anna.call('resume', { id });
  assert.ok(anna.until(id, 'seeding'), 'put back, it is shared again');
});

test('a node with no peers waits and says why', () => {
  const world = new World({ seed: 8 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  put(anna, '/home/a.bin', testBytes(100_000));
  const id = share(world, anna, ['/home/a.bin']);
  anna.stop();
  const binh = startLibrary(world, 'binh', tracker);
  idOf(get(binh, id));
  assert.ok(binh.until(id, 'waiting'));
  world.runFor(2e6);
  assert.match(binh.transfer(id)?.reason ?? '', /No owner is online/u);
  tracker.online = false;
  assert.match(binh.transfer(id)?.reason ?? '', /network is not reached/u);
  tracker.signedIn = false;
  assert.match(binh.transfer(id)?.reason ?? '', /sign/u);
});

test('1,000 small files with empty ones and Vietnamese names arrive as they were', () => {
  const world = new World({ seed: 9 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  const names = Array.from({ length: 1_000 }, (_, n) => `thư mục ${n % 10}/tệp số ${n} — Đà Nẵng.txt`);
  const contents = names.map((_, n) => testBytes(n % 7 === 0 ? 0 : 100 + n, n));
  for (const [n, name] of names.entries()) put(anna, `/home/dữ liệu/${name}`, contents[n] as Uint8Array);
  const id = share(world, anna, ['/home/dữ liệu']);
  const binh = startLibrary(world, 'binh', tracker);
  idOf(get(binh, 'dữ liệu'));
  assert.ok(binh.until(id, 'seeding', 600), JSON.stringify(binh.transfer(id)));
  for (const [n, name] of names.entries()) same(read(binh, `/home/downloads/dữ liệu/${name}`), contents[n] as Uint8Array);
  const left = binh.process.disk.list('/home/downloads');
  assert.deepEqual(left.ok && left.value.map((entry) => entry.name), ['dữ liệu']);
});

test('a v1-only torrent of several files, of which only some are chosen', () => {
  const world = new World({ seed: 10 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  for (const n of [1, 2, 3]) put(anna, `/home/set/part${n}.bin`, testBytes(100_000, n));
  const id = share(world, anna, ['/home/set'], { v1: true });
  assert.equal(id.length, 40);
  const binh = startLibrary(world, 'binh', tracker);
  assert.equal(get(binh, id, { files: ['*.txt'] }).ok, false);
  idOf(get(binh, id, { files: ['part2.bin'], sequential: true }));
  assert.ok(binh.until(id, 'seeding'), JSON.stringify(binh.transfer(id)));
  same(read(binh, '/home/downloads/set/part2.bin'), testBytes(100_000, 2));
  assert.equal(read(binh, '/home/downloads/set/part1.bin'), null);
  assert.equal(binh.transfer(id)?.size, 100_000);
  assert.equal(tracker.catalog.get(id)?.owners.has('binh'), false, 'part of a content is no ownership');
});

test('a different file that is in the way is not overwritten; the same one is taken over', () => {
  const world = new World({ seed: 11 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  put(anna, '/home/set/a.bin', testBytes(100_000, 1));
  put(anna, '/home/set/b.bin', testBytes(100_000, 2));
  const id = share(world, anna, ['/home/set']);
  const binh = startLibrary(world, 'binh', tracker);
  put(binh, '/home/downloads/set/a.bin', testBytes(5));
  const refused = get(binh, id);
  assert.equal(!refused.ok && refused.error.code, 'exists');
  put(binh, '/home/downloads/set/a.bin', testBytes(100_000, 3));
  idOf(get(binh, id));
  assert.ok(binh.until(id, 'failed'));
  assert.match(binh.transfer(id)?.reason ?? '', /different file/u);
  same(read(binh, '/home/downloads/set/a.bin'), testBytes(100_000, 3));
  put(binh, '/home/downloads/set/a.bin', testBytes(100_000, 1));
  binh.call('resume', { id });
  assert.ok(binh.until(id, 'seeding'), JSON.stringify(binh.transfer(id)));
  assert.equal(binh.transfer(id)?.downloadedBytes, 100_000, 'only the other file was fetched');
  same(read(binh, '/home/downloads/set/b.bin'), testBytes(100_000, 2));
});

test('limits hold: rates, and how many downloads go on at once', () => {
  const world = new World({ seed: 12 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  put(anna, '/home/a.bin', testBytes(1_000_000, 1));
  put(anna, '/home/b.bin', testBytes(1_000_000, 2));
  const first = share(world, anna, ['/home/a.bin']);
  const second = share(world, anna, ['/home/b.bin']);
  const binh = startLibrary(world, 'binh', tracker, { downloadRate: 200_000, activeTransfersMax: 1 });
  const begun = world.now();
  idOf(get(binh, first));
  idOf(get(binh, second));
  world.runFor(1e6);
  assert.match(binh.transfer(second)?.reason ?? '', /Other downloads go first/u);
  assert.ok(binh.until(second, 'seeding'));
  const took = (world.now() - begun) / 1e6;
  assert.ok(took > 9 && took < 13, `2 MB at 200 kB/s took ${took} s`);
});

test('several matches are listed instead of guessed; nothing is found is said so', () => {
  const world = new World({ seed: 13 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  put(anna, '/home/song one.mp3', testBytes(50_000, 1));
  put(anna, '/home/song two.mp3', testBytes(50_000, 2));
  share(world, anna, ['/home/song one.mp3']);
  share(world, anna, ['/home/song two.mp3']);
  const binh = startLibrary(world, 'binh', tracker);
  const many = get(binh, 'song');
  assert.ok(
    !many.ok &&
      many.error.code === 'ambiguous' &&
      many.error.message.includes('song one.mp3') &&
      many.error.message.includes('song two.mp3'),
  );
  const none = get(binh, 'opera');
  assert.equal(!none.ok && none.error.code, 'not-found');
});

test('what cannot be shared is refused with a reason', () => {
  const world = new World({ seed: 14 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  anna.process.disk.makeFolder('/home/empty');
  const reason = (paths: readonly string[]): string => {
    try {
      share(world, anna, paths);
      return 'shared';
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.match(reason(['/home/nothing']), /There is nothing at/u);
  assert.match(reason(['/home/empty']), /no data to share/u);
  assert.match(reason(['relative.txt']), /no absolute path/u);
  put(anna, '/home/secret.bin', testBytes(1_000));
  anna.process.diskFault = (operation, path) => (operation === 'open' && path.endsWith('secret.bin') ? 'denied' : null);
  assert.match(reason(['/home/secret.bin']), /secret\.bin/u);
});

test('remove takes a download away, with its data when asked; unshare leaves the files', () => {
  const world = new World({ seed: 15 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  put(anna, '/home/a.bin', testBytes(100_000));
  const id = share(world, anna, ['/home/a.bin']);
  const binh = startLibrary(world, 'binh', tracker);
  idOf(get(binh, id));
  assert.ok(binh.until(id, 'seeding'));
  assert.ok(binh.call('remove', { id, data: true }).ok);
  assert.equal(read(binh, '/home/downloads/a.bin'), null);
  assert.equal(binh.transfer(id), undefined);
  assert.equal(anna.call('remove', { id, data: true }).ok, false);
  assert.ok(anna.call('unshare', { id }).ok);
  assert.notEqual(read(anna, '/home/a.bin'), null);
  world.runFor(1e6);
  assert.equal(tracker.catalog.get(id)?.owners.size, 0);
});
