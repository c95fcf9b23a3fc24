import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BoundedQueue } from './bounded-queue.ts';

describe('bounded queue', () => {
  it('runs a few at a time, the rest in order, and refuses what is beyond its limit', () => {
    const queue = new BoundedQueue(2, 2);
    const begun: number[] = [];
    const finish: (() => void)[] = [];
    const taken = [1, 2, 3, 4, 5].map((job) =>
      queue.add((finished) => {
        begun.push(job);
        finish.push(finished);
      }),
    );
    assert.deepEqual(taken, [true, true, true, true, false]);
    assert.deepEqual(begun, [1, 2]);
    finish[1]?.();
    assert.deepEqual(begun, [1, 2, 3]);
    finish[0]?.();
    finish[2]?.();
    finish[3]?.();
    assert.deepEqual(begun, [1, 2, 3, 4]);
    assert.ok(queue.add((finished) => finished()));
  });
});
