import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { generatePlan } from '../plan/generate.ts';
import { CHECKPOINT_EVERY, runsTheSame } from './same.ts';
import { runSubject, type Subject } from './subject.ts';

const subject: Subject = { kind: 'plan', plan: generatePlan(3, { chaosMs: 40_000, calmMs: 0 }) };

test('another process runs a plan the same way; a run that was another one parts at a place that is named', async () => {
  const here = runSubject(subject, { watch: { checkpointEvery: CHECKPOINT_EVERY } });
  assert.ok(here.watched.checkpoints.length > 2);
  assert.deepEqual(await runsTheSame(subject, here), { same: true });
  const checkpoints = here.watched.checkpoints.with(1, 'something else');
  const other = await runsTheSame(subject, { ...here, traceHash: 'another', watched: { ...here.watched, checkpoints } });
  // Run again, the two processes do the same: no step can be named, only where the first two parted.
  assert.deepEqual(other, { same: false, betweenSteps: [CHECKPOINT_EVERY, 2 * CHECKPOINT_EVERY], where: null });
});

test('a trace has a line for each step, and its last hash is the hash of the run', () => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-trace-'));
  try {
    const path = join(folder, 'trace.txt');
    const file = openSync(path, 'w');
    const run = runSubject(subject, { watch: { file } });
    closeSync(file);
    const [header, ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n');
    assert.equal(header, '# step\tmicros\tprocess\tport\tkind\tid\thash');
    assert.equal(lines.length, run.watched.steps);
    assert.deepEqual(lines[0]?.split('\t').slice(0, 5), ['1', '0', 'tracker', 'process', 'scenario']);
    assert.equal(lines.at(-1)?.split('\t').at(-1), run.traceHash);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
