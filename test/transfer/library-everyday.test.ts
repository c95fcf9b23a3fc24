/** Everyday things: what is wanted first, how fast, for how long and where; all of it also after a restart. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../simulations/world/index.ts';
import { seconds } from '../../src/ports/clock.ts';
import type { ApiCalls, FileSummary, TransferTerms } from '../../src/protocol/api.ts';
import { testBytes } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { FakeTracker, get, type LibraryNode, put, read, share, startLibrary } from './library-kit.ts';

const same = (a: Uint8Array | null, b: Uint8Array): void => assert.ok(a !== null && Buffer.compare(a, b) === 0, 'the bytes differ');
const partBytes = (part: number): Uint8Array => testBytes(400_000, part);

const files = (node: LibraryNode, id: string): readonly FileSummary[] => {
  const found = node.call('files', { id });
  assert.ok(found.ok);
  return found.value.files;
};
const fileOf = (node: LibraryNode, id: string, name: string): FileSummary => {
  const found = files(node, id).find(({ path }) => path.endsWith(name));
  assert.ok(found !== undefined, name);
  return found;
};
const wish = (node: LibraryNode, id: string, wishes: Partial<ApiCalls['files.set']['args']>): ReturnType<typeof node.call<'files.set'>> =>
  node.call('files.set', { id, skip: [], low: [], normal: [], high: [], sequential: null, ...wishes });
const terms = (node: LibraryNode, id: string): TransferTerms => {
  const found = node.transfer(id)?.terms;
  assert.ok(found !== undefined);
  return found;
};

interface Scene {
  readonly world: World;
  readonly tracker: FakeTracker;
  readonly anna: LibraryNode;
  readonly id: string;
}

/** Anna shares a set of four files. Without padding, pieces reach from file to file. */
const scene = (seed: number): Scene => {
  const world = new World({ seed });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  for (const part of [1, 2, 3, 4]) put(anna, `/home/set/part${part}.bin`, partBytes(part));
  return { world, tracker, anna, id: share(world, anna, ['/home/set'], { v1: true }) };
};

/** Shares files of one megabyte each, and answers their ids. */
const singles = (world: World, tracker: FakeTracker, count: number, bytes = 1_000_000): { anna: LibraryNode; ids: string[] } => {
  const anna = startLibrary(world, 'anna', tracker);
  const ids = Array.from({ length: count }, (_, n) => {
    put(anna, `/home/single${n}.bin`, testBytes(bytes, n + 10));
    return share(world, anna, [`/home/single${n}.bin`]);
  });
  return { anna, ids };
};

const restarted = (world: World, node: LibraryNode, tracker: FakeTracker, ...how: [object?, object?]): LibraryNode => {
  node.stop();
  return startLibrary(world, node.process.name, tracker, ...how);
};

test('what is wanted most comes first, and a new wish counts while the download goes on', () => {
  const { id, tracker, world } = scene(70);
  const binh = startLibrary(world, 'binh', tracker, { downloadRate: 200_000 });
  assert.ok(get(binh, id).ok);
  assert.ok(wish(binh, id, { high: ['part3.bin'], low: ['part1.bin'] }).ok);
  assert.ok(world.runUntil(() => fileOf(binh, id, 'part3.bin').doneBytes === 400_000, seconds(30)));
  const others = [1, 2, 4].map((part) => fileOf(binh, id, `part${part}.bin`).doneBytes);
  assert.ok(Math.max(...others) < 200_000, `${others}`);
  assert.ok(wish(binh, id, { high: ['part4.bin'] }).ok);
  assert.ok(world.runUntil(() => fileOf(binh, id, 'part4.bin').doneBytes === 400_000, seconds(30)));
  assert.ok(fileOf(binh, id, 'part1.bin').doneBytes < 200_000, 'the low one comes last');
  assert.deepEqual(
    files(binh, id).map(({ priority }) => priority),
    ['low', 'normal', 'high', 'high'],
  );
  const again = restarted(world, binh, tracker);
  assert.equal(fileOf(again, id, 'part1.bin').priority, 'low');
  assert.ok(again.until(id, 'seeding'));
});

test('a file that is left out while it comes is not fetched, and comes when it is wanted again', () => {
  const { id, tracker, world } = scene(71);
  const binh = startLibrary(world, 'binh', tracker, { downloadRate: 100_000 });
  assert.ok(get(binh, id).ok);
  world.runFor(seconds(2));
  assert.ok(wish(binh, id, { skip: ['part2.bin', 'part4.bin'] }).ok);
  assert.ok(binh.until(id, 'seeding'), JSON.stringify(binh.transfer(id)));
  assert.equal(binh.transfer(id)?.size, 800_000);
  assert.ok((binh.transfer(id)?.downloadedBytes ?? 0) < 1_250_000, 'what was left out was not fetched to its end');
  for (const part of [1, 3]) same(read(binh, `/home/downloads/set/part${part}.bin`), partBytes(part));
  assert.equal(read(binh, '/home/downloads/set/part2.bin'), null);
  assert.equal(tracker.catalog.get(id)?.owners.has('binh'), false, 'part of a content is no ownership');
  const again = restarted(world, binh, tracker);
  assert.ok(again.until(id, 'seeding'));
  assert.ok(wish(again, id, { normal: ['part2.bin', 'part4.bin'] }).ok);
  assert.ok(
    world.runUntil(() => again.transfer(id)?.doneBytes === 1_600_000, seconds(60)),
    JSON.stringify(again.transfer(id)),
  );
  assert.ok(again.until(id, 'seeding'));
  for (const part of [1, 2, 3, 4]) same(read(again, `/home/downloads/set/part${part}.bin`), partBytes(part));
  assert.ok(world.runUntil(() => tracker.catalog.get(id)?.owners.has('binh') === true, seconds(30)));
});

test('with nothing left of it, or for a glob that matches nothing, it stays as it is and says why', () => {
  const { anna, id } = scene(72);
  const none = wish(anna, id, { skip: ['**'] });
  assert.equal(!none.ok && none.error.code, 'bad-request');
  const wrong = wish(anna, id, { high: ['part9.bin'] });
  assert.ok(!wrong.ok && wrong.error.message.includes('part9.bin'));
  assert.ok(files(anna, id).every(({ priority }) => priority === 'normal'));
});

test('sequential mode is switched while the download goes on', () => {
  const { id, tracker, world } = scene(73);
  const binh = startLibrary(world, 'binh', tracker, { downloadRate: 200_000 });
  assert.ok(get(binh, id).ok);
  assert.ok(wish(binh, id, { sequential: true }).ok);
  assert.ok(world.runUntil(() => fileOf(binh, id, 'part1.bin').doneBytes === 400_000, seconds(30)));
  assert.ok(fileOf(binh, id, 'part4.bin').doneBytes < 150_000);
  assert.equal(terms(restarted(world, binh, tracker), id).sequential, true);
});

test('a transfer has limits of its own, beside which others go at full speed', () => {
  const world = new World({ seed: 74 });
  const tracker = new FakeTracker();
  const { anna, ids } = singles(world, tracker, 2);
  const [slow = '', quick = ''] = ids;
  const binh = startLibrary(world, 'binh', tracker);
  assert.ok(get(binh, slow).ok);
  const set = binh.call('limits', { id: slow, uploadRate: null, downloadRate: 50_000 });
  assert.deepEqual(set.ok && set.value.now, { uploadRate: 0, downloadRate: 50_000 });
  const begun = world.now();
  assert.ok(get(binh, quick).ok);
  assert.ok(binh.until(quick, 'seeding', 10));
  assert.ok(world.now() - begun < seconds(5));
  world.runFor(seconds(5));
  const after = binh.transfer(slow)?.doneBytes ?? 0;
  assert.ok(after < 700_000, `${after} bytes at 50 kB/s`);
  const again = restarted(world, binh, tracker);
  assert.equal(terms(again, slow).downloadLimit, 50_000);
  // The limit of the giver counts as well.
  assert.ok(anna.call('limits', { id: slow, uploadRate: 20_000, downloadRate: null }).ok);
  assert.ok(again.call('limits', { id: slow, uploadRate: null, downloadRate: 0 }).ok);
  const before = again.transfer(slow)?.doneBytes ?? 0;
  world.runFor(seconds(10));
  const came = (again.transfer(slow)?.doneBytes ?? 0) - before;
  assert.ok(came < 500_000, `${came} bytes in 10 s at 20 kB/s`);
  assert.ok(anna.call('limits', { id: slow, uploadRate: 0, downloadRate: null }).ok);
  assert.ok(again.until(slow, 'seeding', 30), 'without a limit it ends soon');
});

test('limits of the node that are set while it runs hold at once and after a restart', () => {
  const world = new World({ seed: 75 });
  const tracker = new FakeTracker();
  const { ids } = singles(world, tracker, 1, 4_000_000);
  const [id = ''] = ids;
  const binh = startLibrary(world, 'binh', tracker, { downloadRate: 10_000 });
  assert.ok(get(binh, id).ok);
  world.runFor(seconds(3));
  assert.ok(binh.call('limits', { id: null, uploadRate: null, downloadRate: 100_000 }).ok);
  world.runFor(seconds(10));
  const done = binh.transfer(id)?.doneBytes ?? 0;
  assert.ok(done > 700_000 && done < 1_500_000, `${done}`);
  const again = restarted(world, binh, tracker, { downloadRate: 10_000 });
  const asked = again.call('limits', { id: null, uploadRate: null, downloadRate: null });
  assert.deepEqual(asked, {
    ok: true,
    value: { uploadRate: 0, downloadRate: 100_000, now: { uploadRate: 0, downloadRate: 100_000 }, scheduled: false },
  });
});

test('limits follow the schedule, by the local time, to the minute', () => {
  const world = new World({ seed: 76 });
  const tracker = new FakeTracker();
  const wall = world.wallNow();
  const minute = Math.floor(wall / 60_000) % 1440;
  // Where it is noon just now.
  world.process('binh', { zone: { offsetMinutes: () => 720 - minute } });
  const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
  const schedule = [{ days, from: 721, to: 722, uploadRate: null, downloadRate: 5_000 }];
  const binh = startLibrary(world, 'binh', tracker, { uploadRate: 7 }, { schedule });
  const asked = (): ApiCalls['limits']['result'] | null => {
    const answer = binh.call('limits', { id: null, uploadRate: null, downloadRate: null });
    return answer.ok ? answer.value : null;
  };
  assert.equal(asked()?.scheduled, false);
  const toNext = 60_000 - (wall % 60_000);
  world.runFor((toNext - 1_000) * 1_000);
  assert.equal(asked()?.scheduled, false, 'a second before');
  world.runFor(seconds(2));
  assert.deepEqual(asked(), { uploadRate: 7, downloadRate: 0, now: { uploadRate: 7, downloadRate: 5_000 }, scheduled: true });
  world.runFor(seconds(60));
  assert.deepEqual(asked()?.now, { uploadRate: 7, downloadRate: 0 });
});

test('the queue is what its user says: the first goes, also in place of another, and after a restart', () => {
  const world = new World({ seed: 77 });
  const tracker = new FakeTracker();
  const { ids } = singles(world, tracker, 3, 3_000_000);
  const [a = '', b = '', c = ''] = ids;
  const limits = { downloadRate: 100_000, activeTransfersMax: 1 };
  const binh = startLibrary(world, 'binh', tracker, limits);
  for (const id of ids) assert.ok(get(binh, id).ok);
  assert.ok(binh.until(a, 'downloading', 10));
  assert.deepEqual(
    [a, b, c].map((id) => terms(binh, id).queue),
    [1, 2, 3],
  );
  const moved = binh.call('queue', { id: c, move: 'top' });
  assert.deepEqual(moved, { ok: true, value: { queue: 1 } });
  assert.ok(binh.until(c, 'downloading', 10));
  assert.match(binh.transfer(a)?.reason ?? '', /Other downloads go first/u);
  assert.deepEqual(binh.call('queue', { id: b, move: 'up' }), { ok: true, value: { queue: 2 } });
  const again = restarted(world, binh, tracker, limits);
  assert.deepEqual(
    [c, b, a].map((id) => terms(again, id).queue),
    [1, 2, 3],
  );
  assert.ok(again.until(c, 'seeding'));
  assert.ok(again.until(b, 'downloading', 10));
  assert.equal(again.transfer(a)?.state, 'waiting');
});

test('so many are seeded at one time; one of which nobody wants anything makes room', () => {
  const world = new World({ seed: 78 });
  const tracker = new FakeTracker();
  const { ids } = singles(world, tracker, 3, 200_000);
  const binh = startLibrary(world, 'binh', tracker, { activeSeedsMax: 1 });
  for (const id of ids) assert.ok(get(binh, id).ok);
  const states = (): (string | undefined)[] => ids.map((id) => binh.transfer(id)?.state);
  assert.ok(world.runUntil(() => ids.every((id) => binh.transfer(id)?.terms?.complete === true), seconds(30)));
  world.runFor(seconds(1));
  assert.equal(states().filter((state) => state === 'seeding').length, 1, `${states()}`);
  const resting = ids.find((id) => binh.transfer(id)?.state === 'waiting') ?? '';
  assert.match(binh.transfer(resting)?.reason ?? '', /Others are seeded first/u);
  assert.equal(tracker.catalog.get(resting)?.owners.has('binh'), true, 'it is owned all the same');
  assert.ok(
    world.runUntil(() => states().every((state) => state === 'seeding'), seconds(300)),
    `${states()}`,
  );
});

test('seeding stops at its ratio, says so, is owned still, and goes on when told to', () => {
  const world = new World({ seed: 79 });
  const tracker = new FakeTracker();
  const { anna, ids } = singles(world, tracker, 1, 500_000);
  const [id = ''] = ids;
  const binh = startLibrary(world, 'binh', tracker, {}, { seeding: { ratio: 1, seconds: null } });
  assert.ok(get(binh, id).ok);
  assert.ok(binh.until(id, 'seeding'));
  assert.deepEqual(terms(binh, id).goal, { ratio: 1, seconds: null });
  assert.deepEqual(terms(anna, id).goal, { ratio: null, seconds: null }, 'what is shared has no goal');
  anna.stop();
  const chi = startLibrary(world, 'chi', tracker);
  assert.ok(get(chi, id).ok);
  assert.ok(chi.until(id, 'seeding'));
  assert.ok(binh.until(id, 'paused', 20), JSON.stringify(binh.transfer(id)));
  assert.match(binh.transfer(id)?.reason ?? '', /given 1 times over/u);
  assert.equal(binh.transfer(id)?.owned, true);
  assert.equal(tracker.swarms.get(id)?.has('binh'), false, 'it is announced no more');
  const again = restarted(world, binh, tracker, {}, { seeding: { ratio: 1, seconds: null } });
  assert.match(again.transfer(id)?.reason ?? '', /given 1 times over/u);
  assert.ok(again.call('resume', { id }).ok);
  assert.ok(again.until(id, 'seeding'));
  world.runFor(seconds(30));
  assert.equal(again.transfer(id)?.state, 'seeding', 'whoever resumes it wants it to go on');
});

test('seeding stops after its time, the time before a restart counted, and a new goal begins it again', () => {
  const world = new World({ seed: 80 });
  const tracker = new FakeTracker();
  const { anna, ids } = singles(world, tracker, 1, 100_000);
  const [id = ''] = ids;
  const set = anna.call('seed', { id, goal: { ratio: 5, seconds: 100 } });
  assert.deepEqual(set.ok && set.value.goal, { ratio: 5, seconds: 100 });
  world.runFor(seconds(60));
  const again = restarted(world, anna, tracker);
  assert.ok(again.until(id, 'seeding'));
  assert.ok(terms(again, id).seededSeconds >= 58);
  world.runFor(seconds(30));
  assert.equal(again.transfer(id)?.state, 'seeding');
  assert.ok(again.until(id, 'paused', 20));
  assert.match(again.transfer(id)?.reason ?? '', /for as long/u);
  assert.ok(again.call('seed', { id, goal: { ratio: null, seconds: null } }).ok);
  assert.ok(again.until(id, 'seeding', 20));
});

test('super-seeding is kept across a restart, gives each of several what they need about once, and can be turned off', () => {
  const world = new World({ seed: 81 });
  const tracker = new FakeTracker();
  const { anna, ids } = singles(world, tracker, 1, 2_000_000);
  const [id = ''] = ids;
  const set = anna.call('seed', { id, goal: null, superSeeding: true });
  assert.equal(set.ok && set.value.superSeeding, true);
  world.runFor(seconds(3));
  const again = restarted(world, anna, tracker, { uploadRate: 200_000 });
  assert.ok(again.until(id, 'seeding'));
  assert.equal(terms(again, id).superSeeding, true);
  const others = ['binh', 'chi', 'dung'].map((name) => startLibrary(world, name, tracker));
  for (const other of others) assert.ok(get(other, id).ok);
  for (const other of others) assert.ok(other.until(id, 'seeding', 120), JSON.stringify(other.transfer(id)));
  const given = again.transfer(id)?.uploadedBytes ?? 0;
  assert.ok(given >= 2_000_000 && given < 3_000_000, `${given} bytes given for 2,000,000 to three`);
  const off = again.call('seed', { id, goal: null, superSeeding: false });
  assert.equal(off.ok && off.value.superSeeding, false);
});

test('memory of pieces that are left out half-way comes back', () => {
  const world = new World({ seed: 81 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  const bytes = (n: number): Uint8Array => testBytes(65_536, n);
  for (let n = 10; n < 60; n++) put(anna, `/home/many/${n}.bin`, bytes(n));
  const id = share(world, anna, ['/home/many'], { v1: true, pieceLength: 65_536 });
  // Room for three pieces: if it were lost, nothing else could come.
  const binh = startLibrary(world, 'binh', tracker, { downloadRate: 200_000, pieceBufferBytesMax: 200_000 });
  assert.ok(get(binh, id, { sequential: true }).ok);
  assert.ok(binh.until(id, 'downloading', 10));
  for (let n = 0; n < 25; n++) {
    const coming = files(binh, id).findIndex(({ doneBytes, priority }) => priority !== 'skip' && doneBytes === 0);
    assert.ok(wish(binh, id, { skip: [`${coming + 10}.bin`] }).ok);
    world.runFor(150_000);
  }
  assert.ok(binh.until(id, 'seeding', 60), JSON.stringify(binh.transfer(id)));
  same(read(binh, '/home/downloads/many/59.bin'), bytes(59));
});
