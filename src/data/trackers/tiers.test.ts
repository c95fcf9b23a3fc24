import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Behaviour, type FakeTracker, hashOf, TestNet } from './fake-tracker.test-kit.ts';

const silent: Behaviour = { kind: 'silent' };
const broken: Behaviour = { kind: 'raw', bytes: 'nonsense' };

/** Trackers t1.test to tN.test that all behave like this. */
const several = (net: TestNet, count: number, behave: (place: number) => Behaviour): FakeTracker[] =>
  Array.from({ length: count }, (_, place) => net.tracker(`10.0.9.${place + 1}`, () => behave(place)));

const url = (place: number): string => `http://t${place + 1}.test/announce`;

describe('tiers of a public torrent', () => {
  it('each have one tracker in use; the others of the tier are in reserve', () => {
    const net = new TestNet();
    const trackers = several(net, 4, () => ({ intervalSeconds: 100 }));
    net.node().follow([
      [url(0), url(1)],
      [url(2), url(3)],
    ]);
    net.runFor(1_000);
    const used = trackers.map(({ heard }) => heard.length);
    assert.ok((used[0] === 0) !== (used[1] === 0) && (used[2] === 0) !== (used[3] === 0), `${used}`);
    assert.ok(Math.max(...used) >= 9);
  });

  it('are shuffled within, so that not all clients use one tracker', () => {
    const net = new TestNet();
    const trackers = several(net, 2, () => ({}));
    const node = net.node();
    for (let torrent = 0; torrent < 40; torrent++) node.follow([[url(0), url(1)]]);
    net.runFor(60);
    for (const { heard } of trackers) assert.ok(heard.length >= 8, `${heard.length} of 40`);
  });

  it('go on to the next tracker at once where one fails, and stay with the one that answered', () => {
    const net = new TestNet();
    const trackers = several(net, 2, (place) => (place === 0 ? broken : { intervalSeconds: 100 }));
    const node = net.node();
    node.follow([[url(0), url(1)]]);
    net.runFor(2);
    assert.equal(trackers[1]?.heard.length, 1);
    net.runFor(1_000);
    assert.ok((trackers[0]?.heard.length ?? 0) <= 1, 'the one that failed is not asked again while the other answers');
    assert.ok((trackers[1]?.heard.length ?? 0) >= 9);
  });

  it('do not wait for a tracker that says nothing, nor for a dead tier', () => {
    const net = new TestNet();
    const [mute, good, other] = several(net, 3, (place) => (place === 0 ? silent : {})) as [FakeTracker, FakeTracker, FakeTracker];
    const node = net.node();
    // Whichever comes first: with the mute one first it takes as long as patience lasts.
    for (let torrent = 0; torrent < 6; torrent++) node.follow([[url(0), url(1)], [url(2)]]);
    net.runFor(2);
    assert.equal(other.heard.length, 6);
    assert.ok(mute.heard.length > 0 && good.heard.length === 6 - mute.heard.length);
    net.runFor(15);
    assert.equal(good.heard.length, 6);
    net.runFor(60);
    assert.equal(good.heard.length, 6, 'each has its answer');
  });

  it('ask no other tracker while the one that works is slow with the second hash of a hybrid', () => {
    const net = new TestNet();
    let asked = 0;
    const trackers = several(net, 2, () => (++asked === 1 ? {} : silent)) as [FakeTracker, FakeTracker];
    net.node().follow([[url(0), url(1)]], { wireHashes: [hashOf(1), hashOf(2)] });
    net.runFor(60);
    assert.deepEqual(trackers.map(({ heard }) => heard.length).toSorted(), [0, 2]);
  });

  it('take another tracker when the one in use dies', () => {
    const net = new TestNet();
    let dead = -1;
    const trackers = several(net, 2, (place) => (place === dead ? broken : { intervalSeconds: 60 })) as [FakeTracker, FakeTracker];
    const { follower } = net.node().follow([[url(0), url(1)]]);
    net.runFor(10);
    const first = trackers[0].heard.length > 0 ? 0 : 1;
    dead = first;
    net.runFor(70);
    assert.equal(trackers[1 - first]?.heard.at(-1)?.request.event, 'started');
    const working = follower.status().filter(({ state }) => state === 'working');
    assert.deepEqual(
      working.map(({ url: shown }) => shown),
      [url(1 - first)],
    );
  });
});

describe('trackers of a private torrent', () => {
  it('are used one at a time, the next only when one has failed, and the switch is told', () => {
    const net = new TestNet();
    const state: ('good' | 'bad')[] = ['good', 'good', 'good'];
    const trackers = several(net, 3, (place) => (state[place] === 'bad' ? broken : { intervalSeconds: 100 })) as [
      FakeTracker,
      FakeTracker,
      FakeTracker,
    ];
    const followed = net.node().follow([[url(0)], [url(1)], [url(2)]], { private: true });
    const counts = (): number[] => trackers.map(({ heard }) => heard.length);
    net.runFor(50);
    assert.deepEqual(counts(), [1, 0, 0]);
    state[0] = 'bad';
    net.runFor(100);
    assert.deepEqual([counts(), followed.switched], [[2, 1, 0], 1]);
    state[0] = 'good';
    net.runFor(1_000);
    assert.deepEqual([trackers[0].heard.length, followed.switched], [2, 1], 'it stays with the one that works');
    state[1] = 'bad';
    net.runFor(120);
    assert.ok(trackers[0].heard.length >= 3);
    assert.deepEqual([trackers[2].heard.length, followed.switched], [0, 2], 'then by the order of tiers');
  });

  it('are told apart before the peers of the new one come', () => {
    const net = new TestNet();
    let first = true;
    const peers = [{ host: '10.0.0.7', port: 5, peerId: null }];
    several(net, 2, (place) => (place === 0 && !first ? broken : { intervalSeconds: 60, peers }));
    const told: string[] = [];
    net.node().follow([[url(0)], [url(1)]], { private: true, peers: () => told.push('peers'), switched: () => told.push('switched') });
    net.runFor(1);
    first = false;
    net.runFor(70);
    assert.deepEqual(told.slice(0, 3), ['peers', 'switched', 'peers']);
  });

  it('are not hurried by silence: two never know of the node at once', () => {
    const net = new TestNet();
    const trackers = several(net, 2, (place) => (place === 0 ? silent : {})) as [FakeTracker, FakeTracker];
    net.node().follow([[url(0)], [url(1)]], { private: true });
    net.runFor(29);
    assert.deepEqual(
      trackers.map(({ heard }) => heard.length),
      [1, 0],
    );
    net.runFor(3);
    assert.deepEqual(
      trackers.map(({ heard }) => heard.length),
      [1, 1],
    );
  });
});
