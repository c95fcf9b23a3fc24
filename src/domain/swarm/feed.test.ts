import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { seconds } from '../../ports/clock.ts';
import { SwarmFeed, type FeedLimits, type SwarmDelta } from './feed.ts';
import { SwarmRegistry } from './registry.ts';

const limits: FeedLimits = { bytesPerTurn: 262_144, frameBytes: 65_536, changesMax: 100_000, turnsPerSweep: 20 };
const origin = { proxy: 'p1', host: '10.0.0.1' };

/** A primary and another replica, with time that the test moves. */
class Pair {
  now = 0;
  readonly primary = new SwarmRegistry({ announceIntervalSeconds: 30, removeSeconds: 60 });
  readonly backup = new SwarmRegistry({ announceIntervalSeconds: 30, removeSeconds: 60 });
  feed: SwarmFeed;
  readonly #limits: FeedLimits;
  #sequence = 0;

  constructor(changed: Partial<FeedLimits> = {}) {
    this.#limits = { ...limits, ...changed };
    this.feed = new SwarmFeed(this.primary, this.#limits);
    this.primary.watch(this.feed);
  }

  /** The link is another: the sweep begins anew. */
  connect(): void {
    this.feed = new SwarmFeed(this.primary, this.#limits);
    this.primary.watch(this.feed);
  }

  enter(node: string, incarnation = 'i1'): void {
    const addresses = [{ host: '10.0.0.1', port: 6_000 }];
    this.primary.enter({ node, name: node, account: 'An', incarnation, addresses }, origin, this.now);
  }

  announce(node: string, content: string, what: { left?: number; stopped?: boolean; incarnation?: string } = {}, at = this.primary): void {
    const { left = 0, stopped = false, incarnation = 'i1' } = what;
    const event = stopped ? 'stopped' : 'none';
    const item = { content, event, leftBytes: left, uploadedBytes: 5, downloadedBytes: 0, want: 0 } as const;
    at.announce({ kind: 'announce', node, incarnation, sequence: ++this.#sequence, items: [item] }, origin, this.now);
  }

  /** A second passes; what was told, and whether it arrives. */
  turn(arrives = true): SwarmDelta[] {
    this.now += seconds(1);
    const deltas = this.feed.turn(this.now);
    if (arrives) for (const delta of deltas) this.backup.warm(delta, this.now);
    return deltas;
  }

  /** Whether both know the same. */
  same(): boolean {
    return JSON.stringify(picture(this.primary, this.now)) === JSON.stringify(picture(this.backup, this.now));
  }
}

/** Everything that one registry could tell another, without when it was heard. */
const picture = (registry: SwarmRegistry, now: number): object =>
  [...registry.nodes()]
    .map(({ node }) => {
      const { silentMs: _, items = [], ...facts } = registry.tell(node, registry.contentsOf(node), now) ?? { silentMs: 0 };
      return { ...facts, items: items.map(({ silentMs: _silent, ...item }) => item).toSorted((a, b) => (a.content < b.content ? -1 : 1)) };
    })
    .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

test('what changes is told within a turn: who enters, has something, has all of it, stops, leaves', () => {
  const pair = new Pair();
  pair.turn();
  pair.enter('a');
  pair.announce('a', 'c', { left: 10 });
  pair.turn();
  assert.equal(pair.backup.node('a')?.account, 'An');
  assert.equal(pair.backup.seedersOf('c'), 0);
  pair.announce('a', 'c');
  pair.turn();
  assert.equal(pair.backup.seedersOf('c'), 1);
  pair.announce('a', 'c', { stopped: true });
  pair.turn();
  assert.equal(pair.backup.seedersOf('c'), 0);
  pair.primary.exit('a', 'i1', pair.now);
  pair.turn();
  assert.equal(pair.backup.node('a'), null);
  assert.deepEqual(pair.turn(), []);
});

test('an announce that says nothing new is not told by itself, and all of a turn is told once', () => {
  const pair = new Pair();
  pair.turn();
  pair.enter('a');
  for (let i = 0; i < 10; i++) pair.announce('a', 'c', { left: 10 - i });
  const told = pair.turn();
  assert.deepEqual(
    told.map(({ nodes }) => nodes.map(({ items }) => items.map(({ leftBytes }) => leftBytes))),
    [[[1]]],
  );
});

test('whatever was lost, a sweep repeats everything within its turns', () => {
  const pair = new Pair();
  pair.turn();
  for (let node = 0; node < 50; node++) {
    pair.enter(`n${node}`);
    for (let content = 0; content < 10; content++) pair.announce(`n${node}`, `c${(node + content) % 40}`);
  }
  pair.turn(false);
  assert.equal(pair.backup.nodeCount, 0);
  for (let turn = 0; turn < 2 * limits.turnsPerSweep; turn++) pair.turn();
  assert.ok(pair.same());
});

test('the first sweep on a link is as fast as the bytes allow, and no turn is over them by more than a group', () => {
  const pair = new Pair({ bytesPerTurn: 20_000, frameBytes: 5_000 });
  for (let node = 0; node < 20; node++) {
    pair.enter(`n${node}`);
    for (let content = 0; content < 100; content++) pair.announce(`n${node}`, `content ${content}`);
  }
  pair.connect();
  let turns = 0;
  for (; !pair.same() && turns < 30; turns++) pair.turn();
  assert.ok(turns > 3 && turns < 12, `${turns} turns`);
});

test('a stopped peer and a node that has gone do not come back by what is told late', () => {
  const pair = new Pair();
  pair.enter('a');
  pair.announce('a', 'c');
  const late = pair.turn();
  pair.announce('a', 'c', { stopped: true });
  pair.turn();
  for (const delta of late) pair.backup.warm(delta, pair.now);
  assert.equal(pair.backup.seedersOf('c'), 0);
  // Of a node that has another incarnation, the late word of the old one means nothing either.
  pair.enter('a', 'i2');
  pair.turn();
  for (const delta of late) pair.backup.warm(delta, pair.now);
  assert.equal(pair.backup.node('a')?.incarnation, 'i2');
  pair.backup.warm({ nodes: [], gone: [{ node: 'a', incarnation: 'i1' }], dropped: [] }, pair.now);
  assert.equal(pair.backup.node('a')?.incarnation, 'i2');
});

test('what another replica heard itself is not undone by an older word of the primary', () => {
  const pair = new Pair();
  pair.enter('a');
  pair.announce('a', 'c');
  pair.turn();
  pair.announce('a', 'c', { stopped: true }, pair.backup);
  pair.turn();
  pair.connect();
  pair.turn();
  assert.equal(pair.backup.seedersOf('c'), 0);
});

test('who leaves and comes back at once is there, without what it had', () => {
  const pair = new Pair();
  pair.enter('a');
  pair.announce('a', 'c');
  pair.turn();
  pair.primary.exit('a', 'i1', pair.now);
  pair.enter('a');
  pair.turn();
  assert.equal(pair.backup.node('a')?.incarnation, 'i1');
  assert.equal(pair.backup.seedersOf('c'), 0);
});

test('a replica that led meanwhile and never heard a goodbye does not bring back who has left', () => {
  const pair = new Pair();
  pair.enter('a');
  pair.announce('a', 'c');
  pair.turn();
  pair.announce('a', 'c', { stopped: true });
  pair.primary.exit('a', 'i1', pair.now + seconds(0.5));
  // The backup, which the goodbye never reached, leads and tells what it knows.
  pair.now += seconds(2);
  const tells = (): SwarmDelta[] => new SwarmFeed(pair.backup, limits).turn(pair.now);
  for (const delta of tells()) pair.primary.warm(delta, pair.now);
  assert.equal(pair.primary.node('a'), null);
  assert.equal(pair.primary.seedersOf('c'), 0);
  // It comes back, with the same counter of announces, to whoever leads now: that is taken.
  pair.backup.enter({ node: 'a', name: 'a', account: 'Bo', incarnation: 'i1', addresses: [] }, origin, pair.now);
  pair.announce('a', 'd', {}, pair.backup);
  pair.now += seconds(1);
  for (const delta of tells()) pair.primary.warm(delta, pair.now);
  assert.equal(pair.primary.node('a')?.account, 'Bo');
  assert.deepEqual([pair.primary.seedersOf('c'), pair.primary.seedersOf('d')], [0, 1]);
});

test('a swarm without a content in the catalog goes at the other replica too', () => {
  const pair = new Pair();
  pair.enter('a');
  pair.announce('a', 'c');
  pair.turn();
  pair.primary.dropSwarm('c');
  pair.turn();
  assert.equal(pair.backup.hasSwarm('c'), false);
});

test('more changes than are kept are forgotten, and told by the sweep', () => {
  const pair = new Pair({ changesMax: 10 });
  pair.turn();
  for (let node = 0; node < 100; node++) pair.enter(`n${node}`);
  assert.equal(pair.feed.waiting, 10);
  pair.turn();
  for (let turn = 0; turn < 2 * limits.turnsPerSweep; turn++) pair.turn();
  assert.equal(pair.backup.nodeCount, 100);
});

test('an entry that was told keeps its age: the other replica forgets it when the primary would', () => {
  const pair = new Pair();
  pair.enter('a');
  pair.announce('a', 'c');
  pair.now += seconds(40);
  pair.connect();
  pair.turn();
  pair.now += seconds(23);
  pair.backup.sweep(pair.now, 0);
  assert.equal(pair.backup.hasSwarm('c'), false);
});

type Step = {
  readonly what: 'enter' | 'announce' | 'stop' | 'exit' | 'lose' | 'turn' | 'again';
  readonly node: number;
  readonly content: number;
};

test('after any events and losses, a sweep makes both know the same', () => {
  const step: fc.Arbitrary<Step> = fc.record({
    what: fc.constantFrom('enter', 'announce', 'stop', 'exit', 'lose', 'turn', 'again'),
    node: fc.nat(3),
    content: fc.nat(2),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const pair = new Pair({ changesMax: 6 });
      const incarnations = [1, 1, 1, 1];
      for (const { what, node, content } of steps) {
        const incarnation = `i${incarnations[node]}`;
        if (what === 'enter') pair.enter(`n${node}`, incarnation);
        if (what === 'again') pair.enter(`n${node}`, `i${++incarnations[node]!}`);
        if (what === 'announce') pair.announce(`n${node}`, `c${content}`, { incarnation, left: node });
        if (what === 'stop') pair.announce(`n${node}`, `c${content}`, { incarnation, stopped: true });
        if (what === 'exit') pair.primary.exit(`n${node}`, incarnation, pair.now);
        if (what === 'lose' || what === 'turn') pair.turn(what === 'turn');
      }
      // What was lost of those that have gone is not repeated; they are forgotten by their silence.
      pair.now += seconds(64);
      for (const registry of [pair.primary, pair.backup]) registry.sweep(pair.now);
      for (let node = 0; node < 4; node++) {
        pair.enter(`n${node}`, `i${incarnations[node]}`);
        for (let content = 0; content < 3; content++) pair.announce(`n${node}`, `c${content}`, { incarnation: `i${incarnations[node]}` });
      }
      for (let turn = 0; turn < 2 * limits.turnsPerSweep; turn++) pair.turn();
      assert.ok(pair.same());
    }),
    { numRuns: 100 },
  );
});
