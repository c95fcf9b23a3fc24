/** Files that are moved: by their user, on completion, across file systems, and with crashes in between. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../simulations/world/index.ts';
import { seconds } from '../../src/ports/clock.ts';
import { testBytes } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { FakeTracker, get, type LibraryNode, put, read, share, startLibrary } from './library-kit.ts';

const same = (a: Uint8Array | null, b: Uint8Array): void => assert.ok(a !== null && Buffer.compare(a, b) === 0, 'the bytes differ');
const PARTS = [1, 2, 3] as const;
const partBytes = (part: number): Uint8Array => testBytes(200_000, part);
const names = (node: LibraryNode, folder: string): readonly string[] => {
  const listed = node.process.disk.list(folder);
  return listed.ok ? listed.value.map((entry) => entry.name).toSorted() : [];
};

const scene = (seed: number): { world: World; tracker: FakeTracker; anna: LibraryNode; binh: LibraryNode; id: string } => {
  const world = new World({ seed });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  for (const part of PARTS) put(anna, `/home/set/part${part}.bin`, partBytes(part));
  const id = share(world, anna, ['/home/set']);
  return { world, tracker, anna, binh: startLibrary(world, 'binh', tracker), id };
};
/** Every rename out of `/home` fails as one to another file system does. */
const elsewhere = (node: LibraryNode): void => {
  node.process.diskFault = (operation, path) => (operation === 'rename' && /part\d\.bin$/u.test(path) ? 'io' : null);
};
const whole = (node: LibraryNode, folder: string): void => {
  for (const part of PARTS) same(read(node, `${folder}/set/part${part}.bin`), partBytes(part));
};

for (const copied of [false, true]) {
  test(`a seed is moved and goes on seeding from there, unhashed${copied ? ', also to another file system' : ''}`, () => {
    const { binh, id, tracker, world } = scene(90);
    assert.ok(get(binh, id).ok);
    assert.ok(binh.until(id, 'seeding'));
    const hashed = binh.library.piecesHashed;
    if (copied) elsewhere(binh);
    assert.deepEqual(binh.call('move', { id, folder: '/mnt/big/' }), { ok: true, value: { folder: '/mnt/big' } });
    assert.ok(binh.until(id, 'seeding'));
    whole(binh, '/mnt/big');
    assert.deepEqual(names(binh, '/home/downloads'), [], 'nothing is left behind');
    assert.deepEqual(names(binh, '/mnt/big'), ['set']);
    assert.equal(binh.library.piecesHashed, hashed);
    assert.equal(binh.transfer(id)?.folder, '/mnt/big');
    binh.stop();
    const again = startLibrary(world, 'binh', tracker);
    assert.ok(again.until(id, 'seeding'));
    assert.equal(again.library.piecesHashed, 0);
    const chi = startLibrary(world, 'chi', tracker);
    assert.ok(get(chi, id).ok);
    assert.ok(chi.until(id, 'seeding'));
  });
}

test('a share is moved from where it lies', () => {
  const { anna, id } = scene(91);
  assert.ok(anna.call('move', { id, folder: '/mnt/shared' }).ok);
  assert.ok(anna.until(id, 'seeding'), JSON.stringify(anna.transfer(id)));
  whole(anna, '/mnt/shared');
  assert.equal(read(anna, '/home/set/part1.bin'), null);
});

test('files that are also those of another share stay where they are, until that one is removed', () => {
  const { anna, id, world } = scene(89);
  const other = share(world, anna, ['/home/set'], { v1: true });
  for (const [moved, kept] of [
    [id, other],
    [other, id],
  ] as const) {
    const refused = anna.call('move', { id: moved, folder: '/mnt/shared' });
    assert.equal(refused.ok ? '' : refused.error.code, 'same-files');
    assert.ok(!refused.ok && refused.error.message.includes(`set (${kept.slice(0, 12)}) lies on the same files`));
  }
  whole(anna, '/home');
  assert.deepEqual([anna.transfer(id)?.state, anna.transfer(other)?.state], ['seeding', 'seeding']);
  assert.ok(anna.call('remove', { id: other, data: false }).ok);
  assert.ok(anna.call('move', { id, folder: '/mnt/shared' }).ok);
  whole(anna, '/mnt/shared');
});

test('a download that is under way is moved and ends where it was moved to', () => {
  const { binh, id, tracker, world } = scene(92);
  binh.stop();
  const slow = startLibrary(world, 'binh', tracker, { downloadRate: 100_000 });
  assert.ok(get(slow, id).ok);
  world.runFor(seconds(3));
  elsewhere(slow);
  assert.ok(slow.call('move', { id, folder: '/mnt/big' }).ok);
  slow.process.diskFault = () => null;
  assert.ok(slow.until(id, 'seeding'), JSON.stringify(slow.transfer(id)));
  whole(slow, '/mnt/big');
  assert.ok((slow.transfer(id)?.downloadedBytes ?? 0) < 800_000, 'what was there was not fetched again');
  assert.deepEqual(names(slow, '/home/downloads'), []);
});

test('what is paused stays paused where it was moved to; what stands in the way is not replaced', () => {
  const { binh, id } = scene(93);
  assert.ok(get(binh, id).ok);
  assert.ok(binh.until(id, 'seeding'));
  assert.ok(binh.call('pause', { id }).ok);
  put(binh, '/mnt/taken/set/part2.bin', partBytes(9));
  const taken = binh.call('move', { id, folder: '/mnt/taken' });
  assert.ok(!taken.ok && taken.error.code === 'exists' && taken.error.message.includes('/mnt/taken/set/part2.bin'));
  same(read(binh, '/mnt/taken/set/part2.bin'), partBytes(9));
  whole(binh, '/home/downloads');
  const inside = binh.call('move', { id, folder: '/home/downloads/set/inner' });
  assert.equal(!inside.ok && inside.error.code, 'bad-request');
  assert.ok(binh.call('move', { id, folder: '/mnt/free' }).ok);
  assert.equal(binh.transfer(id)?.state, 'paused');
  whole(binh, '/mnt/free');
});

test('a full disk leaves every file whole in one place or the other, and the move can be asked for again', () => {
  const { binh, id } = scene(94);
  assert.ok(get(binh, id).ok);
  assert.ok(binh.until(id, 'seeding'));
  elsewhere(binh);
  const { diskFault } = binh.process;
  binh.process.diskFault = (operation, path) => (operation === 'write' && path.includes('part2') ? 'full' : diskFault(operation, path));
  const full = binh.call('move', { id, folder: '/mnt/big' });
  assert.equal(!full.ok && full.error.code, 'full');
  assert.ok(binh.until(id, 'seeding'), JSON.stringify(binh.transfer(id)));
  elsewhere(binh);
  assert.ok(binh.call('move', { id, folder: '/mnt/big' }).ok);
  whole(binh, '/mnt/big');
  assert.deepEqual(names(binh, '/mnt/big/set'), ['part1.bin', 'part2.bin', 'part3.bin']);
});

for (const steps of [3, 6, 9, 12, 15, 18, 21, 24, 28, 32, 36, 40, 45, 50]) {
  test(`a crash ${steps} steps after the order to move loses nothing, and the move goes on`, () => {
    const { binh, id, tracker, world } = scene(95);
    assert.ok(get(binh, id).ok);
    assert.ok(binh.until(id, 'seeding'));
    elsewhere(binh);
    binh.incarnation.step(() => binh.library.call('move', { id, folder: '/mnt/big' }, () => {}));
    let crashed = false;
    binh.incarnation.afterSteps(steps, () => {
      crashed = true;
      binh.process.cutPower({ torn: true });
    });
    world.runUntil(() => crashed, seconds(20));
    assert.ok(crashed);
    tracker.swarms.get(id)?.delete('binh');
    const again = startLibrary(world, 'binh', tracker);
    assert.ok(again.until(id, 'seeding'), JSON.stringify(again.transfer(id)));
    const { folder = '' } = again.transfer(id) ?? {};
    whole(again, folder);
    assert.deepEqual(names(again, `${folder}/set`), ['part1.bin', 'part2.bin', 'part3.bin']);
  });
}

test('finished downloads go to their folder, then a program is told of each, once', () => {
  const { binh, id, tracker, world } = scene(96);
  binh.stop();
  const everyday = { completedFolder: '/home/finished', onComplete: ['/usr/bin/notify', '{name} in {folder}', '--', '{id}', '{other}'] };
  const own = startLibrary(world, 'binh', tracker, {}, everyday);
  const started = (): readonly { readonly command: readonly string[] }[] => own.process.programs;
  assert.ok(get(own, id).ok);
  assert.ok(
    world.runUntil(() => started().length > 0, seconds(60)),
    JSON.stringify(own.transfer(id)),
  );
  assert.deepEqual(own.process.programs[0]?.command, ['/usr/bin/notify', 'set in /home/finished', '--', id, '{other}']);
  assert.deepEqual(own.process.programs[0]?.variables, {
    SHOAL_ID: id,
    SHOAL_NAME: 'set',
    SHOAL_FOLDER: '/home/finished',
    SHOAL_PATH: '/home/finished/set',
    SHOAL_BYTES: '600000',
  });
  whole(own, '/home/finished');
  assert.ok(own.until(id, 'seeding'));
  own.stop();
  const again = startLibrary(world, 'binh', tracker, {}, everyday);
  assert.ok(again.until(id, 'seeding'));
  world.runFor(seconds(10));
  assert.equal(again.process.programs.length, 1, 'a restart completes nothing anew');
});

test('a download that was given a folder stays there; a program that does not start is no harm', () => {
  const { binh, id, tracker, world } = scene(97);
  binh.stop();
  binh.process.programEnd = () => null;
  const own = startLibrary(world, 'binh', tracker, {}, { completedFolder: '/home/finished', onComplete: ['/no/such/program'] });
  assert.ok(get(own, id, { to: '/home/elsewhere' }).ok);
  assert.ok(world.runUntil(() => own.process.programs.length === 1, seconds(60)));
  world.runFor(seconds(2));
  assert.equal(own.transfer(id)?.state, 'seeding');
  whole(own, '/home/elsewhere');
});
