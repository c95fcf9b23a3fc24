import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { traceOfEverything } from './determinism.test-kit.ts';

/** Runs it in a process of its own, with these options of V8. */
const inAnotherProcess = (...options: readonly string[]): string => {
  const kit = fileURLToPath(new URL('determinism.test-kit.ts', import.meta.url));
  const { stdout, stderr } = spawnSync(process.execPath, [...options, kit], { encoding: 'utf8' });
  return stdout.trim() === '' ? stderr : stdout.trim();
};

test('a run with every kind of fault is the same again here, in another process, with other hashes, and not optimized', () => {
  const here = traceOfEverything();
  assert.ok(here.faults > 10, `only ${here.faults} faults took place`);
  assert.equal(traceOfEverything().trace, here.trace);
  assert.equal(inAnotherProcess('--hash-seed=7', '--random-seed=9', '--no-opt'), here.trace);
});
