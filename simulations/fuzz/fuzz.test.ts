import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { FuzzSummary } from '../report/fuzz-summary.ts';
import { Batch } from './batch.ts';
import { failureLines } from './fuzzer.ts';
import type { RunAnswer } from './messages.ts';
import { parseOptions } from './options.ts';

const ran = (more: Partial<RunAnswer> = {}): RunAnswer => ({
  did: 'run',
  seed: 1,
  failure: null,
  events: 1_000,
  virtualMicros: 180_000_000,
  traceHash: 'h',
  faults: 3,
  operations: 10,
  succeeded: 8,
  transitions: [['replica: follower.probing primary.heard follower.probing', 2]],
  marks: [],
  realMs: 500,
  ...more,
});

test('a batch adds up runs, and knows what it has never reached', () => {
  const batch = new Batch();
  assert.equal(batch.coverage, 0);
  batch.add(ran());
  batch.add(ran({ events: 500 }));
  const summary = batch.summary({ commit: 'c', startedAt: '2026-01-01T00:00:00Z', realSeconds: 1, cores: 2 });
  assert.deepEqual(
    [summary.runs, summary.events, summary.faults, summary.operations, summary.succeeded, summary.clusterHours, summary.speed],
    [2, 1_500, 6, 20, 16, 0.1, 360],
  );
  assert.equal(summary.transitions.find(({ name }) => name.startsWith('replica: follower.probing primary.heard'))?.count, 4);
  assert.ok(summary.transitions.filter(({ count }) => count === 0).length > 50, 'what exists and was not seen is listed');
  assert.ok(batch.coverage > 0 && batch.coverage < 0.1);
});

test('failures of one checker are one kind, crashes one for each place', () => {
  const batch = new Batch();
  const fail = (checker: string, message: string): number => batch.fail(1, { checker, message, atMs: 5 }, 'replay');
  assert.deepEqual([fail('I3', 'entry 5 is gone'), fail('I3', 'entry 7 is gone')], [1, 2]);
  assert.deepEqual([fail('crash', 'a at 17'), fail('crash', 'a at 18'), fail('crash', 'b at 17')], [1, 2, 1]);
  assert.deepEqual([batch.failures, batch.kinds.size], [5, 3]);
  batch.shrunk(1, 'replay small', 'page.html', 4);
  const [first] = batch.summary({ commit: 'c', startedAt: '', realSeconds: 1, cores: 1 }).failures;
  assert.deepEqual([first?.replay, first?.page, first?.shrunkTo], ['replay small', 'page.html', 4]);
});

test('a failure names its seed, which runs the very plan again where its file is gone', () => {
  const failure = { checker: 'I3', message: 'entry 5 is gone', atMs: 5 };
  const replay = '  npm run simulate -- random --seed 77';
  assert.deepEqual(failureLines(77, failure, 'logs/I3-seed-77.json'), [
    'FAILED seed 77: entry 5 is gone',
    replay,
    '  npm run simulate -- logs/I3-seed-77.json',
  ]);
  assert.deepEqual(failureLines(77, failure, null), ['FAILED seed 77: entry 5 is gone', replay]);
});

test('options have limits, and say what is wrong', () => {
  const read = (...args: string[]) => parseOptions(args);
  const defaults = read();
  assert.ok(defaults.ok && defaults.value !== 'help' && defaults.value.minutes === 1 && defaults.value.seeds === Number.POSITIVE_INFINITY);
  const seeds = read('--seeds', '10', '--seed', '7');
  assert.ok(seeds.ok && seeds.value !== 'help' && seeds.value.minutes === Number.POSITIVE_INFINITY && seeds.value.seed === 7);
  const wrong = read('--cores', '0', '--minutes', 'two');
  assert.match(wrong.ok ? '' : wrong.error.message, /--minutes must be a number .* not "two"; --cores must be a whole number/u);
  assert.equal(read('--mintes', '2').ok, false);
});

test('the fuzzer runs seeds in two processes and leaves a report', () => {
  const out = mkdtempSync(join(tmpdir(), 'shoal-fuzz-'));
  try {
    const main = new URL('main.ts', import.meta.url).pathname;
    const args = ['--seed', '3', '--seeds', '2', '--cores', '2', '--out', out];
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, /runs 2 /u);
    assert.deepEqual(readdirSync(out).sort(), ['report.html', 'report.json']);
    const summary = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as FuzzSummary;
    assert.deepEqual([summary.runs, summary.failures.length], [2, 0]);
    assert.match(readFileSync(join(out, 'report.html'), 'utf8'), /Fuzzing: no failure/u);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
});
