import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../ports/counter-random.ts';
import type { AnnounceItem } from '../../protocol/control/messages.ts';
import { announceInterval, isLonely, warmingSeconds } from './interval.ts';

const random = createRandom(1);
const intervals = (usual: number, facts: { warming: boolean; lonely: boolean }): number[] =>
  Array.from({ length: 200 }, () => announceInterval(usual, facts, random));

test('the usual interval, spread over 30 to 60 s while warming, 5 to 10 s without any peer; never more than usual', () => {
  assert.deepEqual(new Set(intervals(600, { warming: false, lonely: false })), new Set([600]));
  const warming = intervals(600, { warming: true, lonely: false });
  assert.deepEqual([Math.min(...warming), Math.max(...warming)], [30, 60]);
  const lonely = intervals(600, { warming: true, lonely: true });
  assert.deepEqual([Math.min(...lonely), Math.max(...lonely)], [5, 10]);
  assert.deepEqual(new Set(intervals(3, { warming: true, lonely: true })), new Set([3]));
  assert.deepEqual([warmingSeconds(30), warmingSeconds(600)], [30, 60]);
});

test('lonely is who downloads, wants peers, and got none', () => {
  const item: AnnounceItem = { content: 'c', event: 'none', leftBytes: 5, uploadedBytes: 0, downloadedBytes: 0, want: 10 };
  const none = { content: 'c', seeders: 0, leechers: 1, peers: [] };
  const some = { ...none, peers: [{ node: 'n', host: 'h', port: 1, seeder: true }] };
  assert.ok(isLonely([item], [none]));
  assert.ok(isLonely([item], []));
  assert.ok(isLonely([item, { ...item, content: 'd' }], [some]));
  assert.equal(isLonely([item], [some]), false);
  for (const content of [{ leftBytes: 0 }, { want: 0 }, { event: 'stopped' as const }])
    assert.equal(isLonely([{ ...item, ...content }], [none]), false);
});
