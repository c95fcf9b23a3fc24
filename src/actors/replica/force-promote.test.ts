import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Result } from '../../protocol/result.ts';
import type { ForcePromoted, ForcePromoteFailure } from './api.ts';
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

const failureOf = (result: Result<unknown> | null): string => (result === null ? 'none' : result.ok ? 'ok' : result.error.code);

const force = (cluster: Cluster, name: string) => {
  const answer = cluster.ask<ForcePromoted, ForcePromoteFailure>(name, (replica, done) => replica.forcePromote(done));
  cluster.until('answered', () => answer.result !== null, 3);
  return answer.result;
};

const stateOf = (cluster: Cluster, name: string): string[] => cluster.disk(name).ledger.state;

interface Line {
  readonly kind: string;
  readonly [field: string]: unknown;
}

/** The files in quarantine, each as its lines. */
const quarantine = (cluster: Cluster, name: string): { path: string; lines: Line[] }[] =>
  [...cluster.disk(name).files]
    .filter(([path]) => path.startsWith(`/${name}/quarantine/`))
    .map(([path, bytes]) => ({
      path,
      lines: Buffer.from(bytes)
        .toString()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Line),
    }));

const changesIn = (lines: readonly Line[]): string[] =>
  lines.filter(({ kind }) => kind === 'entry').map(({ change }) => Buffer.from(change as string, 'base64').toString());

/** Main went on alone with `only main 1` to `n`, and died; the backup came back. */
const strandedBackup = (n: number, options: ClusterOptions = {}): Cluster => {
  const cluster = started(options);
  acknowledged(cluster, 'main', 'both');
  cluster.kill('backup');
  for (let i = 1; i <= n; i++) acknowledged(cluster, 'main', `only main ${i}`);
  cluster.kill('main');
  cluster.start('backup');
  cluster.run(3);
  assert.equal(cluster.replica('backup').status().waitsFor, 'main');
  return cluster;
};

describe('force-promote', () => {
  test('the backup leads past R2; what only main had is in its quarantine before it is gone, and main follows', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const cluster = strandedBackup(3, { seed });
      const forced = force(cluster, 'backup');
      assert.ok(forced?.ok, JSON.stringify(forced));
      assert.equal(forced.value.generation, 1);
      cluster.until('it leads', () => cluster.isPrimary('backup'), 1);
      assert.equal(cluster.replica('backup').status().waitsFor, null);
      acknowledged(cluster, 'backup', 'after');
      cluster.start('main');
      cluster.until('in sync', () => cluster.isPrimary('backup', 'SYNC'), 10);
      cluster.until('the same', () => JSON.stringify(stateOf(cluster, 'main')) === '["both","after"]', 5);
      const [file, ...more] = quarantine(cluster, 'main');
      assert.ok(file !== undefined && more.length === 0, 'one file');
      assert.deepEqual(changesIn(file.lines), ['only main 1', 'only main 2', 'only main 3']);
      const [header] = file.lines;
      assert.deepEqual(
        [header?.['kind'], header?.['replica'], header?.['generation'], header?.['overriddenBy']],
        ['quarantine', 'main', 0, { primary: 'backup', epoch: forced.value.epoch, generation: 1 }],
      );
      assert.deepEqual(file.lines.at(-1), { kind: 'end', entries: 3, chunks: 0 });
      // From now on it is a pair like any other: main may lead, and the generation stays.
      acknowledged(cluster, 'backup', 'both again');
      cluster.kill('backup');
      cluster.until('main leads', () => cluster.isPrimary('main'), 5);
      acknowledged(cluster, 'main', 'main again');
      cluster.start('backup');
      cluster.until('in sync', () => cluster.isPrimary('main', 'SYNC'), 10);
      assert.equal(cluster.voter('proxy').status().accepted.generation, 1);
      cluster.until('the same', () => stateOf(cluster, 'backup').length === 4);
      assert.equal(quarantine(cluster, 'backup').length, 0);
    }
  });

  test('where main was not ahead nothing is put into quarantine, and nothing is replaced', () => {
    const cluster = started();
    acknowledged(cluster, 'main', 'both');
    cluster.kill('backup');
    acknowledged(cluster, 'main', 'only main');
    cluster.start('backup');
    cluster.until('in sync', () => cluster.isPrimary('main', 'SYNC'));
    cluster.until('applied', () => stateOf(cluster, 'backup').length === 2);
    // Main alone is in the configuration, but it has made no change since.
    cluster.kill('backup');
    acknowledged(cluster, 'main', 'one more');
    cluster.kill('main');
    cluster.disk('backup').ledger = structuredClone(cluster.disk('main').ledger);
    cluster.start('backup');
    cluster.run(3);
    assert.ok(force(cluster, 'backup')?.ok);
    cluster.until('it leads', () => cluster.isPrimary('backup'), 1);
    acknowledged(cluster, 'backup', 'after');
    cluster.start('main');
    cluster.until('in sync', () => cluster.isPrimary('backup', 'SYNC'), 10);
    cluster.until('the same', () => stateOf(cluster, 'main').join(',') === 'both,only main,one more,after');
    assert.deepEqual(quarantine(cluster, 'main'), []);
  });

  test('it is refused while a primary is alive, where it is not needed, and without a majority', () => {
    const cluster = started();
    assert.equal(failureOf(force(cluster, 'main')), 'is-primary');
    assert.equal(failureOf(force(cluster, 'backup')), 'primary-alive');
    // The backup has just lost sight of the main; the proxy has not.
    cluster.cut('main', 'backup');
    cluster.until('it does not hear it', () => cluster.replica('backup').status().primary === null);
    assert.equal(failureOf(force(cluster, 'backup')), 'primary-alive');
    assert.ok(cluster.isPrimary('main'));
    cluster.heal();
    cluster.until('in sync', () => cluster.isPrimary('main', 'SYNC'));
    cluster.kill('main');
    cluster.until('suspected', () => cluster.replica('backup').status().primary === null);
    assert.equal(failureOf(force(cluster, 'backup')), 'eligible');
    cluster.until('it leads all the same', () => cluster.isPrimary('backup'), 3);
    assert.equal(cluster.voter('proxy').status().accepted.generation, undefined);
    const alone = strandedBackup(1);
    alone.kill('proxy');
    alone.run(1);
    assert.equal(failureOf(force(alone, 'backup')), 'no-majority');
    assert.equal(alone.isPrimary('backup'), false);
    alone.start('proxy');
    alone.run(3);
    assert.ok(force(alone, 'backup')?.ok);
  });

  test('main’s log was compacted, and the backup’s too: its state goes into quarantine as well', () => {
    const cluster = strandedBackup(40, { limits: { logEntriesKept: 5, recentBytesMax: 500, snapshotChunkBytes: 100 } });
    assert.ok(cluster.disk('main').ledger.base.seq > 10);
    assert.ok(force(cluster, 'backup')?.ok);
    cluster.until('it leads', () => cluster.isPrimary('backup'), 1);
    for (let i = 0; i < 15; i++) acknowledged(cluster, 'backup', `after ${i}`);
    const applied = stateOf(cluster, 'main');
    cluster.start('main');
    cluster.until('in sync', () => cluster.isPrimary('backup', 'SYNC'), 10);
    cluster.until('the same', () => stateOf(cluster, 'main').join() === stateOf(cluster, 'backup').join());
    const [file] = quarantine(cluster, 'main');
    assert.ok(file !== undefined);
    const { fromSeq, last } = file.lines[0] as unknown as { fromSeq: number; last: { seq: number } };
    assert.equal(changesIn(file.lines).length, last.seq - fromSeq + 1, 'every entry that was left');
    const pieces = file.lines.filter(({ kind }) => kind === 'state').map(({ bytes }) => Buffer.from(bytes as string, 'base64'));
    assert.deepEqual((JSON.parse(Buffer.concat(pieces).toString()) as { state: string[] }).state, applied);
  });

  test('a full disk: nothing is replaced before it is kept, and main comes back when there is room', () => {
    const cluster = strandedBackup(2);
    assert.ok(force(cluster, 'backup')?.ok);
    cluster.until('it leads', () => cluster.isPrimary('backup'), 1);
    acknowledged(cluster, 'backup', 'after');
    cluster.disk('main').full = true;
    cluster.start('main');
    cluster.run(10);
    assert.deepEqual(stateOf(cluster, 'main'), ['both', 'only main 1', 'only main 2']);
    assert.equal(cluster.replica('main').status().role, 'follower');
    cluster.disk('main').full = false;
    cluster.until('in sync', () => cluster.isPrimary('backup', 'SYNC'), 10);
    assert.equal(quarantine(cluster, 'main').length, 1);
    assert.deepEqual(changesIn(quarantine(cluster, 'main')[0]?.lines ?? []), ['only main 1', 'only main 2']);
  });

  test('main dies again and again while it puts things aside: every file is whole, and nothing is lost', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const cluster = strandedBackup(5, { seed });
      assert.ok(force(cluster, 'backup')?.ok);
      cluster.until('it leads', () => cluster.isPrimary('backup'), 1);
      acknowledged(cluster, 'backup', 'after');
      for (let i = 0; i < 6; i++) {
        cluster.start('main');
        cluster.run(0.25 + (i * 7 + seed) / 500);
        cluster.kill('main');
      }
      cluster.start('main');
      cluster.until('in sync', () => cluster.isPrimary('backup', 'SYNC'), 10);
      const files = quarantine(cluster, 'main').filter(({ path }) => path.endsWith('.jsonl'));
      assert.ok(files.length > 0);
      for (const { lines } of files) assert.equal(changesIn(lines).length, 5);
    }
  });

  test('one force after another: each side keeps what it loses', () => {
    const cluster = strandedBackup(1);
    assert.ok(force(cluster, 'backup')?.ok);
    cluster.until('it leads', () => cluster.isPrimary('backup'), 1);
    acknowledged(cluster, 'backup', 'only backup');
    cluster.kill('backup');
    cluster.start('main');
    cluster.run(3);
    const forced = force(cluster, 'main');
    assert.ok(forced?.ok);
    assert.equal(forced.value.generation, 2);
    cluster.until('it leads', () => cluster.isPrimary('main'), 1);
    acknowledged(cluster, 'main', 'last');
    cluster.start('backup');
    cluster.until('in sync', () => cluster.isPrimary('main', 'SYNC'), 10);
    cluster.until('the same', () => stateOf(cluster, 'backup').join() === 'both,only main 1,last');
    assert.deepEqual(
      changesIn(quarantine(cluster, 'backup')[0]?.lines ?? []).filter((text) => text !== ''),
      ['only backup'],
    );
    assert.deepEqual(quarantine(cluster, 'main'), []);
  });

  test('without a newer generation a divergence of what is applied still stops the replica', () => {
    const cluster = started();
    acknowledged(cluster, 'main', 'both');
    cluster.run(1);
    cluster.kill('backup');
    acknowledged(cluster, 'main', 'a');
    cluster.kill('main');
    // The backup's disk is another one's: same numbers, other changes.
    const other = started({ seed: 7 });
    acknowledged(other, 'main', 'foreign');
    acknowledged(other, 'main', 'foreign too');
    other.run(1);
    cluster.disk('backup').ledger = structuredClone(other.disk('backup').ledger);
    cluster.start('main', 'backup');
    cluster.until('it stops', () => cluster.replica('backup').status().role === 'halted', 10);
    assert.deepEqual(quarantine(cluster, 'backup'), []);
  });
});
