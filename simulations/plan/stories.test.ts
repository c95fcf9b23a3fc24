import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../src/ports/counter-random.ts';
import { processNames } from './names.ts';
import { generatePlan } from './generate.ts';
import { drawStories } from './stories.ts';

const seeds = Array.from({ length: 300 }, (_, seed) => seed);
const cluster = { proxies: 2, witnesses: 1, nodes: 3, liars: 0, uplinkBytesPerSecond: null } as const;
const storiesOf = (seed: number) => drawStories(createRandom(`stories ${seed}`), cluster, 120_000);

test('some plans have no story, and those that have one have operations about the time of its faults', () => {
  const drawn = seeds.map(storiesOf);
  const none = drawn.filter((stories) => stories.length === 0).length;
  assert.ok(none > 90 && none < 180, `${none} of 300 have none`);
  for (const { faults, operations } of drawn.flat().filter((story) => story.faults.length > 0)) {
    const begins = Math.min(...faults.map(({ atMs }) => atMs));
    const ends = Math.max(...faults.map((fault) => fault.atMs + ('forMs' in fault ? fault.forMs : 0)));
    assert.ok(
      operations.some(({ atMs }) => atMs >= begins - 2_000 && atMs <= ends + 2_000),
      JSON.stringify(faults),
    );
  }
});

test('stories are about processes that there are, at times of the chaos, and the same for the same seed', () => {
  const names = new Set(processNames(cluster));
  for (const seed of seeds) {
    const stories = storiesOf(seed);
    assert.deepEqual(storiesOf(seed), stories);
    for (const { faults, operations } of stories) {
      for (const fault of faults) {
        assert.ok(fault.atMs >= 0 && fault.atMs <= 120_000);
        if ('process' in fault) assert.ok(names.has(fault.process), fault.process);
        if ('forMs' in fault) assert.ok(fault.forMs > 0);
      }
      for (const { node } of operations) assert.ok(names.has(node), node);
    }
  }
});

test('a short plan has no room for one', () => {
  for (const seed of seeds) assert.deepEqual(drawStories(createRandom(`stories ${seed}`), cluster, 10_000), []);
  assert.ok(generatePlan(1, { chaosMs: 10_000, calmMs: 0 }).operations.every(({ atMs }) => atMs <= 10_000));
});
