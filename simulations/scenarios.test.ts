import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { runSubject, stories, type SubjectRun } from './run/subject.ts';

const runStory = (
  name: string,
  seed: number,
  heard: (line: string) => void = () => {},
): SubjectRun & { readonly lines: readonly string[] } => {
  const lines: string[] = [];
  const hear = (line: string): void => {
    lines.push(line);
    heard(line);
  };
  return { ...runSubject({ kind: 'story', name, seed }, { heard: hear }), lines };
};

/** Runs a scenario in a process of its own, by the user's command. */
const inAnotherProcess = (name: string, seed?: number): { status: number | null; hash: string | undefined; text: string } => {
  const launcher = new URL('../bin/shoal.js', import.meta.url).pathname;
  const args = seed === undefined ? [] : ['--seed', String(seed)];
  const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, 'simulate', name, ...args], { encoding: 'utf8' });
  return { status, hash: /^trace (\S+)$/mu.exec(stdout)?.[1], text: stdout + stderr };
};

for (const name of stories.keys()) {
  test(`${name} ends well`, () => {
    const report = runStory(name, 1);
    assert.equal(report.failure, null, report.lines.join('\n'));
    assert.ok(report.events > 1_000);
  });
}

test('the same seed gives the same trace in another process, another seed another one', () => {
  const here = runStory('quick-start', 7);
  const there = inAnotherProcess('quick-start', 7);
  assert.equal(there.status, 0, there.text);
  assert.equal(there.hash, here.traceHash);
  assert.notEqual(runStory('quick-start', 8).traceHash, here.traceHash);
});

test('each line is told when the run comes to it', () => {
  const heard: string[] = [];
  const { failure, lines } = runStory('quick-start', 7, (line) => {
    heard.push(line);
    if (heard.length === 2) throw new Error('enough is seen');
  });
  assert.equal(failure, 'enough is seen', 'the run was still under way');
  assert.equal(heard.length, 2);
  assert.deepEqual(heard, lines);
});

test('a run that nobody gave a seed says which it took, and that seed gives it again', () => {
  const { status, hash, text } = inAnotherProcess('quick-start');
  assert.equal(status, 0, text);
  const seed = /^seed (\d+) /mu.exec(text)?.[1];
  assert.equal(runStory('quick-start', Number(seed)).traceHash, hash);
});

test('the main dies and comes back under many seeds, and nothing acknowledged is lost', () => {
  for (let seed = 100; seed < 110; seed++) {
    const { failure, lines } = runStory('tracker-dies', seed);
    assert.equal(failure, null, `seed ${seed}:\n${lines.join('\n')}`);
  }
});
