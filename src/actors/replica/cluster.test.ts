/** What an operator may rely on, with three voters, real machines and a hostile disk; no transport and no real time. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { below } from '../../ports/random.ts';
import { Cluster, REPLICAS } from './cluster.test-kit.ts';

const started = (options = {}): Cluster => {
  const cluster = new Cluster(options);
  cluster.start('main', 'backup', 'proxy');
  cluster.until('main leads, backup in sync', () => cluster.isPrimary('main', 'SYNC'));
  return cluster;
};

const acknowledged = (cluster: Cluster, name: string, text: string, n?: number): { durability: string; seq: number } => {
  const answer = cluster.propose(name, text, n === undefined ? {} : { n });
  cluster.until(`${text} is answered`, () => answer.result !== null);
  assert.ok(answer.result?.ok, JSON.stringify(answer.result));
  return answer.result.value;
};

const stateOf = (cluster: Cluster, name: string): string[] => cluster.disk(name).ledger.state;

describe('three voters', () => {
  test('a fresh network: main leads, the backup is taken in, a change is on both', () => {
    const cluster = started();
    const { durability } = acknowledged(cluster, 'main', 'a');
    assert.equal(durability, 'replicated');
    assert.ok(cluster.disk('backup').ledger.entries.some((entry) => Buffer.from(entry.payload).toString() === 'a'));
    cluster.until('the backup has applied it', () => stateOf(cluster, 'backup').includes('a'));
    assert.deepEqual(cluster.state('backup'), { follower: 'inSync' });
    assert.deepEqual(cluster.replica('backup').status(), {
      ...cluster.replica('main').status(),
      name: 'backup',
      role: 'follower',
      mode: 'SYNC',
    });
  });

  test('proposals that gather while the disk writes become one transaction each way, answered in order', () => {
    const cluster = started();
    const answers = Array.from({ length: 200 }, (_, i) => cluster.propose('main', `v${i}`));
    cluster.until('all are answered', () => answers.every((answer) => answer.result !== null));
    assert.ok(answers.every((answer) => answer.result?.ok));
    assert.deepEqual(
      stateOf(cluster, 'main'),
      Array.from({ length: 200 }, (_, i) => `v${i}`),
    );
  });

  test('main is killed: the backup leads within three seconds and has everything; main returns as a follower', () => {
    const cluster = started();
    acknowledged(cluster, 'main', 'a');
    const lost = cluster.propose('main', 'perhaps');
    cluster.run(0.001);
    cluster.kill('main');
    cluster.until('the backup leads', () => cluster.isPrimary('backup'), 3);
    assert.equal(lost.result, null);
    assert.equal(stateOf(cluster, 'backup')[0], 'a');
    assert.equal(acknowledged(cluster, 'backup', 'b').durability, 'local');
    cluster.start('main');
    cluster.until('main is in sync', () => cluster.isPrimary('backup', 'SYNC'), 5);
    assert.equal(acknowledged(cluster, 'backup', 'c').durability, 'replicated');
    cluster.until('main has applied it', () => stateOf(cluster, 'main').includes('c'));
    assert.deepEqual(stateOf(cluster, 'main'), stateOf(cluster, 'backup'));
    cluster.run(5);
    assert.ok(cluster.isPrimary('backup', 'SYNC'), 'nobody preempts');
  });

  test('a tail that was never acknowledged is cut off when its writer comes back', () => {
    const cluster = started();
    acknowledged(cluster, 'main', 'a');
    cluster.cut('main', 'backup');
    cluster.cut('main', 'proxy');
    cluster.run(0.01);
    const lost = cluster.propose('main', 'never acknowledged');
    cluster.until('it is on the disk of main', () =>
      cluster.disk('main').ledger.entries.some((entry) => Buffer.from(entry.payload).toString().startsWith('never')),
    );
    cluster.until('the backup leads', () => cluster.isPrimary('backup'), 4);
    cluster.until('main has answered', () => lost.result !== null);
    assert.equal(lost.result?.ok === false && lost.result.error.code, 'indeterminate');
    acknowledged(cluster, 'backup', 'b');
    cluster.heal();
    cluster.until('main follows', () => cluster.isPrimary('backup', 'SYNC'), 6);
    cluster.until('main has applied', () => stateOf(cluster, 'main').includes('b'));
    assert.deepEqual(stateOf(cluster, 'main'), ['a', 'b']);
  });

  test('an idle pair never degrades; a write that waits for a dead backup does, and the backup is taken in again', () => {
    const cluster = started();
    cluster.kill('backup');
    cluster.run(10);
    assert.ok(cluster.isPrimary('main', 'SYNC'));
    const before = cluster.now();
    assert.equal(acknowledged(cluster, 'main', 'a').durability, 'local');
    assert.ok(cluster.now() - before < 2e6);
    assert.ok(cluster.isPrimary('main', 'SOLO'));
    const refused = cluster.propose('main', 'two copies please', { require: 'replicated' });
    cluster.until('refused', () => refused.result !== null);
    assert.equal(refused.result?.ok === false && refused.result.error.code, 'degraded');
    cluster.start('backup');
    cluster.until('sync again', () => cluster.isPrimary('main', 'SYNC'), 5);
    cluster.kill('main');
    cluster.until('the backup leads', () => cluster.isPrimary('backup'), 4);
    assert.deepEqual(stateOf(cluster, 'backup'), ['a']);
  });

  test('after SOLO, the replica that missed changes may not lead, until the other is back', () => {
    const cluster = started();
    acknowledged(cluster, 'main', 'both');
    cluster.kill('backup');
    acknowledged(cluster, 'main', 'only main');
    cluster.kill('main');
    cluster.start('backup');
    cluster.run(15);
    assert.equal(cluster.replica('backup').status().role === 'primary', false);
    const refused = cluster.propose('backup', 'x');
    cluster.until('refused', () => refused.result !== null);
    assert.equal(refused.result?.ok === false && refused.result.error.code, 'not-primary');
    cluster.start('main');
    cluster.until('main leads', () => cluster.isPrimary('main', 'SYNC'), 10);
    cluster.until('the backup has it', () => stateOf(cluster, 'backup').includes('only main'));
    assert.deepEqual(stateOf(cluster, 'backup'), ['both', 'only main']);
  });

  test('a backup that is far behind is given a snapshot', () => {
    const cluster = started({ limits: { logEntriesKept: 10, snapshotChunkBytes: 64, recentBytesMax: 1_000 } });
    cluster.kill('backup');
    for (let i = 0; i < 60; i++) acknowledged(cluster, 'main', `v${i}`);
    assert.ok(cluster.disk('main').ledger.base.seq > 20, 'the log was compacted');
    cluster.start('backup');
    cluster.until('in sync', () => cluster.isPrimary('main', 'SYNC'), 10);
    acknowledged(cluster, 'main', 'after');
    cluster.until('applied', () => stateOf(cluster, 'backup').includes('after'));
    assert.deepEqual(stateOf(cluster, 'backup'), stateOf(cluster, 'main'));
  });

  test('a witness that lost its state asks the others before it votes', () => {
    const cluster = started();
    acknowledged(cluster, 'main', 'a');
    cluster.kill('proxy');
    cluster.loseVoter('proxy');
    cluster.start('proxy');
    cluster.until('it is back', () => cluster.voter('proxy').status().phase === 'idle');
    assert.equal(cluster.voter('proxy').status().promised, cluster.voter('main').status().promised);
    assert.deepEqual(cluster.voter('proxy').status().accepted, cluster.voter('main').status().accepted);
    cluster.kill('proxy');
    cluster.kill('backup');
    cluster.loseVoter('proxy');
    cluster.start('proxy');
    cluster.run(5);
    assert.equal(cluster.voter('proxy').status().phase, 'rejoining', 'one other is not enough');
    cluster.start('backup');
    cluster.until('it is back again', () => cluster.voter('proxy').status().phase === 'idle');
  });

  test('a backup that lost its log may not lead before it was taken in again', () => {
    const cluster = started();
    acknowledged(cluster, 'main', 'a');
    cluster.kill('backup');
    cluster.loseLog('backup');
    cluster.kill('main');
    cluster.start('backup');
    cluster.run(10);
    assert.equal(cluster.replica('backup').status().role === 'primary', false);
    cluster.start('main');
    cluster.until('main leads', () => cluster.isPrimary('main', 'SYNC'), 10);
    cluster.kill('main');
    cluster.until('now the backup may', () => cluster.isPrimary('backup'), 5);
    assert.deepEqual(stateOf(cluster, 'backup'), ['a']);
  });

  test('a backup that lost everything while the main leads is taken in again', () => {
    const cluster = started();
    acknowledged(cluster, 'main', 'a');
    cluster.kill('backup');
    cluster.loseLog('backup');
    cluster.loseVoter('backup');
    cluster.start('backup');
    cluster.run(1);
    cluster.until('sync again', () => cluster.isPrimary('main', 'SYNC') && stateOf(cluster, 'backup').includes('a'), 15);
    acknowledged(cluster, 'main', 'b');
    cluster.kill('main');
    cluster.until('the backup leads', () => cluster.isPrimary('backup'), 5);
    assert.deepEqual(stateOf(cluster, 'backup'), ['a', 'b']);
  });

  test('a retry under the same request id joins, or is answered again: at both primaries, once done', () => {
    const cluster = started();
    const first = cluster.propose('main', 'x', { n: 7 });
    const second = cluster.propose('main', 'x', { n: 7 });
    cluster.until('both are answered', () => first.result !== null && second.result !== null);
    assert.deepEqual(first.result, second.result);
    assert.deepEqual(cluster.propose('main', 'x', { n: 7 }).result, null);
    cluster.until('the backup has it', () => stateOf(cluster, 'backup').length === 1);
    cluster.kill('main');
    cluster.until('the backup leads', () => cluster.isPrimary('backup'), 4);
    const again = cluster.propose('backup', 'x', { n: 7 });
    cluster.until('answered', () => again.result !== null);
    assert.ok(again.result?.ok && first.result?.ok);
    assert.deepEqual(again.result.value.body, first.result.value.body);
    assert.deepEqual(stateOf(cluster, 'backup'), ['x']);
  });

  test('main and backup cannot see each other: the main goes on, and the backup does not disturb it', () => {
    const cluster = started();
    cluster.cut('main', 'backup');
    const { epoch } = cluster.replica('main').status();
    cluster.run(10);
    acknowledged(cluster, 'main', 'a');
    assert.equal(cluster.replica('main').status().epoch, epoch);
    cluster.heal();
    cluster.until('sync again', () => cluster.isPrimary('main', 'SYNC'), 5);
    assert.equal(cluster.replica('main').status().epoch, epoch, 'no election was needed');
  });

  test('main hears nobody but is heard: it steps down, and the backup leads', () => {
    const cluster = started();
    cluster.mute('backup', 'main');
    cluster.mute('proxy', 'main');
    cluster.until('the backup leads', () => cluster.isPrimary('backup'), 5);
    cluster.heal();
    cluster.until('main follows', () => cluster.isPrimary('backup', 'SYNC'), 5);
  });

  test('a primary that promises a higher epoch stops at once, before the promise leaves (R11)', () => {
    const cluster = started();
    const waiting = cluster.propose('main', 'x');
    cluster.run(0.0001);
    cluster.deliver('backup', 'main', { kind: 'propose', configuration: { e: 9, v: 0, primary: 'backup', isr: ['backup'] } });
    assert.equal(cluster.replica('main').status().role === 'primary', false);
    cluster.until('answered', () => waiting.result !== null, 1);
    assert.equal(waiting.result?.ok, false);
  });

  test('a full disk: the write is refused, the backup takes over', () => {
    const cluster = started();
    cluster.disk('main').ledger.full = true;
    const answer = cluster.propose('main', 'too much');
    cluster.until('refused', () => answer.result !== null);
    assert.equal(answer.result?.ok, false);
    cluster.until('the backup leads', () => cluster.isPrimary('backup'), 5);
    acknowledged(cluster, 'backup', 'b');
  });

  test('an I/O error of the log halts the replica; the other takes over', () => {
    const cluster = started();
    cluster.disk('main').ledger.broken = true;
    const answer = cluster.propose('main', 'x');
    cluster.until('halted', () => cluster.replica('main').status().role === 'halted');
    cluster.until('answered', () => answer.result !== null);
    assert.equal(answer.result?.ok, false);
    cluster.until('the backup leads', () => cluster.isPrimary('backup'), 5);
    assert.deepEqual(cluster.state('main'), 'halted');
  });

  test('too many proposals: the rest are told to come back', () => {
    const cluster = started({ limits: { proposalsMax: 10 } });
    const answers = Array.from({ length: 15 }, (_, i) => cluster.propose('main', `v${i}`));
    cluster.until('all are answered', () => answers.every((answer) => answer.result !== null));
    assert.equal(answers.filter((answer) => answer.result?.ok === false && answer.result.error.code === 'busy').length, 5);
  });
});

test('kills in any order lose no acknowledged change, and the pair comes back', () => {
  for (let seed = 1; seed <= 300; seed++) killsInAnyOrder(seed);
});

const SMALL = {
  logEntriesKept: 4,
  recentBytesMax: 800,
  snapshotChunkBytes: 64,
  windowBytesMax: 600,
  batchEntriesMax: 3,
  batchBytesMax: 20,
};

function killsInAnyOrder(seed: number): void {
  // Every other schedule in a small house: short logs, snapshots, narrow windows.
  const cluster = new Cluster({ seed, limits: seed % 2 === 0 ? SMALL : {} });
  cluster.start('main', 'backup', 'proxy');
  const answers: { text: string; answer: ReturnType<Cluster['propose']> }[] = [];
  for (let round = 0; round < 25; round++) {
    cluster.run(below(cluster.random, 'walk.wait', 1500) / 1000);
    const name = ['main', 'backup', 'proxy'][below(cluster.random, 'walk.who', 3)] as string;
    const what = below(cluster.random, 'walk.what', 11);
    if (what < 3) cluster.kill(name);
    else if (what < 7) {
      if (!cluster.alive(name)) {
        if (name === 'proxy' && below(cluster.random, 'walk.amnesia', 3) === 0) cluster.loseVoter('proxy');
        cluster.start(name);
      }
    } else if (what < 8) cluster.cut(name, name === 'main' ? 'backup' : 'main');
    else if (what < 9) cluster.mute(name, name === 'backup' ? 'main' : 'backup');
    else cluster.heal();
    for (const replica of REPLICAS) {
      for (let i = below(cluster.random, 'walk.load', 6); i > 0 && cluster.alive(replica); i--) {
        const text = `${seed}.${round}.${replica}.${i}`;
        answers.push({ text, answer: cluster.propose(replica, text) });
      }
    }
  }
  for (const name of ['main', 'backup', 'proxy']) if (!cluster.alive(name)) cluster.start(name);
  cluster.heal();
  let last: ReturnType<Cluster['propose']>;
  do {
    cluster.until(`seed ${seed}: in sync`, () => cluster.primary()?.status().mode === 'SYNC', 30);
    last = cluster.propose(cluster.primary()?.status().name as string, 'last', { n: 1_000_000 });
    cluster.until(`seed ${seed}: the last change is answered`, () => last.result !== null);
  } while (!last.result?.ok);
  cluster.until(`seed ${seed}: both are the same`, () => isDeepStrictEqual(stateOf(cluster, 'main'), stateOf(cluster, 'backup')), 30);
  const state = stateOf(cluster, 'main');
  for (const { text, answer } of answers) if (answer.result?.ok) assert.ok(state.includes(text), `seed ${seed} lost ${text}`);
  assert.equal(new Set(state).size, state.length, 'nothing is done twice');
}
