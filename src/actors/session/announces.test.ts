import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnnouncedPeer } from '../../protocol/control/messages.ts';
import type { TestCluster } from '../proxy/cluster.test-kit.ts';
import { CONTENT, follower, nodeIn, served, signIn, tracker } from './node.test-kit.ts';

const answerAnnounces = (cluster: TestCluster, replica: 'main' | 'backup', unknownNode = false): void => {
  const { announces, process } = cluster[replica];
  for (const { frame, reply } of announces.splice(0)) {
    const peers = ['node-1', 'node-2'].map((node) => ({ node, host: '10.9.9.9', port: 6_881, seeder: true }));
    const items = unknownNode ? [] : frame.items.map(({ content }) => ({ content, seeders: 2, leechers: 0, peers }));
    process.do(() =>
      reply({ kind: 'announced', node: frame.node, sequence: frame.sequence, intervalSeconds: 30, warming: false, unknownNode, items }),
    );
  }
};

test('a followed content is announced at once, at the interval, and its peers are handed on without this node', () => {
  const cluster = served();
  const node = nodeIn(cluster);
  signIn(cluster, node);
  const peers: AnnouncedPeer[] = [];
  node.process.do(() => node.session.follow(CONTENT, follower(peers)));
  cluster.net.until(() => cluster.main.announces.length === 1, 1);
  assert.deepEqual(cluster.main.announces[0]?.frame.items, [
    { content: CONTENT, event: 'started', leftBytes: 1, uploadedBytes: 2, downloadedBytes: 3, want: 50 },
  ]);
  answerAnnounces(cluster, 'main');
  cluster.net.until(() => peers.length > 0);
  assert.deepEqual(
    peers.map((peer) => peer.node),
    ['node-2'],
  );
  cluster.net.run(25);
  assert.equal(cluster.main.announces.length, 0);
  cluster.net.until(() => cluster.main.announces.length === 1, 10);
  assert.equal(cluster.main.announces[0]?.frame.items[0]?.event, 'none');
  answerAnnounces(cluster, 'main');
  cluster.net.run(0.1);
  node.process.do(() => node.session.announceNow(CONTENT, 'completed'));
  cluster.net.until(() => cluster.main.announces.length === 1, 1);
  assert.equal(cluster.main.announces[0]?.frame.items[0]?.event, 'completed');
  node.process.do(() => node.session.unfollow(CONTENT));
  cluster.net.until(() => cluster.main.announces.length === 2, 1);
  assert.equal(cluster.main.announces[1]?.frame.items[0]?.event, 'stopped');
});

test('many contents are announced in batches of 64', () => {
  const cluster = served();
  const node = nodeIn(cluster);
  signIn(cluster, node);
  node.process.do(() => {
    for (let i = 0; i < 150; i++) node.session.follow(i.toString(16).padStart(64, '0'), follower());
  });
  cluster.net.until(() => cluster.main.announces.length === 3, 2);
  assert.deepEqual(
    cluster.main.announces.map(({ frame }) => frame.items.length),
    [64, 64, 22],
  );
});

test('after a failover the node enters and announces at the new primary within two seconds', () => {
  const cluster = served();
  const node = nodeIn(cluster);
  signIn(cluster, node);
  node.process.do(() => node.session.follow(CONTENT, follower()));
  cluster.net.until(() => cluster.main.announces.length === 1);
  answerAnnounces(cluster, 'main');
  cluster.net.run(1);
  cluster.main.process.kill();
  cluster.backup.says('primary', 2, 'backup');
  const mine = () => cluster.backup.requests.filter(({ frame }) => frame.operation.op === 'enter' && frame.from?.node === 'node-1');
  const announcedByNode = () => cluster.backup.announces.filter(({ frame }) => frame.items.some((item) => item.want > 0));
  cluster.net.until(() => mine().length >= 2 && announcedByNode().length === 1, 3);
  assert.ok(node.session.state.online);
  assert.equal(node.session.status().primary, 'backup');
});

test('the answer to what a proxy told the new primary does not put off what the node says itself', () => {
  const cluster = served();
  const node = nodeIn(cluster);
  signIn(cluster, node);
  const peers: AnnouncedPeer[] = [];
  node.process.do(() => node.session.follow(CONTENT, follower(peers)));
  cluster.net.until(() => cluster.main.announces.length === 1);
  answerAnnounces(cluster, 'main');
  cluster.net.run(1);
  cluster.main.process.kill();
  cluster.backup.says('primary', 2, 'backup');
  const entered = () => cluster.backup.requests.filter(({ frame }) => frame.operation.op === 'enter' && frame.requestId.n > 2).length > 0;
  cluster.net.until(entered, 3);
  cluster.net.run(0.002);
  answerAnnounces(cluster, 'backup');
  cluster.net.until(() => cluster.backup.announces.some(({ frame }) => frame.items[0]?.want === 50), 1);
});

test('a tracker that does not know the node (any more) makes it enter and announce again', () => {
  const cluster = served();
  const node = nodeIn(cluster);
  signIn(cluster, node);
  node.process.do(() => node.session.follow(CONTENT, follower()));
  cluster.net.until(() => cluster.main.announces.length === 1);
  const enters = () => cluster.main.operations().filter((op) => op === 'enter').length;
  answerAnnounces(cluster, 'main', true);
  cluster.net.until(() => enters() === 2 && cluster.main.announces.length === 1, 5);
  cluster.main.answer = (frame) => (frame.operation.op === 'alive' ? { ok: false, code: 'not-entered', message: '' } : tracker(frame));
  cluster.net.until(() => enters() === 3, 15);
});

test('a node says that it is alive as often as it was told to', () => {
  const cluster = served();
  const node = nodeIn(cluster);
  signIn(cluster, node);
  cluster.net.run(35);
  const alive = cluster.main.requests.filter(({ frame }) => frame.operation.op === 'alive');
  assert.equal(alive.length, 3);
  assert.ok(alive[0]?.frame.operation.op === 'alive' && alive[0].frame.operation.uploadedBytes === 7);
});

test('at every entry a node hears how many promotions were forced, of a tracker that does not say so none', () => {
  const cluster = served();
  const heard: number[] = [];
  const node = nodeIn(cluster, new Map(), (generation) => void heard.push(generation));
  signIn(cluster, node);
  assert.deepEqual(heard, [0]);
  cluster.main.answer = (frame) =>
    frame.operation.op === 'enter' ? { ok: true, value: { aliveSeconds: 10, removeSeconds: 35, generation: 3 } } : tracker(frame);
  node.process.do(() => node.session.addressesChanged());
  cluster.net.until(() => heard.length === 2, 5);
  assert.deepEqual(heard, [0, 3]);
});
