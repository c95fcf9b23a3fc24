import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PeerId } from '../../protocol/bittorrent/ids.ts';
import { toHex } from '../../protocol/digest.ts';
import { hashOf, ownPeerId, TestNet } from './fake-tracker.test-kit.ts';

const peer = (host: string, port = 6_881, peerId: PeerId | null = null) => ({ host, port, peerId });

describe('a torrent that is announced by HTTP', () => {
  it('says started, then goes by the interval and says what it knows', () => {
    const net = new TestNet();
    const tracker = net.tracker('10.0.9.1', () => ({
      intervalSeconds: 600,
      trackerId: 'abc',
      peers: [peer('10.0.0.7'), peer('2001:db8::9', 5)],
      seeders: 3,
      leechers: 4,
    }));
    const { peers, stats, follower } = net.node().follow([['http://t1.test/k/announce?x=1']]);
    net.runFor(1);
    const [first] = tracker.heard;
    assert.ok(first !== undefined);
    assert.equal(first.path, '/k/announce');
    assert.deepEqual(
      [first.hash, toHex(first.request.peerId), first.request.port, first.request.key, first.request.numwant],
      [toHex(hashOf(1)), toHex(ownPeerId), 6_881, '0badcafe', 50],
    );
    assert.deepEqual([first.request.leftBytes, first.request.uploadedBytes, first.request.downloadedBytes], [100, 1, 2]);
    assert.deepEqual(peers, [[peer('10.0.0.7'), peer('2001:db8::9', 5)]]);
    assert.deepEqual(stats, [{ seeders: 3, leechers: 4, externalIp: null }]);
    assert.deepEqual(follower.swarm, { seeders: 3, leechers: 4 });
    net.runFor(598);
    assert.deepEqual(tracker.events(), ['started']);
    net.runFor(70);
    assert.deepEqual(tracker.events(), ['started', 'none']);
    assert.deepEqual(
      tracker.heard.map(({ request }) => request.trackerId),
      [null, 'abc'],
    );
  });

  it('never hears of itself', () => {
    const net = new TestNet();
    net.tracker('10.0.9.1', () => ({ externalIp: '203.0.113.5', peers: [peer('203.0.113.5'), peer('203.0.113.5', 7_000)] }));
    const { peers } = net.node().follow([['http://t1.test/announce']]);
    net.runFor(1);
    assert.deepEqual(peers, [[peer('203.0.113.5', 7_000)]]);
  });

  it('of a hybrid torrent announces both hashes; the tracker works if it knows one', () => {
    const net = new TestNet();
    const tracker = net.tracker('10.0.9.1', ({ hash }) =>
      hash === toHex(hashOf(2)) ? { kind: 'refusal', reason: 'unregistered' } : { intervalSeconds: 60 },
    );
    const { follower } = net.node().follow([['http://t1.test/announce']], { wireHashes: [hashOf(1), hashOf(2)] });
    net.runFor(1);
    assert.deepEqual(
      tracker.heard.map(({ hash }) => hash),
      [toHex(hashOf(1)), toHex(hashOf(2))],
    );
    const [status] = follower.status();
    assert.deepEqual([status?.state, status?.message], ['working', 'unregistered']);
    net.runFor(70);
    assert.deepEqual(tracker.events(), ['started', 'started', 'none', 'started'], 'the one that was refused begins anew');
  });

  it('tells once that the download is complete, whatever happens', () => {
    const net = new TestNet();
    let works = true;
    const tracker = net.tracker('10.0.9.1', () => (works ? { intervalSeconds: 100 } : { kind: 'raw', bytes: 'nonsense' }));
    const node = net.node();
    const { follower } = node.follow([['http://t1.test/announce']]);
    net.runFor(1);
    works = false;
    node.act(() => follower.announceNow('completed'));
    node.act(() => follower.announceNow('completed'));
    net.runFor(10);
    assert.deepEqual(tracker.events(), ['started', 'completed']);
    works = true;
    net.runFor(300);
    assert.deepEqual(tracker.events().slice(0, 4), ['started', 'completed', 'completed', 'none']);
    assert.deepEqual(tracker.events().filter((event) => event === 'completed').length, 2);
  });

  it('says started before completed where the tracker knows of neither', () => {
    const net = new TestNet();
    const tracker = net.tracker('10.0.9.1');
    const node = net.node();
    const { follower } = node.follow([['http://t1.test/announce']], {}, false);
    node.act(() => {
      follower.start();
      follower.announceNow('completed');
    });
    net.runFor(5);
    assert.deepEqual(tracker.events(), ['started', 'completed']);
  });

  it('says both at once where the tracker is reached only when all is there', () => {
    const net = new TestNet();
    let works = false;
    const tracker = net.tracker('10.0.9.1', () => (works ? {} : { kind: 'raw', bytes: 'nonsense' }));
    const node = net.node();
    const { follower } = node.follow([['http://t1.test/announce']]);
    net.runFor(1);
    node.act(() => follower.announceNow('completed'));
    works = true;
    net.runFor(25);
    assert.deepEqual(tracker.events(), ['started', 'started', 'completed']);
    const [, started, completed] = tracker.heard;
    assert.ok((completed?.seconds ?? 0) - (started?.seconds ?? 0) < 1);
  });

  it('asks for more peers when they are wanted, but not before the least interval', () => {
    const net = new TestNet();
    const tracker = net.tracker('10.0.9.1', () => ({ intervalSeconds: 1_800, minIntervalSeconds: 120 }));
    const node = net.node();
    const { follower } = node.follow([['http://t1.test/announce']]);
    net.runFor(5);
    node.act(() => follower.announceNow('none'));
    node.act(() => follower.announceNow('none'));
    net.runFor(100);
    assert.equal(tracker.heard.length, 1);
    net.runFor(20);
    assert.equal(tracker.heard.length, 2);
    net.runFor(200);
    assert.equal(tracker.heard.length, 2);
  });

  it('does not know what is left of a magnet, and is no seed', () => {
    const net = new TestNet();
    const tracker = net.tracker('10.0.9.1');
    const node = net.node();
    const followed = node.follow([['http://t1.test/announce']], {}, false);
    followed.facts = { ...followed.facts, leftBytes: null };
    node.act(() => followed.follower.start());
    net.runFor(1);
    assert.equal(tracker.heard[0]?.request.leftBytes, null);
  });
});

describe('a goodbye', () => {
  it('is said to every tracker that knows of this node, for each hash', () => {
    const net = new TestNet();
    const [one, two] = [net.tracker('10.0.9.1'), net.tracker('10.0.9.2')];
    const node = net.node();
    const { follower } = node.follow([['http://t1.test/announce'], ['udp://t2.test:6969/announce']], {
      wireHashes: [hashOf(1), hashOf(2)],
    });
    net.runFor(1);
    const begun = net.seconds;
    let over: number | null = null;
    node.act(() => follower.stop(() => (over = net.seconds)));
    assert.equal(over, null, 'it is told in a later step');
    net.runFor(10);
    assert.ok(over !== null && over - begun < 1);
    for (const tracker of [one, two]) {
      assert.deepEqual(tracker.events(), ['started', 'started', 'stopped', 'stopped']);
      assert.equal(tracker.heard.at(-1)?.request.numwant, 0);
    }
    net.runFor(10_000);
    assert.equal(one.heard.length + two.heard.length, 8, 'nothing more is announced');
  });

  it('takes four seconds at most, and none where nobody knows of it', () => {
    const net = new TestNet();
    let silent = false;
    net.tracker('10.0.9.1', () => (silent ? { kind: 'silent' } : {}));
    const node = net.node();
    const { follower } = node.follow([['http://t1.test/announce']]);
    net.runFor(1);
    silent = true;
    const begun = net.seconds;
    let over = 0;
    node.act(() => follower.stop(() => (over = net.seconds)));
    net.runFor(20);
    assert.equal(Math.round(over - begun), 4);
    const idle = node.follow([['http://t1.test/announce']], {}, false);
    let idleOver = false;
    node.act(() => idle.follower.stop(() => (idleOver = true)));
    net.runFor(0.1);
    assert.ok(idleOver);
  });

  it('is followed by a new start', () => {
    const net = new TestNet();
    const tracker = net.tracker('10.0.9.1');
    const node = net.node();
    const { follower } = node.follow([['http://t1.test/announce']]);
    net.runFor(1);
    let over = 0;
    node.act(() => follower.stop(() => over++));
    node.act(() => follower.start());
    net.runFor(1);
    assert.deepEqual([over, tracker.events().at(-1)], [1, 'started']);
    node.act(() => follower.stop());
    net.runFor(1);
    assert.equal(tracker.events().at(-1), 'stopped');
  });
});

describe('trackers that fail', () => {
  it('are tried again, each time after twice as long', () => {
    const net = new TestNet();
    const tracker = net.tracker('10.0.9.1', () => ({ kind: 'raw', bytes: 'HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n' }));
    const { follower } = net.node().follow([['http://t1.test/announce']]);
    net.runFor(4 * 3_600);
    const waits = tracker.heard.slice(1).map(({ seconds }, place) => seconds - (tracker.heard[place]?.seconds ?? 0));
    assert.ok(waits.length > 8 && waits.length < 30, `${waits.length} tries in four hours`);
    for (const [place, wait] of waits.entries()) {
      const usual = Math.min(1_800, 15 * 2 ** place);
      assert.ok(wait >= usual * 0.74 && wait <= usual * 1.27, `wait ${place} was ${wait} s`);
    }
    const [status] = follower.status();
    assert.deepEqual([status?.state, status?.message], ['failed', 'the tracker answered 500 Oops']);
    assert.ok((status?.nextInSeconds ?? 0) > 0);
  });

  it('are not tried before they say so, or never again (BEP 31)', () => {
    const net = new TestNet();
    const later = net.tracker('10.0.9.1', () => ({ kind: 'refusal', reason: 'come back', retryInSeconds: 3_600 }));
    const never = net.tracker('10.0.9.2', () => ({ kind: 'refusal', reason: 'go away', retryInSeconds: 'never' }));
    const { follower } = net.node().follow([['http://t1.test/announce'], ['http://t2.test/announce']]);
    net.runFor(3_599);
    assert.equal(later.heard.length, 1);
    net.runFor(600);
    assert.equal(later.heard.length, 2);
    net.runFor(100_000);
    assert.equal(never.heard.length, 1);
    assert.deepEqual(
      follower.status().map(({ message }) => message),
      ['come back', 'go away'],
    );
    assert.equal(follower.status()[1]?.nextInSeconds, null);
  });

  it('say why, without the keys of their URLs', () => {
    const net = new TestNet();
    net.tracker('10.0.9.1');
    const { follower } = net
      .node()
      .follow([['http://nowhere.test/0123456789abcdef0123456789abcdef/announce'], ['http://t1.test:81/announce'], ['wss://t1.test/']]);
    net.runFor(5);
    const status = follower.status();
    assert.deepEqual(
      status.map(({ url, tier, state }) => [url, tier, state]),
      [
        ['http://nowhere.test/***/announce', 0, 'failed'],
        ['http://t1.test:81/announce', 1, 'failed'],
      ],
    );
    assert.match(status[0]?.message ?? '', /no such host/u);
    assert.match(status[1]?.message ?? '', /refused/u);
  });
});
