import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { runScenario, scenarioNames } from './run.ts';

/** Runs a scenario in a process of its own, by the user's command. */
const inAnotherProcess = (name: string, seed: number): { status: number | null; hash: string | undefined; text: string } => {
  const launcher = new URL('../bin/shoal.js', import.meta.url).pathname;
  const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, 'simulate', name, '--seed', String(seed)], {
    encoding: 'utf8',
  });
  return { status, hash: /^trace (\S+)$/mu.exec(stdout)?.[1], text: stdout + stderr };
};

for (const name of scenarioNames) {
  test(`${name} ends well`, async () => {
    const report = await runScenario(name, 1);
    assert.equal(report.failure, null, report.lines.join('\n'));
    assert.ok(report.events > 1_000);
  });
}

test('the same seed gives the same trace in another process, another seed another one', async () => {
  const here = await runScenario('quick-start', 7);
  const there = inAnotherProcess('quick-start', 7);
  assert.equal(there.status, 0, there.text);
  assert.equal(there.hash, here.traceHash);
  assert.notEqual((await runScenario('quick-start', 8)).traceHash, here.traceHash);
});

test('the main dies and comes back under many seeds, and nothing acknowledged is lost', async () => {
  for (let seed = 100; seed < 110; seed++) {
    const { failure, lines } = await runScenario('tracker-dies', seed);
    assert.equal(failure, null, `seed ${seed}:\n${lines.join('\n')}`);
  }
});
