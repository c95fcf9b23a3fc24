import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { HandedOver, HandOverFailure } from './api.ts';
import type { Result } from '../../protocol/result.ts';
import { Cluster, type ClusterOptions } from './cluster.test-kit.ts';

const started = (options: ClusterOptions = {}): Cluster => {
  const cluster = new Cluster(options);
  cluster.start('main', 'backup', 'proxy');
  cluster.until('main leads, backup in sync', () => cluster.isPrimary('main', 'SYNC'));
  return cluster;
};

const handOver = (cluster: Cluster, name: string) =>
  cluster.ask<HandedOver, HandOverFailure>(name, (replica, done) => replica.handOver('a test', done));

const failureOf = (result: Result<unknown> | null): string => (result === null ? 'none' : result.ok ? 'ok' : result.error.code);

const refused = (cluster: Cluster, name: string): string => {
  const answer = handOver(cluster, name);
  cluster.until('answered', () => answer.result !== null, 2);
  return answer.result?.ok === false ? answer.result.error.code : 'ok';
};

describe('hand-over', () => {
  test('changes that come all the time are held for less than a second, and none is lost, refused or done twice', () => {
    for (let seed = 1; seed <= 15; seed++) {
      const cluster = started({ seed });
      const done: { text: string; at: number; by: string }[] = [];
      let n = 0;
      let asking = true;
      /** As a proxy does: asks the primary, and another one where it says that it is not the primary. */
      const change = (text: string, id: number): void => {
        const by = ['main', 'backup'].find((name) => cluster.isPrimary(name)) ?? null;
        if (by === null) return void pending.push([text, id]);
        const answer = cluster.propose(by, text, { n: id });
        waiting.push({ text, id, by, answer });
      };
      const waiting: { text: string; id: number; by: string; answer: ReturnType<Cluster['propose']> }[] = [];
      let pending: [string, number][] = [];
      const turn = (): void => {
        for (const item of waiting.splice(0)) {
          const { result } = item.answer;
          if (result === null) waiting.push(item);
          else if (result.ok) done.push({ text: item.text, at: cluster.now(), by: item.by });
          else {
            assert.ok(['not-primary', 'indeterminate'].includes(result.error.code), result.error.code);
            pending.push([item.text, item.id]);
          }
        }
        const again = pending;
        pending = [];
        for (const [text, id] of again) change(text, id);
        assert.ok(cluster.now() < 30e6, 'it does not come to an end');
        if (asking) change(`v${++n}`, n);
        cluster.run(0.005);
      };
      for (let i = 0; i < 20; i++) turn();
      const answer = handOver(cluster, 'main');
      const before = cluster.now();
      while (!cluster.isPrimary('backup')) turn();
      assert.ok(cluster.now() - before < 1e6);
      for (let i = 0; i < 50; i++) turn();
      asking = false;
      for (let i = 0; i < 50; i++) turn();
      assert.equal(done.length, n);
      assert.ok(answer.result?.ok, JSON.stringify(answer.result));
      assert.equal(answer.result.value.to, 'backup');
      assert.ok(answer.result.value.heldMs < 1_000);
      assert.equal(answer.result.value.epoch, cluster.replica('backup').status().epoch);
      // The longest time without an acknowledgement, while one was asked for every 5 ms.
      const gaps = done.slice(1).map(({ at }, i) => at - (done[i]?.at ?? 0));
      assert.ok(Math.max(...gaps) < 1e6, `seed ${seed}: held for ${Math.max(...gaps) / 1e3} ms`);
      const { state } = cluster.disk('backup').ledger;
      assert.equal(new Set(state).size, state.length);
      for (const { text } of done) assert.ok(state.includes(text), `seed ${seed} lost ${text}`);
      cluster.until('in sync again', () => cluster.isPrimary('backup', 'SYNC'), 3);
    }
  });

  test('only a primary in sync with a peer that is there hands over, and once at a time', () => {
    const cluster = started();
    assert.equal(refused(cluster, 'backup'), 'not-primary');
    cluster.kill('backup');
    cluster.run(0.01);
    assert.equal(refused(cluster, 'main'), 'no-peer');
    const change = cluster.propose('main', 'a');
    cluster.until('alone', () => cluster.isPrimary('main', 'SOLO') && change.result !== null);
    assert.equal(refused(cluster, 'main'), 'degraded');
    cluster.start('backup');
    cluster.until('in sync', () => cluster.isPrimary('main', 'SYNC'));
    const first = handOver(cluster, 'main');
    const second = handOver(cluster, 'main');
    cluster.until('both are answered', () => first.result !== null && second.result !== null);
    assert.ok(second.result?.ok === false && second.result.error.code === 'busy');
    assert.ok(first.result?.ok);
  });

  test('reads go on while it drains; a change that comes meanwhile is done by the next primary', () => {
    const cluster = started();
    // The backup hears and says nothing: what is under way is not acknowledged.
    cluster.mute('main', 'backup');
    const answer = handOver(cluster, 'main');
    cluster.run(0.02);
    assert.deepEqual(cluster.state('main'), { primary: 'draining' });
    const read = cluster.readIndex('main');
    const held = cluster.propose('main', 'held');
    cluster.until('read', () => read.result !== null, 0.2);
    assert.ok(read.result?.ok);
    cluster.run(0.05);
    assert.equal(held.result, null);
    const appended = cluster.disk('main').ledger.entries.map(({ payload }) => Buffer.from(payload).toString());
    assert.equal(appended.includes('held'), false, 'it is not even appended');
    cluster.heal();
    cluster.until('handed over', () => answer.result !== null, 2);
    assert.ok(answer.result?.ok);
    cluster.until('told to ask elsewhere', () => held.result !== null, 1);
    assert.equal(failureOf(held.result), 'not-primary');
    cluster.until('the backup leads', () => cluster.isPrimary('backup'), 0.2);
  });

  test('a peer that does not take over within a second: the primary goes on, and does what it held', () => {
    const cluster = started();
    const { epoch } = cluster.replica('main').status();
    cluster.mute('main', 'backup');
    const answer = handOver(cluster, 'main');
    const held = cluster.propose('main', 'held');
    const before = cluster.now();
    cluster.until('given up', () => answer.result !== null);
    assert.ok(answer.result?.ok === false && answer.result.error.code === 'timed-out' && /main goes on/u.test(answer.result.error.message));
    assert.ok(cluster.now() - before <= 1.01e6);
    assert.deepEqual(cluster.state('main'), { primary: 'sync' });
    cluster.until('done', () => held.result !== null, 2);
    assert.ok(held.result?.ok);
    assert.equal(cluster.replica('main').status().epoch, epoch);
  });

  test('a peer that dies while it is waited for is given up at once', () => {
    const cluster = started();
    cluster.mute('main', 'backup');
    const answer = handOver(cluster, 'main');
    cluster.run(0.1);
    assert.equal(answer.result, null);
    cluster.kill('backup');
    cluster.until('given up', () => answer.result !== null, 0.05);
    assert.equal(failureOf(answer.result), 'no-peer');
    const change = cluster.propose('main', 'a');
    cluster.until('it goes on', () => change.result !== null, 3);
    assert.ok(change.result?.ok);
  });

  test('a primary that stops or loses its lead on the way says so', () => {
    const cluster = started();
    cluster.mute('main', 'backup');
    const change = cluster.propose('main', 'not yet acknowledged');
    cluster.run(0.02);
    const answer = handOver(cluster, 'main');
    cluster.run(0.05);
    const { epoch } = cluster.replica('main').status();
    cluster.deliver('backup', 'main', { kind: 'propose', configuration: { e: epoch + 5, v: 0, primary: 'backup', isr: ['backup'] } });
    cluster.until('answered', () => answer.result !== null && change.result !== null, 0.1);
    assert.equal(failureOf(answer.result), 'not-primary');
    assert.equal(failureOf(change.result), 'indeterminate');
  });
});
