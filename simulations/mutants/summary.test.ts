import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median, passes, type Result, summarize, table } from './summary.ts';

const result = (name: string, tried: number, found = true): Result => ({
  mutant: { name, rule: 'R1', file: 'a.ts', find: 'x', replace: 'y', about: 'made up' },
  tried,
  seconds: 1.5,
  excused: [],
  found: found
    ? {
        seed: tried,
        failure: { checker: 'I3', message: 'gone', atMs: 5 },
        shrunk: { faults: 2, operations: 1, processes: 4, seconds: 3, runs: 50 },
      }
    : null,
  error: null,
});

test('all found within the median: it passes', () => {
  const summary = summarize([result('a', 1), result('b', 20), result('c', 190)], 'abc');
  assert.equal(summary.seedsMedian, 20);
  assert.equal(summary.seedsMost, 190);
  assert.equal(summary.shrunkMedian, 3);
  assert.ok(passes(summary));
});

test('one that was not found fails all, whatever the median', () => {
  assert.ok(!passes(summarize([result('a', 1), result('b', 2), result('c', 200, false)], 'abc')));
});

test('found, but slowly: the median is too high', () => {
  assert.ok(!passes(summarize([result('a', 30), result('b', 40), result('c', 1)], 'abc')));
});

test('the median of none is none', () => {
  assert.equal(median([]), null);
  assert.equal(median([Number.POSITIVE_INFINITY]), null);
  assert.equal(median([4, 1]), 1);
});

test('the table says what was not found', () => {
  const lines = table([result('a', 7), result('b', 200, false)], true).split('\n');
  assert.equal(lines.length, 3);
  assert.match(lines[1] ?? '', /^R1 +a +I3 +7 +1\.5 s +2 faults 1 operations/u);
  assert.match(lines[2] ?? '', /NOT FOUND/u);
});
