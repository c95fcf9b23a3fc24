import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Goodbyes } from './goodbyes.ts';

test('the last goodbye of a node counts', () => {
  const goodbyes = new Goodbyes(10);
  goodbyes.add('a', { incarnation: 'i1', sequence: 3, saidAt: 5 });
  assert.equal(goodbyes.of('a')?.sequence, 3);
  assert.equal(goodbyes.of('b'), null);
  goodbyes.add('a', { incarnation: 'i2', sequence: 1, saidAt: 6 });
  assert.deepEqual([goodbyes.of('a')?.incarnation, goodbyes.size], ['i2', 1]);
});

test('goodbyes are forgotten when they are old, and the oldest where there are too many', () => {
  const goodbyes = new Goodbyes(2);
  for (const [at, node] of ['a', 'b', 'c'].entries()) goodbyes.add(node, { incarnation: 'i', sequence: 1, saidAt: at });
  assert.deepEqual([goodbyes.size, goodbyes.of('a')], [2, null]);
  goodbyes.expire(2);
  assert.deepEqual([goodbyes.size, goodbyes.of('b'), goodbyes.of('c')?.saidAt], [1, null, 2]);
});
