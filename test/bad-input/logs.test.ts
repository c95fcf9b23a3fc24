/** What the logs of a network say of its requests, and what they must not say. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cluster } from '../../simulations/cluster.ts';
import type { LogLine } from '../../simulations/world/log.ts';
import { logged, password, refusal, startNetwork } from './kit.ts';

const answered = (cluster: Cluster, operation: string): LogLine => {
  const line = logged(cluster, 'proxy1', 'request answered').findLast(({ fields }) => fields['operation'] === operation);
  assert.ok(line !== undefined, `the proxy says nothing of ${operation}`);
  return line;
};

const find = (cluster: Cluster, process: string, message: string, requestId: unknown): LogLine | undefined =>
  logged(cluster, process, message).find(({ fields }) => fields['requestId'] === requestId);

test('a request has one id in the logs of proxy, tracker and backup, with what was asked and what came of it', () => {
  const cluster = startNetwork({ nodes: 1 });
  cluster.ask('node1', 'register', { name: 'anna', password, code: null });
  const { level, fields } = answered(cluster, 'register');
  assert.equal(level, 'info');
  assert.match(String(fields['requestId']), /^[0-9a-f]{32}:\d+$/u);
  assert.equal(fields['outcome'], 'ok');
  const { requestId } = fields;
  const served = find(cluster, 'tracker', 'request served', requestId);
  assert.deepEqual(
    [served?.level, served?.fields['operation'], served?.fields['outcome'], served?.fields['durability']],
    ['info', 'register', 'ok', 'replicated'],
  );
  const main = find(cluster, 'tracker', 'change applied', requestId);
  cluster.until('the backup has applied it', () => find(cluster, 'backup', 'change applied', requestId) !== undefined);
  const backup = find(cluster, 'backup', 'change applied', requestId);
  assert.deepEqual([main?.level, backup?.level], ['info', 'info']);
  assert.deepEqual([backup?.fields['seq'], backup?.fields['outcome']], [main?.fields['seq'], 'ok']);
  assert.equal(served?.fields['seq'], main?.fields['seq']);

  assert.equal(refusal(cluster, 'node1', 'register', { name: 'ANNA', password, code: null }).code, 'name-taken');
  const refused = answered(cluster, 'register');
  assert.deepEqual([refused.level, refused.fields['outcome']], ['info', 'name-taken']);
  assert.equal(find(cluster, 'tracker', 'request served', refused.fields['requestId'])?.fields['outcome'], 'name-taken');
  assert.equal(find(cluster, 'backup', 'change applied', refused.fields['requestId']), undefined, 'nothing was changed');

  cluster.ask('node1', 'login', { name: 'anna', password });
  cluster.ask('node1', 'search', { words: 'secret words', offset: 0, limit: 10 });
  const read = answered(cluster, 'need');
  assert.equal(read.level, 'debug');
  assert.equal(find(cluster, 'tracker', 'request served', read.fields['requestId'])?.level, 'debug');
});

test('a request that a failover interrupts keeps its id: the backup does and logs it', () => {
  const cluster = startNetwork({ nodes: 1 });
  cluster.ask('node1', 'register', { name: 'anna', password, code: null });
  cluster.kill('tracker');
  cluster.ask('node1', 'register', { name: 'binh', password, code: null });
  const { fields } = answered(cluster, 'register');
  assert.equal(fields['outcome'], 'ok');
  assert.equal(find(cluster, 'backup', 'request served', fields['requestId'])?.fields['outcome'], 'ok');
  assert.ok(find(cluster, 'backup', 'change applied', fields['requestId']));
});

test('no password, token, code or key is in any line of any process, at any level, even before redaction', () => {
  const adminCode = 'A1B2-C3D4-E5F6';
  const cluster = startNetwork({ nodes: 2, registration: 'invite', adminCode });
  const seen: string[] = [];
  const text = (value: unknown): string =>
    JSON.stringify(value, (_key, inner: unknown) => (ArrayBuffer.isView(inner) ? Buffer.from(inner.buffer).toString('hex') : inner));
  for (const line of cluster.world.log.lines()) seen.push(text(line));
  cluster.world.observe({ logged: (line) => void seen.push(text(line)) });
  const [first, second, wrong, reset] = [
    'first horse battery',
    'second horse battery',
    'wrong horse battery',
    'reset horse battery',
  ] as const;
  refusal(cluster, 'node1', 'register', { name: 'anna', password: first, code: null });
  cluster.ask('node1', 'register', { name: 'anna', password: first, code: adminCode });
  refusal(cluster, 'node1', 'login', { name: 'anna', password: wrong });
  cluster.ask('node1', 'login', { name: 'anna', password: first });
  const { code } = cluster.ask('node1', 'invite', { admin: false });
  cluster.ask('node2', 'register', { name: 'binh', password: first, code });
  cluster.ask('node1', 'passwd', { oldPassword: first, newPassword: second });
  cluster.ask('node1', 'account.reset', { name: 'binh', newPassword: reset });
  cluster.kill('tracker');
  cluster.ask('node2', 'login', { name: 'binh', password: reset });
  cluster.start('tracker');
  cluster.ask('node1', 'logout', {});
  cluster.kill('node2');
  cluster.start('node2');
  const tokens = ['node1', 'node2'].flatMap((node) => {
    const kept = cluster.world.process(node).disk.readFile(`/${node}/data/session.json`, 4_096);
    return kept.ok ? [(JSON.parse(Buffer.from(kept.value).toString()) as { token: string }).token] : [];
  });
  assert.equal(tokens.length, 1, 'node2 is signed in');
  assert.ok(seen.length > 50);
  const keys = [cluster.secrets.networkKey.key, cluster.secrets.clusterKey?.key, cluster.secrets.tokenKey].map((key) =>
    Buffer.from(key ?? []).toString('hex'),
  );
  for (const secret of [first, second, wrong, reset, adminCode, code, ...tokens, ...keys]) {
    assert.ok(secret.length > 8);
    const [told] = seen.filter((line) => line.includes(secret));
    assert.equal(told, undefined);
  }
});
