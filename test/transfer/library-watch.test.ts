/** A watched folder: torrents and magnets that are dropped there are taken, each once, and what cannot be taken is marked. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../simulations/world/index.ts';
import { seconds } from '../../src/ports/clock.ts';
import { testBytes } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { FakeTracker, type LibraryNode, put, share, startLibrary } from './library-kit.ts';

const names = (node: LibraryNode): readonly string[] => {
  const listed = node.process.disk.list('/home/drop');
  return listed.ok ? listed.value.map((entry) => entry.name).toSorted() : [];
};
const usual = { folder: '/home/drop', as: 'get', to: null, delete: false, seconds: 5 } as const;

const scene = (seed: number, watch: Partial<typeof usual> | { delete: boolean; to: string } = {}) => {
  const world = new World({ seed });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  put(anna, '/home/a.bin', testBytes(100_000, 1));
  const id = share(world, anna, ['/home/a.bin']);
  const binh = startLibrary(world, 'binh', tracker, {}, { watch: { ...usual, ...watch } });
  const torrent = tracker.catalog.get(id)?.torrent ?? new Uint8Array();
  return { world, tracker, binh, id, torrent };
};

test('a torrent that is dropped is downloaded, once, and called .added', () => {
  const { binh, id, torrent, tracker, world } = scene(100);
  put(binh, '/home/drop/a.torrent', torrent);
  put(binh, '/home/drop/notes.txt', testBytes(10, 2));
  assert.ok(binh.until(id, 'seeding', 60));
  world.runFor(seconds(1));
  assert.deepEqual(names(binh), ['a.torrent.added', 'notes.txt']);
  assert.ok(binh.call('remove', { id, data: true }).ok);
  world.runFor(seconds(30));
  assert.equal(binh.transfer(id), undefined, 'it is not taken again');
  binh.stop();
  const again = startLibrary(world, 'binh', tracker, {}, { watch: usual });
  world.runFor(seconds(30));
  assert.equal(again.transfer(id), undefined);
});

test('a magnet that is dropped is downloaded to the folder that is configured, and deleted where that is wanted', () => {
  const { binh, id, world } = scene(101, { delete: true, to: '/home/elsewhere' });
  put(binh, '/home/drop/a.magnet', Buffer.from(`magnet:?xt=urn:btmh:1220${id}&dn=a\n`));
  assert.ok(binh.until(id, 'seeding', 60), JSON.stringify(binh.transfer(id)));
  assert.equal(binh.transfer(id)?.folder, '/home/elsewhere');
  world.runFor(seconds(6));
  assert.deepEqual(names(binh), []);
});

test('a file that still grows is left alone until it is complete', () => {
  const { binh, id, torrent, world } = scene(102);
  const half = Math.floor(torrent.length / 2);
  put(binh, '/home/drop/a.torrent', torrent.subarray(0, half));
  world.runFor(seconds(4));
  put(binh, '/home/drop/a.torrent', torrent);
  world.runFor(seconds(4));
  assert.deepEqual(names(binh), ['a.torrent']);
  assert.ok(binh.until(id, 'seeding', 60));
});

test('what is no torrent is called .failed, and the log says why', () => {
  const { binh, world } = scene(103);
  put(binh, '/home/drop/broken.torrent', testBytes(200, 3));
  put(binh, '/home/drop/empty words.magnet', Buffer.from('hello'));
  world.runFor(seconds(20));
  assert.deepEqual(names(binh), ['broken.torrent.failed', 'empty words.magnet.failed']);
});

test('what the network cannot be asked for now waits, and is taken when it can', () => {
  const { binh, id, tracker, torrent, world } = scene(104);
  tracker.online = false;
  put(binh, '/home/drop/a.magnet', Buffer.from(`magnet:?xt=urn:btmh:1220${id}`));
  put(binh, '/home/drop/a.torrent', torrent);
  world.runFor(seconds(30));
  tracker.online = true;
  binh.incarnation.step(() => binh.library.entered(0));
  assert.ok(binh.until(id, 'seeding', 120), JSON.stringify([names(binh), binh.transfer(id)]));
  world.runFor(seconds(20));
  assert.ok(
    names(binh).every((name) => name.endsWith('.added')),
    `${names(binh)}`,
  );
});
