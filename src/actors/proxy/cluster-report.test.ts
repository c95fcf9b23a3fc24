/** `cluster`: what a proxy tells its members of trackers and voters, by itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestProcess } from '../../links/net.test-kit.ts';
import { giveOrder } from '../../links/operator.ts';
import type { ClusterReport, ServerReport } from '../../protocol/control/messages.ts';
import type { Failure, Result } from '../../protocol/result.ts';
import { type FakeMember, testCluster, type TestCluster } from './cluster.test-kit.ts';

const report = (name: string, role: ServerReport['role']): ServerReport => ({
  name,
  role,
  mode: 'SYNC',
  epoch: 1,
  generation: 0,
  primary: 'main',
  waitsFor: null,
  lastSeq: role === 'primary' ? 40 : 38,
  commitSeq: 38,
  appliedSeq: 38,
  followers: [],
  voters: ['main', 'backup', 'proxy-1'].map((voter) => ({ name: voter, reachable: true })),
  lastFailover: null,
  draining: false,
  software: 'test',
  swarm: { phase: 'warm', nodes: 3, swarms: 1 },
  proxies: ['proxy-1'],
  requestsUnderWay: 0,
});

let n = 100;
const ask = ({ net }: TestCluster, node: FakeMember): ClusterReport => {
  const asked = ++n;
  node.ask(asked, { op: 'cluster' });
  net.until(() => node.replies(asked).length === 1);
  const [reply] = node.replies(asked);
  assert.ok(reply?.body.ok);
  return reply.body.value as ClusterReport;
};

const withReports = (): TestCluster => {
  const cluster = testCluster();
  cluster.main.report = report('main', 'primary');
  cluster.backup.report = report('backup', 'follower');
  cluster.net.run(2);
  return cluster;
};

test('a member is told who leads, how far the other lags and who answers, and no replica is asked for it', () => {
  const cluster = withReports();
  const found = ask(cluster, cluster.member('node-1'));
  assert.deepEqual([found.primary, found.mode, found.epoch], ['main', 'SYNC', 1]);
  assert.deepEqual(
    found.replicas.map(({ name, lagEntries }) => [name, lagEntries]),
    [
      ['main', 0],
      ['backup', 2],
    ],
  );
  assert.deepEqual(found.proxy, { name: 'proxy-1', state: 'routed' });
  assert.deepEqual([...cluster.main.requests, ...cluster.backup.requests], []);
});

test('a replica that is gone is a row that says why; the proxy answers where neither is there', () => {
  const cluster = withReports();
  const node = cluster.member('node-1');
  cluster.main.process.kill();
  cluster.net.run(1);
  const one = ask(cluster, node);
  assert.equal(one.primary, null);
  assert.equal(one.replicas[0]?.report, null);
  assert.match(one.replicas[0]?.reason ?? '', /refused|reset/u);
  assert.equal(one.replicas[1]?.report?.name, 'backup');
  cluster.backup.process.kill();
  cluster.net.run(6);
  const none = ask(cluster, node);
  assert.deepEqual(
    none.replicas.map(({ report: told }) => told),
    [null, null],
  );
  assert.equal(none.proxy?.state, 'unavailable');
});

test('what a silent replica said is not told as if it were so now', () => {
  const cluster = withReports();
  const node = cluster.member('node-1');
  cluster.main.status = null;
  cluster.net.run(4);
  const found = ask(cluster, node);
  assert.equal(found.replicas[0]?.report, null);
  assert.match(found.replicas[0]?.reason ?? '', /nothing heard for \d+ s/u);
});

test('who leads is as new as the last status, not as the last report', () => {
  const cluster = withReports();
  const node = cluster.member('node-1');
  cluster.main.process.kill();
  cluster.backup.report = null;
  cluster.backup.says('primary', 2, 'backup');
  cluster.net.run(0.2);
  const found = ask(cluster, node);
  assert.deepEqual([found.primary, found.epoch], ['backup', 2]);
});

test('a proxy takes no orders: an operator link to it is refused, whoever has the key of members', () => {
  const cluster = withReports();
  const stranger = cluster.net.process();
  const told: Result<object, Failure<string>>[] = [];
  const identity = { networkId: cluster.network.networkId, name: 'operator', incarnation: 'o', software: 'test' };
  const address = { host: (cluster.proxyProcesses[0] as TestProcess).host, port: 8_000 };
  stranger.do(() =>
    giveOrder(stranger.ports, { replica: 'main', address, identity, answerMaxMs: 1_000 }, { do: 'forcePromote' }, (result) =>
      told.push(result),
    ),
  );
  cluster.net.until(() => told.length === 1);
  assert.ok(told[0]?.ok === false && told[0].error.code === 'unavailable');
  assert.match(told[0].error.message, /no operator links are taken here/u);
});
