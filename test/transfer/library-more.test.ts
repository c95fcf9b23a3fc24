/** A content that is there already and is asked for again, in part, whole, or elsewhere. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../simulations/world/index.ts';
import { seconds } from '../../src/ports/clock.ts';
import { testBytes } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { FakeTracker, get, type LibraryNode, put, read, share, startLibrary } from './library-kit.ts';

const same = (a: Uint8Array | null, b: Uint8Array): void => assert.ok(a !== null && Buffer.compare(a, b) === 0, 'the bytes differ');

const PARTS = [1, 2, 3] as const;
const bytesOf = (part: number): Uint8Array => testBytes(100_000, part);
const at = (part: number): string => `/home/downloads/set/part${part}.bin`;

/** A set of three files, of which binh has one. Without padding, pieces reach from file to file. */
const scene = (seed: number, v1: boolean): { world: World; tracker: FakeTracker; binh: LibraryNode; id: string } => {
  const world = new World({ seed });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  for (const part of PARTS) put(anna, `/home/set/part${part}.bin`, bytesOf(part));
  put(anna, '/home/set/empty.txt', new Uint8Array(0));
  const id = share(world, anna, ['/home/set'], { v1 });
  const binh = startLibrary(world, 'binh', tracker);
  assert.ok(get(binh, id, { files: ['part2.bin'] }).ok);
  assert.ok(binh.until(id, 'seeding'));
  return { world, tracker, binh, id };
};

const names = (node: LibraryNode, folder: string): readonly string[] => {
  const listed = node.process.disk.list(folder);
  return listed.ok ? listed.value.map((entry) => entry.name).toSorted() : [];
};

for (const v1 of [false, true]) {
  test(`more files of a content are fetched into what is there, and with all of them it is owned (${v1 ? 'v1' : 'v2'})`, () => {
    const { world, tracker, binh, id } = scene(40, v1);
    const owns = (): boolean => tracker.catalog.get(id)?.owners.has('binh') === true;
    const before = binh.transfer(id)?.downloadedBytes ?? 0;
    assert.ok(get(binh, id, { files: ['part3.bin'] }).ok);
    assert.notEqual(binh.transfer(id)?.doneBytes, binh.transfer(id)?.size);
    assert.ok(binh.until(id, 'seeding'), JSON.stringify(binh.transfer(id)));
    assert.deepEqual([binh.transfer(id)?.size, owns()], [200_000, false]);
    same(read(binh, at(3)), bytesOf(3));
    assert.equal(read(binh, at(1)), null);
    assert.ok(get(binh, id, { files: ['part2.bin'] }).ok, 'what is there is there');
    assert.equal(binh.transfer(id)?.state, 'seeding');
    assert.ok(get(binh, id).ok);
    assert.ok(world.runUntil(owns, seconds(60)), JSON.stringify(binh.transfer(id)));
    for (const part of PARTS) same(read(binh, at(part)), bytesOf(part));
    assert.deepEqual(names(binh, '/home/downloads'), ['set'], 'nothing is left of what was under way');
    assert.deepEqual(names(binh, '/home/downloads/set'), ['empty.txt', 'part1.bin', 'part2.bin', 'part3.bin']);
    assert.ok(before >= 100_000 && (binh.transfer(id)?.downloadedBytes ?? 0) <= 300_000, 'nothing was fetched twice');
    const hashed = binh.library.piecesHashed;
    binh.stop();
    const again = startLibrary(world, 'binh', tracker);
    assert.ok(again.until(id, 'seeding'));
    assert.ok(hashed > 0 && again.library.piecesHashed === 0);
  });
}

for (const how of ['kill', 'stop'] as const) {
  test(`files that were asked for in addition are fetched also after a ${how} in between`, () => {
    const { world, tracker, binh, id } = scene(41, true);
    put(binh, at(1), bytesOf(1));
    assert.ok(get(binh, id).ok);
    if (how === 'kill') binh.process.kill();
    else binh.stop();
    tracker.swarms.get(id)?.delete('binh');
    const again = startLibrary(world, 'binh', tracker);
    assert.ok(again.until(id, 'seeding'), JSON.stringify(again.transfer(id)));
    for (const part of PARTS) same(read(again, at(part)), bytesOf(part));
    assert.ok(world.runUntil(() => tracker.catalog.get(id)?.owners.has('binh') === true, seconds(30)));
    assert.ok((again.transfer(id)?.downloadedBytes ?? 0) <= 240_000, 'the file that was there already was not fetched');
  });
}

for (const restart of [false, true]) {
  test(`a file that somebody changed is not written over because more is asked for${restart ? ', also after a crash' : ''}`, () => {
    const { world, tracker, binh: first, id } = scene(42, false);
    let binh = first;
    world.runFor(seconds(5));
    if (restart) {
      assert.ok(get(binh, id).ok);
      binh.process.kill();
    }
    put(binh, at(2), testBytes(100_000, 9));
    if (restart) binh = startLibrary(world, 'binh', tracker);
    else assert.ok(get(binh, id).ok);
    assert.ok(binh.until(id, 'failed'), JSON.stringify(binh.transfer(id)));
    assert.match(binh.transfer(id)?.reason ?? '', /part2\.bin has changed since it was downloaded: "shoal resume" fetches it again/u);
    same(read(binh, at(2)), testBytes(100_000, 9));
    binh.call('resume', { id });
    assert.ok(binh.until(id, 'seeding'), JSON.stringify(binh.transfer(id)));
    for (const part of PARTS) same(read(binh, at(part)), bytesOf(part));
  });
}

test('what cannot be: another folder, a name that is nothing, a different file in the way; all is left as it was', () => {
  const { binh, id } = scene(43, false);
  const elsewhere = get(binh, id, { to: '/home/elsewhere' });
  assert.deepEqual(elsewhere.ok || elsewhere.error, {
    code: 'exists',
    message: 'set is in /home/downloads already. Leave out the folder, or remove it there first.',
  });
  assert.ok(get(binh, id, { to: '/home/downloads/', files: ['part2.bin'] }).ok, 'the same folder');
  const nothing = get(binh, id, { files: ['part9.bin'] });
  assert.equal(!nothing.ok && nothing.error.code, 'no-such-file');
  put(binh, at(1), testBytes(7));
  const inTheWay = get(binh, id);
  assert.equal(!inTheWay.ok && inTheWay.error.code, 'exists');
  const { state, size } = binh.transfer(id) ?? {};
  assert.deepEqual([state, size], ['seeding', 100_000]);
});

test('a paused download of a part goes on with what is asked for now', () => {
  const { world, tracker, binh, id } = scene(44, false);
  binh.call('pause', { id });
  assert.ok(binh.until(id, 'paused'));
  assert.ok(get(binh, id, { files: ['part1.bin'], sequential: true }).ok);
  assert.ok(binh.until(id, 'seeding'));
  same(read(binh, at(1)), bytesOf(1));
  world.runFor(seconds(5));
  assert.equal(tracker.catalog.get(id)?.owners.has('binh'), false);
});

test('a few digits of an id that are those of several contents are told so; words that look like digits are words', () => {
  const { world, tracker, binh, id } = scene(45, false);
  const known = tracker.catalog.get(id);
  assert.ok(known !== undefined);
  const twin = `${id.slice(0, 10)}${'0'.repeat(54)}`;
  tracker.catalog.set(twin, { ...known, content: { ...known.content, id: twin, name: 'deadbeef' } });
  const several = get(binh, id.slice(0, 10));
  assert.equal(!several.ok && several.error.code, 'ambiguous');
  const whole = get(binh, id.toUpperCase());
  assert.ok(whole.ok && whole.value.id === id);
  let paged = 0;
  tracker.refuse = (operation) => {
    if (operation.op === 'need') paged++;
    return null;
  };
  const words = get(binh, 'deadbeef');
  assert.equal(!words.ok && words.error.code, 'torrent-invalid', 'it was found by its name');
  assert.equal(paged, 1);
  const none = get(binh, 'f'.repeat(64));
  assert.equal(!none.ok && none.error.code, 'not-found');
  assert.ok(world.now() > 0);
});

test('more files of what was downloaded a moment ago come at once: who was met is met again without a wait', () => {
  const { world, binh, id } = scene(47, false);
  assert.ok(get(binh, id, { files: ['part3.bin'] }).ok);
  const begun = world.now();
  assert.ok(binh.until(id, 'seeding'));
  assert.ok(world.now() - begun < seconds(1), `${(world.now() - begun) / 1e6} s`);
  same(read(binh, at(3)), bytesOf(3));
});
