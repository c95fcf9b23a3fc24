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
    /** What is due meanwhile comes late. */
    standStill(end: number): void {
      now = end;
      for (let due = heap.first(); due && due.at <= end; due = heap.first()) {
        heap.take();
        due.fire();
      }
    },
  };
};

const detectorOn = (time: ReturnType<typeof virtualTime>, suspected: number[]): FailureDetector =>
  new FailureDetector(time, { drawPatience: () => 1_000, stall: 500, listenAfterStall: 300, suspect: () => suspected.push(time.now()) });

test('a silence longer than the patience is suspected once per patience; hearing costs no timer', () => {
  const time = virtualTime();
  const suspected: number[] = [];
  const detector = detectorOn(time, suspected);
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

test('evidence that somebody is gone hastens the suspicion, and hearing it again takes that back', () => {
  const time = virtualTime();
  const suspected: number[] = [];
  const detector = detectorOn(time, suspected);
  detector.start();
  time.runTo(100);
  detector.hasten(200);
  time.runTo(250);
  detector.heard();
  time.runTo(1_200);
  assert.deepEqual(suspected, []);
  detector.heard();
  detector.hasten(200);
  detector.hasten(5_000);
  time.runTo(1_450);
  assert.deepEqual(suspected, [1_400]);
  assert.equal(time.timers(), 1);
});

test('who stood still itself listens again before it suspects anybody', () => {
  const time = virtualTime();
  const suspected: number[] = [];
  const detector = detectorOn(time, suspected);
  detector.start();
  time.runTo(900);
  time.standStill(1_600);
  assert.deepEqual(suspected, []);
  time.runTo(1_700);
  detector.heard();
  time.runTo(2_600);
  assert.deepEqual(suspected, [], 'what lay unread was read');
  time.standStill(4_000);
  time.runTo(4_250);
  assert.deepEqual(suspected, []);
  time.runTo(4_350);
  assert.deepEqual(suspected, [4_300], 'it has listened, and nobody is there');
});

test('a majority was there as long ago as its most silent member', () => {
  assert.equal(quorumHeardAt([10, 50], 2, 60), 50);
  assert.equal(quorumHeardAt([10, 50, 30, 20], 3, 60), 30);
  assert.equal(quorumHeardAt([], 1, 60), 60);
  assert.equal(quorumHeardAt([], 2, 60), Number.NEGATIVE_INFINITY);
});
