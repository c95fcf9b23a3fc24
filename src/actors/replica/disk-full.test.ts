import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Cluster, type ClusterOptions } from './cluster.test-kit.ts';

const started = (options: ClusterOptions = {}): Cluster => {
  const cluster = new Cluster(options);
  cluster.start('main', 'backup', 'proxy');
  cluster.until('main leads, backup in sync', () => cluster.isPrimary('main', 'SYNC'));
  return cluster;
};

/** How long a change takes to be acknowledged, in milliseconds. */
const latencyMs = (cluster: Cluster, name: string, text: string): number => {
  const before = cluster.now();
  const answer = cluster.propose(name, text);
  cluster.until(`${text} is answered`, () => answer.result !== null);
  assert.ok(answer.result?.ok, JSON.stringify(answer.result));
  return (cluster.now() - before) / 1e3;
};

const durabilityOf = ({ result }: ReturnType<Cluster['propose']>): string => (result?.ok ? result.value.durability : 'none');

const stateOf = (cluster: Cluster, name: string): string[] => cluster.disk(name).ledger.state;

describe('full disks', () => {
  test('of the backup: main goes on alone after one wait, not after one for each change; there is room again: in sync', () => {
    const cluster = started();
    cluster.disk('backup').ledger.full = true;
    assert.ok(latencyMs(cluster, 'main', 'first') < 1_500);
    assert.ok(cluster.isPrimary('main', 'SOLO'));
    const slow = Array.from({ length: 100 }, (_, i) => {
      cluster.run(0.1);
      return latencyMs(cluster, 'main', `v${i}`);
    }).filter((ms) => ms > 100);
    assert.deepEqual(slow, [], 'a backup that cannot write is not waited for again');
    cluster.disk('backup').ledger.full = false;
    cluster.until('in sync without a restart', () => cluster.isPrimary('main', 'SYNC'), 5);
    cluster.until('the same', () => stateOf(cluster, 'backup').length === 101);
  });

  test('of a backup that only applies: it asks with each heartbeat, no more', () => {
    const cluster = started();
    latencyMs(cluster, 'main', 'a');
    cluster.disk('backup').ledger.full = true;
    cluster.run(5);
    const tries = cluster.disk('backup').ledger.refusals;
    assert.ok(tries < 100, `${tries} refused transactions in 5 s`);
    cluster.disk('backup').ledger.full = false;
    cluster.until('applied', () => stateOf(cluster, 'backup').includes('a'), 2);
  });

  test('of main: the change is refused, the backup leads, and main comes back by itself', () => {
    const cluster = started();
    const answers = ['a', 'b', 'c'].map((text) => cluster.propose('main', text));
    cluster.disk('main').ledger.full = true;
    cluster.until('all are answered', () => answers.every(({ result }) => result !== null));
    for (const { result } of answers) if (result?.ok === false) assert.ok(['disk-full', 'indeterminate'].includes(result.error.code));
    cluster.until('the backup leads', () => cluster.isPrimary('backup'), 5);
    latencyMs(cluster, 'backup', 'd');
    cluster.disk('main').ledger.full = false;
    cluster.until('in sync', () => cluster.isPrimary('backup', 'SYNC'), 15);
    cluster.until('the same', () => stateOf(cluster, 'main').join() === stateOf(cluster, 'backup').join());
    assert.notEqual(cluster.replica('main').status().role, 'halted');
  });

  test('of main’s voter, while it would go on alone: changes wait, and go on when there is room', () => {
    const cluster = started();
    cluster.disk('main').full = true;
    cluster.kill('backup');
    const answer = cluster.propose('main', 'a');
    cluster.run(5);
    assert.equal(answer.result, null);
    cluster.disk('main').full = false;
    cluster.until('done', () => answer.result !== null, 1);
    assert.equal(durabilityOf(answer), 'local');
  });

  test('of the backup’s voter: it cannot stand, and does when there is room', () => {
    const cluster = started();
    latencyMs(cluster, 'main', 'a');
    cluster.disk('backup').full = true;
    cluster.kill('main');
    cluster.run(5);
    assert.notEqual(cluster.replica('backup').status().role, 'halted');
    assert.equal(cluster.isPrimary('backup'), false);
    cluster.disk('backup').full = false;
    cluster.until('the backup leads', () => cluster.isPrimary('backup'), 5);
    latencyMs(cluster, 'backup', 'b');
  });

  test('of both, then of one: whoever has room leads', () => {
    const cluster = started();
    latencyMs(cluster, 'main', 'a');
    for (const name of ['main', 'backup']) {
      cluster.disk(name).ledger.full = true;
      cluster.disk(name).full = true;
    }
    const refused = cluster.propose('main', 'b');
    cluster.until('refused', () => refused.result !== null);
    assert.equal(refused.result?.ok, false);
    cluster.run(20);
    cluster.disk('backup').ledger.full = false;
    cluster.disk('backup').full = false;
    cluster.until('the backup leads', () => cluster.isPrimary('backup'), 30);
    latencyMs(cluster, 'backup', 'c');
  });

  test('while a snapshot arrives: it begins anew until there is room', () => {
    const cluster = started({ limits: { logEntriesKept: 5, recentBytesMax: 500, snapshotChunkBytes: 64 } });
    cluster.kill('backup');
    for (let i = 0; i < 40; i++) latencyMs(cluster, 'main', `v${i}`);
    let chunks = 0;
    cluster.onSend = (_from, _to, frame) => {
      if (frame.kind === 'snapshotAck' && ++chunks === 3) cluster.disk('backup').ledger.full = true;
    };
    cluster.start('backup');
    cluster.until('it has begun', () => chunks >= 3);
    cluster.run(5);
    assert.equal(stateOf(cluster, 'backup').length, 0);
    assert.equal(cluster.replica('backup').status().role, 'follower');
    cluster.disk('backup').ledger.full = false;
    cluster.until('in sync', () => cluster.isPrimary('main', 'SYNC'), 10);
    cluster.until('the same', () => stateOf(cluster, 'backup').length === 40);
  });
});
