import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DueHeap, type Due } from '../../ports/due-heap.ts';
import { FailureDetector, quorumHeardAt } from './failure-detector.ts';

const virtualTime = () => {
  const heap = new DueHeap();
  const timers = new Map<number, Due>();
  let now = 0;
  let ids = 0;
  return {
    now: () => now,
    setTimer(delay: number, fire: () => void): number {
      timers.set(++ids, heap.add(now + delay, fire));
      return ids;
    },
    clearTimer(id: number): void {
      const due = timers.get(id);
      if (due) heap.remove(due);
    },
    timers: () => heap.size,
    runTo(end: number): void {
      for (let due = heap.first(); due && due.at <= end; due = heap.first()) {
        heap.take();
        now = due.at;
        due.fire();
      }
      now = end;
    },
  };
};

test('a silence longer than the patience is suspected once per patience; hearing costs no timer', () => {
  const time = virtualTime();
  const suspected: number[] = [];
  const detector = new FailureDetector(
    time,
    () => 1_000,
    () => suspected.push(time.now()),
  );
  detector.start(3_000);
  for (let at = 100; at <= 5_000; at += 100) {
    time.runTo(at);
    detector.heard();
    assert.equal(time.timers(), 1);
  }
  assert.deepEqual(suspected, []);
  time.runTo(10_000);
  assert.deepEqual(suspected, [8_000, 9_000, 10_000], 'the first patience is the one given, later ones are drawn');
  detector.stop();
  time.runTo(20_000);
  assert.equal(suspected.length, 3);
  assert.equal(time.timers(), 0);
});

test('a majority was there as long ago as its most silent member', () => {
  assert.equal(quorumHeardAt([10, 50], 2, 60), 50);
  assert.equal(quorumHeardAt([10, 50, 30, 20], 3, 60), 30);
  assert.equal(quorumHeardAt([], 1, 60), 60);
  assert.equal(quorumHeardAt([], 2, 60), Number.NEGATIVE_INFINITY);
});
