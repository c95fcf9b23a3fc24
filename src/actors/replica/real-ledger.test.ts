/** The same three voters over the real ledger: what replication assumes of it, it does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeChange } from '../../domain/ledger/change.ts';
import { TestLedger } from '../../domain/ledger/ledger.test-kit.ts';
import { Cluster } from './cluster.test-kit.ts';

const account = (name: string): Uint8Array =>
  encodeChange({ kind: 'account.create', name, folded: name, passwordHash: 'hash', admin: false, inviteHash: null });

const startedWith = (limits = {}): Cluster => {
  const cluster = new Cluster({ limits, real: { ledger: () => new TestLedger(), encode: account } });
  cluster.start('main', 'backup', 'proxy');
  cluster.until('in sync', () => cluster.isPrimary('main', 'SYNC'));
  return cluster;
};

const reply = (cluster: Cluster, name: string, text: string, n?: number): unknown => {
  const answer = cluster.propose(name, text, n === undefined ? {} : { n });
  cluster.until(`${text} is answered`, () => answer.result !== null);
  assert.ok(answer.result?.ok, JSON.stringify(answer.result));
  return answer.result.value.body.ok ? 'done' : answer.result.value.body.code;
};

const same = (cluster: Cluster): boolean =>
  cluster.disk('main').ledger.real?.rowsDigest() === cluster.disk('backup').ledger.real?.rowsDigest();

test('accounts survive a failover, a retry is answered again, a name stays taken, the old main catches up', () => {
  const cluster = startedWith();
  assert.equal(reply(cluster, 'main', 'an', 1), 'done');
  assert.equal(reply(cluster, 'main', 'an', 2), 'name-taken');
  cluster.cut('main', 'backup');
  cluster.cut('main', 'proxy');
  cluster.run(0.01);
  cluster.propose('main', 'never', { n: 3 });
  cluster.until('the backup leads', () => cluster.isPrimary('backup'), 5);
  assert.equal(reply(cluster, 'backup', 'an', 1), 'done');
  assert.equal(reply(cluster, 'backup', 'an', 4), 'name-taken');
  assert.equal(reply(cluster, 'backup', 'binh', 5), 'done');
  cluster.heal();
  cluster.until('in sync', () => cluster.isPrimary('backup', 'SYNC') && same(cluster), 10);
  assert.equal(reply(cluster, 'backup', 'never', 6), 'done', 'what was cut off was not applied');
  cluster.kill('main');
  cluster.kill('backup');
  cluster.start('main', 'backup');
  cluster.until('in sync again', () => cluster.primary()?.status().mode === 'SYNC' && same(cluster), 15);
});

test('a backup that is far behind gets a snapshot, while changes go on', () => {
  const cluster = startedWith({ logEntriesKept: 10, snapshotChunkBytes: 1_024, recentBytesMax: 2_000 });
  cluster.kill('backup');
  for (let i = 0; i < 60; i++) reply(cluster, 'main', `name${i}`);
  cluster.start('backup');
  for (let i = 60; i < 120; i++) reply(cluster, 'main', `name${i}`);
  cluster.until('in sync', () => cluster.isPrimary('main', 'SYNC') && same(cluster), 20);
  assert.equal(reply(cluster, 'main', 'after'), 'done');
  cluster.kill('main');
  cluster.until('the backup leads', () => cluster.isPrimary('backup'), 5);
  assert.equal(reply(cluster, 'backup', 'name0'), 'name-taken');
});
