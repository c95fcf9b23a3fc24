import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { below } from '../../ports/random.ts';
import { Cluster, type ClusterOptions } from './cluster.test-kit.ts';

const started = (options: ClusterOptions = {}): Cluster => {
  const cluster = new Cluster(options);
  cluster.start('main', 'backup', 'proxy');
  cluster.until('main leads, backup in sync', () => cluster.isPrimary('main', 'SYNC'));
  return cluster;
};

const acknowledged = (cluster: Cluster, name: string, text: string): void => {
  const answer = cluster.propose(name, text);
  cluster.until(`${text} is answered`, () => answer.result !== null);
  assert.ok(answer.result?.ok, JSON.stringify(answer.result));
};

const stateOf = (cluster: Cluster, name: string): string[] => cluster.disk(name).ledger.state;

const same = (cluster: Cluster): boolean => isDeepStrictEqual(stateOf(cluster, 'main'), stateOf(cluster, 'backup'));

const SMALL = { logEntriesKept: 5, recentBytesMax: 500, snapshotChunkBytes: 128 };

/** Main went on alone for 40 changes and compacted its log: the backup, which is off, needs a snapshot. */
const farBehind = (seed: number): Cluster => {
  const cluster = started({ seed, limits: SMALL });
  cluster.kill('backup');
  for (let i = 0; i < 40; i++) acknowledged(cluster, 'main', `v${i}`);
  assert.ok(cluster.disk('main').ledger.base.seq > 20);
  return cluster;
};

/** Starts the backup, and says when the `n`th chunk of a snapshot leaves. */
const atChunk = (cluster: Cluster, n: number): void => {
  let chunks = 0;
  cluster.onSend = (_from, _to, frame) => {
    if (frame.kind === 'snapshotChunk') chunks++;
  };
  cluster.start('backup');
  cluster.until(`chunk ${n}`, () => chunks >= n, 5);
  cluster.onSend = null;
};

const CHUNKS = [1, 2, 3, 5, 8, 13, 18];

describe('a snapshot is interrupted', () => {
  test('by the death of whoever takes it in, at any chunk', () => {
    for (const n of CHUNKS) {
      const cluster = farBehind(n);
      atChunk(cluster, n);
      cluster.run(below(cluster.random, 'when', 4_000) / 1e6);
      cluster.kill('backup');
      acknowledged(cluster, 'main', 'meanwhile');
      cluster.start('backup');
      cluster.until('in sync', () => cluster.isPrimary('main', 'SYNC'), 10);
      cluster.until('the same', () => same(cluster));
      assert.equal(stateOf(cluster, 'backup').length, 41);
    }
  });

  test('by the death of whoever sends it, and a new epoch of the same primary', () => {
    for (const n of CHUNKS) {
      const cluster = farBehind(n);
      atChunk(cluster, n);
      cluster.run(below(cluster.random, 'when', 4_000) / 1e6);
      const { epoch } = cluster.replica('main').status();
      cluster.kill('main');
      cluster.run(2);
      assert.equal(cluster.isPrimary('backup'), false, 'half a snapshot makes nobody eligible');
      cluster.start('main');
      cluster.until('in sync', () => cluster.isPrimary('main', 'SYNC'), 15);
      assert.ok(cluster.replica('main').status().epoch > epoch);
      cluster.until('the same', () => same(cluster));
      assert.equal(stateOf(cluster, 'backup').length, 40);
    }
  });

  test('by a link that goes down, while changes go on', () => {
    for (const n of CHUNKS) {
      const cluster = farBehind(n);
      atChunk(cluster, n);
      cluster.cut('main', 'backup');
      for (let i = 0; i < 20; i++) acknowledged(cluster, 'main', `later ${i}`);
      cluster.heal();
      cluster.until('in sync', () => cluster.isPrimary('main', 'SYNC'), 10);
      cluster.until('the same', () => same(cluster));
      assert.equal(stateOf(cluster, 'backup').length, 60);
    }
  });
});

describe('learner first (R7)', () => {
  test('no change waits for a backup that catches up, until it is close behind', () => {
    const cluster = started({ limits: { windowBytesMax: 4_000, recentBytesMax: 20_000, upgradeLagBytesMax: 2_000 } });
    cluster.kill('backup');
    for (let i = 0; i < 400; i++) acknowledged(cluster, 'main', `v${i}`);
    cluster.start('backup');
    let worst = 0;
    let solo = 0;
    for (let i = 0; i < 300; i++) {
      const before = cluster.now();
      if (cluster.isPrimary('main', 'SOLO')) solo++;
      acknowledged(cluster, 'main', `w${i}`);
      worst = Math.max(worst, cluster.now() - before);
    }
    assert.ok(solo > 5, 'it did catch up while changes went on');
    cluster.until('in sync', () => cluster.isPrimary('main', 'SYNC'), 5);
    assert.ok(worst < 100_000, `a change waited ${worst / 1e3} ms`);
    cluster.until('the same', () => same(cluster));
  });

  test('a learner that dies before it is taken in holds changes up once, for as long as a degrade takes', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const cluster = started({ seed });
      cluster.kill('backup');
      acknowledged(cluster, 'main', 'a');
      cluster.start('backup');
      cluster.until('it is being taken in', () => isDeepStrictEqual(cluster.state('main'), { primary: 'upgrading' }), 5);
      cluster.kill('backup');
      const before = cluster.now();
      acknowledged(cluster, 'main', 'b');
      assert.ok(cluster.now() - before < 2.5e6);
      acknowledged(cluster, 'main', 'c');
      assert.ok(cluster.isPrimary('main', 'SOLO'));
    }
  });
});

test('a hundred repetitions of one request, at both replicas and through a failover, do it once and are told the same', () => {
  for (let seed = 1; seed <= 10; seed++) {
    const cluster = started({ seed });
    const answers: ReturnType<Cluster['propose']>[] = [];
    for (let i = 0; i < 100; i++) {
      if (i === 40) {
        cluster.run(below(cluster.random, 'when', 10_000) / 1e6);
        cluster.kill('main');
        cluster.until('the backup leads', () => cluster.isPrimary('backup'), 5);
        cluster.start('main');
      }
      // Others in between, so that this one is not the last that is remembered.
      if (i % 3 === 0) cluster.propose(cluster.isPrimary('main') ? 'main' : 'backup', `other ${i}`, { n: 1_000 + i });
      for (const name of ['main', 'backup'])
        if (cluster.alive(name) && below(cluster.random, 'who', 3) > 0) answers.push(cluster.propose(name, 'once', { n: 7 }));
      cluster.run(below(cluster.random, 'wait', 3_000) / 1e6);
    }
    cluster.until('in sync', () => cluster.isPrimary('backup', 'SYNC'), 10);
    cluster.until('answered', () => answers.slice(-50).every(({ result }) => result !== null));
    const bodies = answers.flatMap(({ result }) => (result?.ok ? [JSON.stringify([result.value.seq, result.value.body])] : []));
    assert.ok(bodies.length > 40, `${bodies.length} good answers`);
    assert.equal(new Set(bodies).size, 1);
    assert.equal(stateOf(cluster, 'backup').filter((text) => text === 'once').length, 1);
    for (const { result } of answers)
      if (result?.ok === false) assert.ok(['not-primary', 'indeterminate'].includes(result.error.code), result.error.code);
  }
});
