/** How the catalog keeps what a node tells it, and what a demand to keep it on both trackers does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../simulations/world/index.ts';
import { millis, seconds } from '../../src/ports/clock.ts';
import type { ApiCalls } from '../../src/protocol/api.ts';
import { testBytes } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { FakeTracker, type LibraryNode, put, share, startLibrary } from './library-kit.ts';

const FILE = '/home/a.bin';

const start = (seed: number): { world: World; tracker: FakeTracker; anna: LibraryNode } => {
  const world = new World({ seed });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  put(anna, FILE, testBytes(100_000));
  return { world, tracker, anna };
};

const demanded = { paths: [FILE], name: null, tags: [], v1: false, pieceLength: 32_768, require: 'replicated' } as const;

/** The state of the share job once it is over. */
const over = (world: World, node: LibraryNode, args: ApiCalls['share']['args']): ApiCalls['shareJob']['result'] => {
  const begun = node.call('share', args);
  assert.ok(begun.ok);
  for (;;) {
    const state = node.call('shareJob', { job: begun.value.job });
    assert.ok(state.ok);
    if (state.value.state === 'done' || state.value.state === 'failed') return state.value;
    world.runFor(millis(20));
  }
};

test('a share and an unshare say how the catalog keeps them', () => {
  const { world, tracker, anna } = start(60);
  const done = over(world, anna, { ...demanded, require: 'any' });
  assert.deepEqual([done.state, done.durability], ['done', 'replicated']);
  tracker.solo = true;
  assert.deepEqual(anna.call('unshare', { id: done.id as string }), { ok: true, value: { durability: 'local' } });
});

test('a share that demands both trackers waits for the second one, told to whoever asked; then the catalog has it', () => {
  const { world, tracker, anna } = start(61);
  tracker.solo = true;
  const failed = over(world, anna, demanded);
  assert.deepEqual([failed.state, failed.code, failed.kept], ['failed', 'degraded', true]);
  const id = failed.id as string;
  world.runFor(seconds(120));
  assert.equal(tracker.catalog.has(id), false, 'it is not registered on one tracker alone');
  tracker.solo = false;
  assert.ok(world.runUntil(() => tracker.catalog.get(id)?.owners.has('anna') === true, seconds(120)));
});

test('an unshare that demands both trackers is done at the node, and says that the catalog still names it', () => {
  const { world, tracker, anna } = start(62);
  const id = share(world, anna, [FILE]);
  tracker.solo = true;
  const answer = anna.call('unshare', { id, require: 'replicated' });
  assert.ok(!answer.ok && answer.error.code === 'degraded', JSON.stringify(answer));
  assert.match(answer.error.message, /shares it no more, but the catalog still names it: Only one replica is there\./u);
  assert.equal(anna.transfer(id), undefined);
  assert.equal(tracker.catalog.get(id)?.owners.has('anna'), true);
  tracker.solo = false;
  assert.ok(world.runUntil(() => tracker.catalog.get(id)?.owners.has('anna') === false, seconds(120)));
});

test('an unshare that cannot be told now says that nothing is kept yet; what another account shared is answered at once too', () => {
  const { world, tracker, anna } = start(63);
  const id = share(world, anna, [FILE]);
  tracker.account = 'bob';
  const before = world.now();
  assert.deepEqual(anna.call('unshare', { id }), { ok: true, value: { durability: 'none' } });
  assert.ok(world.now() - before < seconds(1));
  const again = share(world, anna, [FILE]);
  tracker.online = false;
  assert.deepEqual(anna.call('unshare', { id: again }), { ok: true, value: { durability: 'none' } });
});
