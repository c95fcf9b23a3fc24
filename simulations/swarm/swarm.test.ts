import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DueHeap } from '../../src/ports/due-heap.ts';
import { createRandom } from '../../src/ports/counter-random.ts';
import { fluidSeconds, storeAndForwardSeconds, type SwarmFacts } from './bounds.ts';
import { FairUplink } from './fair-uplink.ts';
import { randomGraph } from './graph.ts';
import { Swarm } from './swarm.ts';

const MIB = 1_048_576;
const facts = (leechers: number, pieces: number): SwarmFacts => ({
  bytes: pieces * MIB,
  pieces,
  leechers,
  uplinkBytesPerSecond: 1_250_000,
});

test('the bounds are those of the papers', () => {
  // Values that the papers' formulas give, worked out by hand: 1 + 6/64 and 1 + 13/1024 times F/u.
  const alone = (of: SwarmFacts): number => of.bytes / of.uplinkBytesPerSecond;
  assert.equal(storeAndForwardSeconds(facts(100, 64)) / alone(facts(100, 64)), 1.09375);
  assert.equal(storeAndForwardSeconds(facts(10_000, 1_024)) / alone(facts(10_000, 1_024)), 1 + 13 / 1_024);
  assert.equal(fluidSeconds(facts(1, 64)), alone(facts(1, 64)));
});

test('flows share an uplink evenly, and all of its rate is used', () => {
  const heap = new DueHeap();
  const done: [number, number][] = [];
  let now = 0;
  const uplink = new FairUplink(heap, 1_000_000, (key) => void done.push([key, now]));
  const runUntil = (until: number): void => {
    for (let due = heap.first(); due !== undefined && due.at <= until; due = heap.first()) {
      heap.take();
      now = due.at;
      due.fire();
    }
    now = until;
  };
  uplink.start(0, 1, 1_000_000);
  uplink.start(0, 2, 500_000);
  runUntil(500_000);
  uplink.start(now, 3, 250_000);
  uplink.start(now, 4, 1_000_000);
  uplink.cancel(now, 4);
  runUntil(10_000_000);
  // 2 and 3 have had 250,000 bytes to go each when 3 came, and 1 had 750,000.
  assert.deepEqual(done, [
    [2, 1_250_000],
    [3, 1_250_000],
    [1, 1_750_000],
  ]);
  assert.equal(Math.round(uplink.sentBytes), 1_750_000);
});

test('a connection is the same one seen from both of its ends', () => {
  const { start, peer, twin } = randomGraph(50, 5, createRandom(3));
  for (let node = 0; node < 50; node++) {
    assert.ok((start[node + 1] as number) - (start[node] as number) >= 5, 'each has at least those that it dialled');
    for (let edge = start[node] as number; edge < (start[node + 1] as number); edge++) {
      assert.equal(twin[twin[edge] as number], edge);
      assert.equal(peer[twin[edge] as number], node);
      assert.notEqual(peer[edge], node);
    }
  }
});

for (const [leechers, pieces, most] of [
  [1, 16, 1.15],
  [63, 128, 1.15],
  [200, 256, 1.15],
] as const) {
  test(`${leechers} nodes and ${pieces} pieces: within ${most} of the bound, and never below it`, () => {
    for (const seed of [1, 2, 3]) {
      const of = facts(leechers, pieces);
      const swarm = new Swarm({ ...of, seed });
      const { lastSeconds, takenBytes, sentBytes } = swarm.run();
      const ratio = lastSeconds / storeAndForwardSeconds(of);
      assert.ok(ratio >= 1 && lastSeconds >= fluidSeconds(of), `seed ${seed} beats the physics: ${ratio}`);
      assert.ok(ratio <= most, `seed ${seed}: ${ratio} of the bound`);
      assert.equal(takenBytes, leechers * of.bytes, 'everybody took every piece once');
      assert.ok(sentBytes >= takenBytes && sentBytes < takenBytes * 1.05, `the endgame wasted ${sentBytes / takenBytes - 1}`);
      for (let node = 0; node <= leechers; node++)
        assert.ok(swarm.sentBytes(node) <= of.uplinkBytesPerSecond * lastSeconds + 1, `node ${node} sent more than its uplink carries`);
    }
  });
}

test('the same seed is the same run; another one is not', () => {
  const run = (seed: number): string => new Swarm({ ...facts(40, 32), seed }).run().traceHash;
  assert.equal(run(7), run(7));
  assert.notEqual(run(7), run(8));
});
