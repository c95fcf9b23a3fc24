import assert from 'node:assert/strict';
import { test } from 'node:test';
import { confirmedRound } from './read-index.ts';

test('a round is confirmed by a majority, the primary included', () => {
  assert.equal(confirmedRound([0, 0], 2), 0);
  assert.equal(confirmedRound([4, 0], 2), 4);
  assert.equal(confirmedRound([4, 7], 2), 7);
  assert.equal(confirmedRound([9, 0, 0, 0], 3), 0);
  assert.equal(confirmedRound([9, 3, 0, 5], 3), 5);
  assert.equal(confirmedRound([], 2), 0);
  assert.equal(confirmedRound([], 1), Number.POSITIVE_INFINITY);
});
