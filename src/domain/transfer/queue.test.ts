import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { decideTurns, movedPlaces, type QueuedTransfer, settledPlaces } from './queue.ts';

const download = (key: string, place: number, state: QueuedTransfer['state']): QueuedTransfer => ({ key, place, kind: 'download', state });
const seed = (key: string, place: number, state: QueuedTransfer['state']): QueuedTransfer => ({ key, place, kind: 'seed', state });

test('turns go in the order of the queue, downloads and seeds each by their own limit', () => {
  const transfers = [download('b', 2, 'queued'), download('a', 1, 'queued'), seed('c', 0, 'queued'), seed('d', 3, 'running')];
  assert.deepEqual(decideTurns(transfers, { download: 1, seed: 1 }, false), { start: ['a'], stop: [] });
  assert.deepEqual(decideTurns(transfers, { download: 2, seed: 0 }, false), { start: ['a', 'b', 'c'], stop: [] });
});

test('one that is stalled keeps nobody waiting, and loses nothing', () => {
  const transfers = [download('slow', 1, 'stalled'), download('next', 2, 'queued'), download('later', 3, 'queued')];
  assert.deepEqual(decideTurns(transfers, { download: 1, seed: 1 }, true), { start: ['next'], stop: [] });
});

test('one that moves again interrupts nobody, a new order does', () => {
  const transfers = [download('first', 1, 'queued'), download('second', 2, 'running')];
  assert.deepEqual(decideTurns(transfers, { download: 1, seed: 1 }, false), { start: [], stop: [] });
  assert.deepEqual(decideTurns(transfers, { download: 1, seed: 1 }, true), { start: ['first'], stop: ['second'] });
  assert.deepEqual(decideTurns([...transfers, download('third', 3, 'running')], { download: 1, seed: 1 }, true).start, ['first']);
});

test('a new order never has more running than before or than the limit, and keeps the first', () => {
  const state = fc.constantFrom('queued' as const, 'running' as const);
  fc.assert(
    fc.property(fc.array(state, { maxLength: 12 }), fc.integer({ min: 1, max: 6 }), (states, max) => {
      const transfers = states.map((each, n) => download(`t${n}`, n, each));
      const { start, stop } = decideTurns(transfers, { download: max, seed: 1 }, true);
      const before = states.filter((each) => each === 'running').length;
      const after = new Set(transfers.filter((each) => each.state === 'running').map(({ key }) => key));
      for (const key of stop) assert.ok(after.delete(key));
      for (const key of start) after.add(key);
      assert.equal(after.size, Math.max(before, Math.min(max, states.length)));
      if (before > max) return;
      assert.deepEqual(
        [...after].sort(),
        transfers
          .slice(0, max)
          .map(({ key }) => key)
          .sort(),
      );
    }),
  );
});

test('a transfer is moved to the top, the bottom, and past its neighbours', () => {
  const order = [
    { key: 'a', place: 1 },
    { key: 'b', place: 2 },
    { key: 'c', place: 5 },
  ];
  assert.deepEqual([...movedPlaces(order, 'c', 'top')], [['c', 0]]);
  assert.deepEqual([...movedPlaces(order, 'a', 'bottom')], [['a', 6]]);
  assert.deepEqual(
    [...movedPlaces(order, 'c', 'up')],
    [
      ['c', 2],
      ['b', 5],
    ],
  );
  assert.deepEqual(
    [...movedPlaces(order, 'a', 'down')],
    [
      ['a', 2],
      ['b', 1],
    ],
  );
  for (const [key, move] of [
    ['a', 'top'],
    ['a', 'up'],
    ['c', 'down'],
    ['c', 'bottom'],
    ['x', 'top'],
  ] as const)
    assert.equal(movedPlaces(order, key, move).size, 0);
});

test('places that were recorded are kept in order, and no two are the same', () => {
  assert.deepEqual(settledPlaces([3, 1, null, 1]), [3, 1, 4, 2]);
  assert.deepEqual(settledPlaces([null, null]), [1, 2]);
  assert.deepEqual(settledPlaces([-4, null]), [-4, -3]);
});
