/** What is shared already, and what lies on the files of another. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../simulations/world/index.ts';
import { seconds } from '../../src/ports/clock.ts';
import { makeTestTorrent, testBytes } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { FakeTracker, publish, put, startLibrary } from './library-kit.ts';

const FILES = [1, 2].map((n) => ({ path: [`part${n}.bin`], bytes: testBytes(50_000, n) }));

test('what is shared already is said to be, from where it lies; data at another place is refused, and nothing changes', () => {
  const world = new World({ seed: 82 });
  const anna = startLibrary(world, 'anna', new FakeTracker());
  const made = makeTestTorrent(FILES, { name: 'set', pieceLength: 16_384 });
  const torrent = Buffer.from(made.bytes).toString('base64');
  for (const folder of ['/mnt/one/set', '/mnt/two/set']) for (const { bytes, path } of FILES) put(anna, `${folder}/${path[0]}`, bytes);
  const first = publish(world, anna, { torrent, data: '/mnt/one' });
  assert.deepEqual([first.state, first.already], ['done', undefined]);
  assert.ok(world.runUntil(() => anna.transfer(made.metainfo.id)?.owned === true, seconds(60)));
  for (const data of [null, '/mnt/one', '/mnt/one/', '/mnt/one/set', '/mnt/one/set/']) {
    const again = publish(world, anna, { torrent, data });
    assert.deepEqual([again.state, again.already], ['done', '/mnt/one'], String(data));
  }
  for (const data of ['/nonexistent', '/mnt', '/mnt/two', '/mnt/two/set']) {
    const refused = publish(world, anna, { torrent, data });
    assert.deepEqual([refused.state, refused.code], ['failed', 'shared-elsewhere'], data);
    assert.ok(refused.message?.includes(`already, in /mnt/one, and given from there, not from ${data}.`), refused.message ?? '');
  }
  assert.deepEqual([anna.transfer(made.metainfo.id)?.state, anna.transfer(made.metainfo.id)?.folder], ['seeding', '/mnt/one']);
});
