import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnnounceFrame, Operation, ReplyBody } from '../../protocol/control/messages.ts';
import { type FakeReplica, testCluster, type TestCluster } from './cluster.test-kit.ts';
import type { Proxy } from './proxy.ts';

const register: Operation = { op: 'register', name: 'an', password: 'secret', code: null };
const need: Operation = { op: 'need', words: '', offset: 0, limit: 10 };
const done: ReplyBody = { ok: true, value: { account: 'an', admin: false } };

const promoteBackup = ({ backup }: TestCluster, epoch = 2): void => backup.says('primary', epoch, 'backup');
const firstProxy = (cluster: TestCluster): Proxy => cluster.proxies[0] as Proxy;
const mute = (replica: FakeReplica): void => {
  replica.answer = () => null;
};

test('a request goes to the primary, stamped with the node behind the link, and its reply comes back', () => {
  const cluster = testCluster();
  cluster.main.answer = () => done;
  const node = cluster.member('node-1');
  node.ask(1, register);
  cluster.net.until(() => node.replies(1).length === 1);
  assert.deepEqual(node.replies(1)[0]?.body, done);
  assert.deepEqual(cluster.main.requests[0]?.frame.from, { node: 'node-1', host: node.process.host });
  assert.equal(cluster.main.requests[0]?.frame.epoch, 1);
  assert.deepEqual(cluster.backup.requests, []);
});

test('a request under way when the primary dies is held and repeated to the next under the same id, and answered once', () => {
  const cluster = testCluster();
  mute(cluster.main);
  cluster.backup.answer = () => done;
  const node = cluster.member('node-1');
  node.ask(1, register);
  cluster.net.until(() => cluster.main.requests.length === 1);
  cluster.main.process.kill();
  cluster.net.until(() => firstProxy(cluster).status().state === 'holding');
  node.ask(2, register);
  cluster.net.run(0.3);
  assert.equal(cluster.backup.requests.length, 0, 'nothing is asked of a follower');
  promoteBackup(cluster);
  cluster.net.until(() => node.replies(1).length === 1 && node.replies(2).length === 1);
  assert.deepEqual(
    cluster.backup.requests.map(({ frame }) => [frame.requestId.n, frame.epoch]),
    [
      [1, 2],
      [2, 2],
    ],
  );
  cluster.net.run(12);
  assert.deepEqual([node.replies(1).length, node.replies(2).length], [1, 1]);
});

test('the late reply of a deposed primary reaches nobody (R12)', () => {
  const cluster = testCluster();
  mute(cluster.main);
  mute(cluster.backup);
  const node = cluster.member('node-1');
  node.ask(1, register);
  cluster.net.until(() => cluster.main.requests.length === 1);
  promoteBackup(cluster);
  cluster.net.until(() => cluster.backup.requests.length === 1);
  const asked = cluster.main.requests[0];
  cluster.main.process.do(() => asked?.reply(cluster.main.replyTo(asked.frame, { ok: false, code: 'name-taken', message: 'old' })));
  cluster.net.run(1);
  assert.equal(node.replies(1).length, 0);
  const again = cluster.backup.requests[0];
  cluster.backup.process.do(() => again?.reply(cluster.backup.replyTo(again.frame, done)));
  cluster.net.until(() => node.replies(1).length === 1);
  assert.deepEqual(node.replies(1)[0]?.body, done);
});

test('not-primary and indeterminate are not the end: the request is asked again', () => {
  const cluster = testCluster();
  const answers: ReplyBody[] = [{ ok: false, code: 'not-primary', message: '' }, { ok: false, code: 'indeterminate', message: '' }, done];
  cluster.main.answer = () => answers.shift() ?? null;
  const node = cluster.member('node-1');
  node.ask(1, register);
  cluster.net.until(() => node.replies(1).length === 1);
  assert.deepEqual(node.replies(1)[0]?.body, done);
  assert.equal(new Set(cluster.main.requests.map(({ frame }) => frame.requestId.n)).size, 1);
});

test('when its time is up, a write that was sent is indeterminate, one that never was is unavailable', () => {
  const cluster = testCluster();
  mute(cluster.main);
  const node = cluster.member('node-1');
  node.ask(1, register, 5_000);
  cluster.net.until(() => cluster.main.requests.length === 1);
  cluster.main.process.kill();
  cluster.net.until(() => firstProxy(cluster).status().state === 'holding');
  node.ask(2, register, 3_000);
  node.ask(3, register, 600_000);
  cluster.net.until(() => node.replies(1).length === 1 && node.replies(2).length === 1 && node.replies(3).length === 1, 30);
  const codes = [1, 2, 3].map((n) => {
    const body = node.replies(n)[0]?.body;
    return body?.ok === false ? body.code : null;
  });
  assert.deepEqual(codes, ['indeterminate', 'unavailable', 'unavailable']);
  assert.equal(firstProxy(cluster).status().requestsUnderWay, 0);
});

test('without a primary soft reads go to the backup, after which a write still waits', () => {
  const cluster = testCluster();
  cluster.backup.answer = () => ({ ok: true, value: { hits: [], total: 0 } });
  const node = cluster.member('node-1');
  cluster.main.process.kill();
  cluster.backup.says('candidate', 9, null);
  cluster.net.until(() => firstProxy(cluster).status().state === 'holding');
  node.ask(1, need);
  node.ask(2, register);
  cluster.net.until(() => node.replies(1).length === 1);
  assert.equal(firstProxy(cluster).status().state, 'softOnly');
  assert.deepEqual(cluster.backup.operations(), ['need']);
  assert.equal(firstProxy(cluster).status().epoch, 1, 'a candidacy raises no epoch');
  promoteBackup(cluster, 9);
  cluster.net.until(() => node.replies(2).length === 1);
  assert.deepEqual(cluster.backup.operations(), ['need', 'register']);
});

test('a backup that may not lead answers all but changes, with what it has; changes are refused with what to do', () => {
  const cluster = testCluster();
  const node = cluster.member('node-1');
  const content = 'aa'.repeat(32);
  cluster.main.seq = 41;
  for (const [n, operation] of [register, enter].entries()) {
    node.ask(n + 1, operation);
    cluster.net.until(() => node.replies(n + 1).length === 1);
  }
  node.says(announce('node-1', 1, content));
  cluster.net.until(() => cluster.main.announces.length === 1);
  cluster.main.process.kill();
  cluster.backup.says('follower', 5, null, 'main');
  cluster.net.until(() => firstProxy(cluster).status().state === 'softOnly');
  node.ask(3, need);
  node.ask(4, { op: 'whoami' });
  node.ask(5, { op: 'alive', node: 'node-1', incarnation: 'i', uploadedBytes: 0 });
  node.ask(6, register);
  node.says(announce('node-1', 2, content));
  cluster.net.until(() => [3, 4, 5, 6].every((n) => node.replies(n).length === 1), 1);
  const refused = node.replies(6)[0]?.body;
  assert.ok(refused?.ok === false && refused.code === 'unavailable');
  assert.equal(refused.message, 'Nothing was changed: backup waits for main, which may hold newer changes; start main.');
  assert.deepEqual(cluster.backup.operations().toSorted(), ['alive', 'enter', 'need', 'whoami']);
  for (const { frame } of cluster.backup.requests) assert.deepEqual([frame.minSeq, frame.epoch], [0, 0]);
  assert.ok(cluster.backup.announces.some(({ frame }) => frame.sequence === 2));
  const { primary, reader, waitsFor } = node.routes().at(-1) ?? {};
  assert.deepEqual([primary, reader, waitsFor], [null, 'backup', 'main']);
});

test('a change that the lost primary may have made is not called unmade', () => {
  const cluster = testCluster();
  mute(cluster.main);
  const node = cluster.member('node-1');
  node.ask(1, register, 6_000);
  cluster.net.until(() => cluster.main.requests.length === 1);
  cluster.main.process.kill();
  cluster.backup.says('follower', 5, null, 'main');
  cluster.net.until(() => node.replies(1).length === 1);
  const body = node.replies(1)[0]?.body;
  assert.equal(body?.ok === false && body.code, 'indeterminate');
});

test('with neither tracker nor backup a request is refused at once, with the reason', () => {
  const cluster = testCluster();
  const node = cluster.member('node-1');
  cluster.main.process.kill();
  cluster.backup.process.kill();
  cluster.net.until(() => firstProxy(cluster).status().state === 'unavailable');
  node.ask(1, need);
  const before = cluster.net.now;
  cluster.net.until(() => node.replies(1).length === 1);
  assert.ok(cluster.net.now - before < 100_000);
  const body = node.replies(1)[0]?.body;
  assert.ok(body?.ok === false && body.code === 'unavailable' && /neither tracker nor backup/u.test(body.message));
});

test('a primary whose machine vanished is given up without a word from it', () => {
  const cluster = testCluster();
  cluster.main.process.vanished = true;
  cluster.net.until(() => firstProxy(cluster).status().state === 'suspect');
  cluster.net.until(() => firstProxy(cluster).status().state === 'holding');
});

test('every member is told of a new primary, once, with the time to spread over', () => {
  const cluster = testCluster();
  const nodes = [cluster.member('node-1'), cluster.member('node-2')];
  assert.deepEqual(nodes[0]?.routes().at(-1), { kind: 'route', epoch: 1, primary: 'main', reader: null, waitsFor: null, spreadMs: 2_000 });
  cluster.main.process.kill();
  promoteBackup(cluster);
  cluster.net.until(() => nodes.every((node) => node.routes().at(-1)?.epoch === 2));
  cluster.net.run(3);
  for (const node of nodes) assert.equal(node.routes().filter((route) => route.epoch === 2).length, 1);
});

const announce = (node: string, sequence: number, content: string, event: 'none' | 'stopped' = 'none'): AnnounceFrame => ({
  kind: 'announce',
  node,
  incarnation: 'i',
  sequence,
  items: [{ content, event, leftBytes: 0, uploadedBytes: 1, downloadedBytes: 2, want: 50 }],
});
const enter: Operation = { op: 'enter', node: 'node-1', name: 'first', incarnation: 'i', addresses: [{ host: '10.0.0.9', port: 6_881 }] };

test('a new primary is told who had entered and what they announced, but not what they stopped', () => {
  const cluster = testCluster();
  const node = cluster.member('node-1');
  node.ask(1, enter);
  node.says(announce('node-1', 1, 'aa'.repeat(32)));
  node.says(announce('node-1', 2, 'bb'.repeat(32)));
  node.says(announce('node-1', 3, 'aa'.repeat(32), 'stopped'));
  cluster.net.until(() => cluster.main.announces.length === 3);
  promoteBackup(cluster);
  cluster.net.until(() => cluster.backup.announces.length === 1);
  cluster.net.run(1);
  assert.deepEqual(cluster.backup.operations(), ['enter']);
  assert.deepEqual(cluster.backup.requests[0]?.frame.operation, enter);
  const [told] = cluster.backup.announces;
  assert.deepEqual([told?.frame.sequence, told?.frame.items.map((item) => [item.content, item.want])], [2, [['bb'.repeat(32), 0]]]);
});

test('a node that has gone from this proxy is not spoken for', () => {
  const cluster = testCluster();
  const node = cluster.member('node-1');
  node.ask(1, enter);
  node.says(announce('node-1', 1, 'aa'.repeat(32)));
  cluster.net.until(() => firstProxy(cluster).status().announcesKept === 1);
  node.process.kill();
  cluster.net.until(() => firstProxy(cluster).status().announcesKept === 0);
  promoteBackup(cluster);
  cluster.net.run(1);
  assert.deepEqual(cluster.backup.operations(), []);
});

test('an announce gets its answer back to the node; one in the name of another node ends the link', () => {
  const cluster = testCluster();
  const node = cluster.member('node-1');
  node.says(announce('node-1', 1, 'aa'.repeat(32)));
  cluster.net.until(() => cluster.main.announces.length === 1);
  cluster.main.process.do(() =>
    cluster.main.announces[0]?.reply({
      kind: 'announced',
      node: 'node-1',
      sequence: 1,
      intervalSeconds: 60,
      warming: false,
      unknownNode: false,
      items: [],
    }),
  );
  cluster.net.until(() => node.frames.some((frame) => frame.kind === 'announced'));
  node.says(announce('node-2', 1, 'aa'.repeat(32)));
  cluster.net.until(() => node.reason !== null);
  assert.equal(cluster.main.announces.length, 1);
});

test('a node cannot speak for another', () => {
  const cluster = testCluster();
  const node = cluster.member('node-2');
  node.ask(1, enter);
  cluster.net.until(() => node.replies(1).length === 1);
  const body = node.replies(1)[0]?.body;
  assert.ok(body?.ok === false && body.code === 'forbidden');
  assert.equal(cluster.main.requests.length, 0);
});

test('who asks too much is told to slow down, and is served again later', () => {
  const cluster = testCluster({ limits: { linkRequestsPerSecond: 1, linkBurst: 2 } });
  const node = cluster.member('node-1');
  for (let n = 1; n <= 3; n++) node.ask(n, { op: 'nodes', offset: 0, limit: 100 });
  cluster.net.until(() => node.replies(3).length === 1);
  const body = node.replies(3)[0]?.body;
  assert.ok(body?.ok === false && body.code === 'busy' && (body.retryAfterMs ?? 0) > 500);
  cluster.net.run(2);
  node.ask(4, { op: 'nodes', offset: 0, limit: 100 });
  cluster.net.until(() => node.replies(4).length === 1);
  assert.equal(node.replies(4)[0]?.body.ok, true);
});

test('beyond the most requests under way the proxy says busy', () => {
  const cluster = testCluster({ requestsMax: 2 });
  mute(cluster.main);
  const node = cluster.member('node-1');
  for (let n = 1; n <= 3; n++) node.ask(n, register);
  cluster.net.until(() => node.replies(3).length === 1);
  const body = node.replies(3)[0]?.body;
  assert.ok(body?.ok === false && body.code === 'busy');
});

test('a node that reconnects and repeats its request gets the answer on the new link', () => {
  const cluster = testCluster();
  mute(cluster.main);
  const before = cluster.member('node-1');
  before.ask(1, register);
  cluster.net.until(() => cluster.main.requests.length === 1);
  before.process.kill();
  const after = cluster.member('node-1');
  after.ask(1, register);
  cluster.net.run(0.1);
  assert.equal(cluster.main.requests.length, 1);
  const asked = cluster.main.requests[0];
  cluster.main.process.do(() => asked?.reply(cluster.main.replyTo(asked.frame, done)));
  cluster.net.until(() => after.replies(1).length === 1);
});

test('reads of a session see its own writes, also at another replica', () => {
  const cluster = testCluster();
  cluster.main.seq = 41;
  cluster.main.answer = () => done;
  const node = cluster.member('node-1');
  node.ask(1, register);
  cluster.net.until(() => node.replies(1).length === 1);
  promoteBackup(cluster);
  node.ask(2, need);
  cluster.net.until(() => node.replies(2).length === 1);
  assert.equal([...cluster.main.requests, ...cluster.backup.requests].at(-1)?.frame.minSeq, 41);
});

test('a node behind the same proxy is pinged there; for the others the tracker asks their proxies', () => {
  const cluster = testCluster({ proxies: 2 });
  const here = cluster.member('node-1');
  cluster.member('node-2');
  cluster.member('node-3', 1);
  here.ask(1, { op: 'ping', node: 'node-2' });
  cluster.net.until(() => here.replies(1).length === 1);
  const body = here.replies(1)[0]?.body;
  assert.ok(body?.ok === true && 'roundTripMicros' in body.value && Number(body.value.roundTripMicros) > 0);
  assert.equal(cluster.main.requests.length, 0);
  const answers: unknown[] = [];
  cluster.main.process.do(() => cluster.main.links.pingNode('node-3', (result) => answers.push(result)));
  cluster.main.process.do(() => cluster.main.links.pingNode('node-9', (result) => answers.push(result)));
  cluster.net.until(() => answers.length === 2);
  const flat = JSON.stringify(answers);
  assert.match(flat, /roundTripMicros/u);
  assert.match(flat, /no proxy has such a node/u);
});

test('votes reach the witness in the proxy and its answers reach the replica', () => {
  const cluster = testCluster();
  const proxy = firstProxy(cluster);
  const got: string[] = [];
  proxy.attachVoter({
    receive: (from, frame) => {
      got.push(`${frame.kind} of ${from}`);
      proxy.send(from, { kind: 'promise', epoch: 5, accepted: { e: 0, v: 0, primary: null, isr: ['main', 'backup'] } });
    },
    peerUp() {},
    peerDown() {},
  });
  cluster.backup.process.do(() =>
    assert.equal(cluster.backup.links.send('proxy-1', { kind: 'vote', handOver: false, epoch: 5, candidate: 'backup' }), true),
  );
  cluster.net.until(() => cluster.backup.received.length === 1);
  assert.deepEqual(got, ['vote of backup']);
  assert.deepEqual([cluster.backup.received[0]?.from, cluster.backup.received[0]?.frame.kind], ['proxy-1', 'promise']);
});

test('the backup dials the main; they exchange votes and log, and see each other leave', () => {
  const cluster = testCluster();
  assert.ok(cluster.main.peers.has('backup') && cluster.backup.peers.has('main'));
  cluster.main.process.do(() => void cluster.main.links.send('backup', { kind: 'appendAck', epoch: 1, durableSeq: 2, appliedSeq: 1 }));
  cluster.net.until(() => cluster.backup.received.length === 1);
  assert.equal(cluster.backup.received[0]?.from, 'main');
  cluster.main.process.kill();
  cluster.net.until(() => !cluster.backup.peers.has('main'));
});
