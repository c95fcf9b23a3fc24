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
  assert.deepEqual(binh.transfer(id)?.sources.map((source) => [source.node, source.bytes]), [['anna', 700_000]]);
  assert.ok(world.runUntil(() => binh.transfer(id)?.owned === true, 1e7));
  assert.deepEqual([...(tracker.catalog.get(id)?.owners ?? [])], ['anna', 'binh']);
  assert.ok(tracker.events.includes('binh completed'));
});
