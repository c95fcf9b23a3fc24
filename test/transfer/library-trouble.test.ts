import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeBencode } from '../../src/protocol/bittorrent/bencode.ts';
import { readMetainfo } from '../../src/protocol/bittorrent/metainfo.ts';
import { contentSummary } from '../../src/actors/library/summaries.ts';
import { createLayout } from '../../src/domain/transfer/torrent-layout.ts';
import { sha1 } from '../../src/protocol/digest.ts';
import { World } from '../../simulations/world/index.ts';
import { testBytes, valueOf } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { FakeTracker, get, put, read, share, startLibrary } from './library-kit.ts';

const same = (a: Uint8Array | null, b: Uint8Array): void => assert.ok(a !== null && Buffer.compare(a, b) === 0, 'the bytes differ');

const idOf = (result: ReturnType<typeof get>): string => {
  assert.ok(result.ok, JSON.stringify(result));
  return result.value.id;
};

test('a torrent whose paths climb out of the folder is downloaded into the folder all the same', () => {
  const world = new World({ seed: 16 });
  const tracker = new FakeTracker();
  const bytes = testBytes(20_000);
  const torrent = encodeBencode({
    info: {
      files: [{ length: 20_000, path: ['..', '..', '..', 'evil.bin'] }],
      name: '../..',
      'piece length': 32_768,
      pieces: sha1(bytes),
    },
  });
  const metainfo = valueOf(readMetainfo(torrent));
  tracker.catalog.set(metainfo.id, { content: contentSummary(metainfo, []), torrent, owners: new Set() });
  const anna = startLibrary(world, 'anna', tracker);
  const inside = valueOf(createLayout(metainfo)).files[0]?.diskPath ?? [];
  assert.ok(inside.every((name) => name !== '..' && !name.includes('/')));
  put(anna, `/home/downloads/${inside.join('/')}`, bytes);
  idOf(get(anna, metainfo.id));
  assert.ok(anna.until(metainfo.id, 'seeding'));
  const binh = startLibrary(world, 'binh', tracker);
  idOf(get(binh, metainfo.id));
  assert.ok(binh.until(metainfo.id, 'seeding'));
  same(read(binh, `/home/downloads/${inside.join('/')}`), bytes);
  for (const folder of ['/', '/home']) {
    const listed = binh.process.disk.list(folder);
    assert.ok(listed.ok && listed.value.every((entry) => entry.kind === 'folder' && ['home', 'downloads', 'shoal'].includes(entry.name)));
  }
});

test('a torrent from the catalog that is not the one that was asked for is refused', () => {
  const world = new World({ seed: 17 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  put(anna, '/home/a.bin', testBytes(50_000, 1));
  put(anna, '/home/b.bin', testBytes(50_000, 2));
  const a = share(world, anna, ['/home/a.bin']);
  const b = share(world, anna, ['/home/b.bin']);
  const entry = tracker.catalog.get(a);
  tracker.catalog.set(a, { content: entry?.content as never, torrent: tracker.catalog.get(b)?.torrent as Uint8Array, owners: new Set() });
  const refused = get(startLibrary(world, 'binh', tracker), a);
  assert.equal(!refused.ok && refused.error.code, 'torrent-invalid');
});

test('a share is seeded while the catalog is away, and registered when it is back', () => {
  const world = new World({ seed: 18 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  put(anna, '/home/a.bin', testBytes(50_000));
  tracker.refuse = (operation) => (operation.op === 'own' ? { code: 'degraded', message: 'One replica is away.' } : null);
  assert.throws(() => share(world, anna, ['/home/a.bin']), /One replica is away/u);
  const [transfer] = (
    anna.call('transfers', { id: null }) as { value: { transfers: readonly { id: string; state: string; owned: boolean }[] } }
  ).value.transfers;
  assert.deepEqual([transfer?.state, transfer?.owned], ['seeding', false]);
  tracker.refuse = () => null;
  assert.ok(world.runUntil(() => anna.transfer(transfer?.id ?? '')?.owned === true, 120e6));
});

test('a pause lasts over a restart, with what was there still shown', () => {
  const world = new World({ seed: 19 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker, { uploadRate: 200_000 });
  put(anna, '/home/a.bin', testBytes(2_000_000));
  const id = share(world, anna, ['/home/a.bin']);
  let binh = startLibrary(world, 'binh', tracker);
  idOf(get(binh, id));
  world.runFor(5e6);
  binh.call('pause', { id });
  assert.ok(binh.until(id, 'paused'));
  const before = binh.transfer(id)?.doneBytes ?? 0;
  assert.ok(before > 300_000);
  const { downRate, upRate, secondsLeft, reason } = binh.transfer(id) ?? {};
  assert.deepEqual({ downRate, upRate, secondsLeft, reason }, { downRate: 0, upRate: 0, secondsLeft: null, reason: null });
  binh.stop();
  binh = startLibrary(world, 'binh', tracker);
  world.runFor(5e6);
  assert.equal(binh.transfer(id)?.state, 'paused');
  assert.equal(binh.transfer(id)?.doneBytes, before);
  binh.call('resume', { id: id.slice(0, 10) });
  assert.ok(binh.until(id, 'seeding'));
  same(read(binh, '/home/downloads/a.bin'), testBytes(2_000_000));
});

test('a download without sources gives its turn to the next', () => {
  const world = new World({ seed: 20 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  put(anna, '/home/a.bin', testBytes(50_000, 1));
  put(anna, '/home/b.bin', testBytes(50_000, 2));
  const gone = share(world, anna, ['/home/a.bin']);
  const there = share(world, anna, ['/home/b.bin']);
  anna.call('pause', { id: gone });
  const binh = startLibrary(world, 'binh', tracker, { activeTransfersMax: 1 });
  idOf(get(binh, gone));
  world.runFor(1e6);
  idOf(get(binh, there));
  assert.ok(binh.until(there, 'waiting'));
  assert.match(binh.transfer(there)?.reason ?? '', /Other downloads/u);
  assert.ok(binh.until(there, 'seeding', 60));
  assert.equal(binh.transfer(gone)?.state, 'waiting');
});

test('what a crash or a hand has left in the data folder keeps no node from starting', () => {
  const world = new World({ seed: 21 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  put(anna, '/home/a.bin', testBytes(50_000));
  const id = share(world, anna, ['/home/a.bin']);
  anna.stop();
  const folder = '/home/shoal/transfers';
  const lone = `${folder}/${'ab'.repeat(32)}.torrent`;
  put(anna, lone, testBytes(100));
  put(anna, `${folder}/${'cd'.repeat(32)}.json`, Buffer.from('{}'));
  put(anna, `${folder}/removals.json`, Buffer.from('[1, 2'));
  const again = startLibrary(world, 'anna', tracker);
  assert.ok(again.until(id, 'seeding'));
  assert.equal(read(again, lone), null, 'a torrent without a record is of no use');
  assert.notEqual(read(again, `${folder}/${'cd'.repeat(32)}.json`), null, 'what cannot be read stays');
  const errors = world.log
    .lines()
    .filter((line) => line.level === 'error')
    .map((line) => line.message);
  assert.deepEqual(errors.toSorted(), ['A transfer could not be taken up again', 'What the catalog is to forget could not be read']);
});

test('of two that want the same content at the same moment one is told to ask again, and it is fetched once', () => {
  const world = new World({ seed: 22 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  put(anna, '/home/a.bin', testBytes(50_000));
  const id = share(world, anna, ['/home/a.bin']);
  const binh = startLibrary(world, 'binh', tracker);
  const answers: string[] = [];
  const args = { what: id, to: null, files: [], sequential: false };
  binh.incarnation.step(() => {
    for (let n = 0; n < 2; n++) binh.library.call('get', args, (result) => void answers.push(result.ok ? 'begun' : result.error.code));
  });
  assert.ok(world.runUntil(() => answers.length === 2, 10e6));
  assert.deepEqual(answers.toSorted(), ['begun', 'busy']);
  assert.ok(binh.until(id, 'seeding'));
  assert.equal(binh.transfer(id)?.downloadedBytes, 50_000);
});
