import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { FOREVER, ratioOf, reachedGoal } from './goals.ts';

const facts = (uploadedBytes: number, seededSeconds: number, size = 100): Parameters<typeof reachedGoal>[1] => ({
  uploadedBytes,
  size,
  seededSeconds,
});

test('seeding is over by ratio or by time, whichever comes first', () => {
  const goal = { ratio: 2, seconds: 60 };
  assert.equal(reachedGoal(goal, facts(199, 59)), null);
  assert.equal(reachedGoal(goal, facts(200, 0)), 'ratio');
  assert.equal(reachedGoal(goal, facts(0, 60)), 'time');
});

test('a goal of one kind does not mind the other', () => {
  assert.equal(reachedGoal({ ratio: 1, seconds: null }, facts(99, 1e9)), null);
  assert.equal(reachedGoal({ ratio: null, seconds: 10 }, facts(1e9, 9)), null);
  assert.equal(reachedGoal(FOREVER, facts(1e12, 1e9)), null);
});

test('a ratio of 0 is over as soon as it is complete, and an empty content has no ratio', () => {
  assert.equal(reachedGoal({ ratio: 0, seconds: null }, facts(0, 0)), 'ratio');
  assert.equal(reachedGoal({ ratio: 1, seconds: null }, facts(5, 0, 0)), null);
  assert.equal(ratioOf({ uploadedBytes: 5, size: 0 }), 0);
});
