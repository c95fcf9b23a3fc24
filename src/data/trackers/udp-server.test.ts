import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { announce, said } from './announce.test-kit.ts';
import { type Behaviour, type FakeTracker, type TestNode, TestNet } from './fake-tracker.test-kit.ts';

describe('an announce by UDP', () => {
  const url = 'udp://t1.test:6969/key/announce';
  const udp = (behave: () => Behaviour = () => ({}), options = {}): { net: TestNet; node: TestNode; tracker: FakeTracker } => {
    const net = new TestNet(options);
    const tracker = net.tracker('10.0.9.1', behave);
    return { net, node: net.node(), tracker };
  };

  it('tells path and query of the URL (BEP 41), and hears of peers', () => {
    const { net, node, tracker } = udp(() => ({
      intervalSeconds: 77,
      seeders: 3,
      leechers: 4,
      peers: [{ host: '10.0.0.7', port: 5, peerId: null }],
    }));
    const result = announce(node, `${url}?x=1`, 30);
    net.runFor(1);
    assert.deepEqual(result.outcome, {
      ok: true,
      value: {
        kind: 'reply',
        intervalSeconds: 77,
        minIntervalSeconds: null,
        seeders: 3,
        leechers: 4,
        peers: [{ host: '10.0.0.7', port: 5, peerId: null }],
        warning: null,
        trackerId: null,
        externalIp: null,
      },
    });
    assert.deepEqual(
      tracker.heard.map(({ path, by, request }) => [path, by, request.key, request.numwant, request.leftBytes]),
      [['/key/announce?x=1', 'udp', '0badcafe', 30, 5]],
    );
  });

  it('goes over IPv6 where the tracker is there, and its peers are of IPv6', () => {
    const net = new TestNet();
    net.tracker('2001:db8::9', () => ({
      peers: [
        { host: '2001:db8::7', port: 5, peerId: null },
        { host: '10.0.0.7', port: 5, peerId: null },
      ],
    }));
    const result = announce(net.node('2001:db8::1'), 'udp://t1.test:6969');
    net.runFor(1);
    assert.ok(result.outcome?.ok && result.outcome.value.kind === 'reply');
    assert.deepEqual(result.outcome.value.peers, [{ host: '2001:db8::7', port: 5, peerId: null }]);
  });

  it('goes to the other address of a name when the first does not answer', () => {
    const { net, node, tracker } = udp();
    net.names.set('both.test', ['2001:db8::dead', '10.0.9.1']);
    const result = announce(node, 'udp://both.test:6969/announce');
    net.runFor(14);
    assert.equal(said(result), 'nothing');
    net.runFor(2);
    assert.equal(said(result), '0 peers');
    const next = announce(node, 'udp://both.test:6969/announce');
    net.runFor(70);
    assert.equal(said(next), '0 peers');
    const later = announce(node, 'udp://both.test:6969/announce');
    net.runFor(1);
    assert.equal(said(later), '0 peers', 'it stays with the address that answers');
    assert.equal(tracker.connects.length, 2);
  });

  it('connects once for many torrents, and anew after a minute', () => {
    const { net, node, tracker } = udp();
    const results = Array.from({ length: 300 }, () => announce(node, url));
    net.runFor(5);
    assert.ok(results.every(({ outcome }) => outcome?.ok));
    assert.equal(tracker.connects.length, 1);
    net.runFor(40);
    announce(node, url);
    net.runFor(20);
    assert.equal(tracker.connects.length, 1);
    announce(node, url);
    net.runFor(5);
    assert.equal(tracker.connects.length, 2);
    assert.equal(tracker.heard.length, 302);
  });

  it('is sent again after 15 and 30 seconds, then given up', () => {
    const { net, node, tracker } = udp(() => ({ kind: 'silent' }));
    const begun = net.seconds;
    const result = announce(node, url);
    net.runFor(104);
    assert.equal(said(result), 'nothing');
    net.runFor(2);
    assert.match(said(result), /t1\.test:6969 does not answer/u);
    assert.deepEqual(
      tracker.heard.map(({ seconds }) => Math.round(seconds - begun)),
      [0, 15, 45],
    );
  });

  it('comes through a network that loses a third of all packets', () => {
    const { net, node } = udp(() => ({}), { link: { latencyMs: 30, jitterMs: 30, lossShare: 0.33 } });
    const results = Array.from({ length: 50 }, () => announce(node, url));
    net.runFor(600);
    const good = results.filter(({ outcome }) => outcome?.ok).length;
    assert.ok(good >= 25, `${good} of 50`);
    assert.ok(results.every(({ outcome }) => outcome !== null));
  });

  it('survives a tracker that was started anew and knows no connection id of before', () => {
    const { net, node, tracker } = udp();
    announce(node, url);
    net.runFor(1);
    tracker.generation = 2;
    const result = announce(node, url);
    net.runFor(2);
    assert.equal(said(result), '0 peers');
    assert.equal(tracker.connects.length, 2);
  });

  it('hears a refusal in the words of the tracker', () => {
    const { net, node } = udp(() => ({ kind: 'refusal', reason: 'unknown passkey' }));
    const result = announce(node, url);
    net.runFor(2);
    assert.equal(said(result), 'refused: unknown passkey');
  });

  it('to a name or a machine that is not there fails, for all torrents together', () => {
    const { net, node } = udp();
    const [unnamed, dead] = [announce(node, 'udp://nowhere.test:1/'), announce(node, 'udp://10.0.9.77:1/')];
    const others = Array.from({ length: 20 }, () => announce(node, 'udp://10.0.9.77:1/'));
    net.runFor(1);
    assert.match(said(unnamed), /no such host/u);
    net.runFor(110);
    for (const result of [dead, ...others]) assert.match(said(result), /does not answer/u);
  });

  it('is not fooled by others who answer for the tracker', () => {
    const net = new TestNet();
    const tracker = net.tracker('10.0.9.1', () => ({ kind: 'silent' }));
    const liar = net.tracker('10.0.9.2');
    const node = net.node();
    const result = announce(node, url);
    net.runFor(1);
    // What it would have to say is known, but it comes from another address.
    const [heard] = tracker.heard;
    assert.ok(heard !== undefined);
    liar.lie(heard.from, tracker.lastTransaction);
    net.runFor(5);
    assert.equal(said(result), 'nothing');
    assert.equal(tracker.connects.length, 1);
    tracker.lie(heard.from, tracker.lastTransaction);
    net.runFor(5);
    assert.equal(tracker.connects.length, 2, 'the same from the tracker itself is believed');
  });
});
