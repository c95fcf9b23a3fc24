import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readTrackerUrl, type TrackerUrl } from '../../protocol/tracker/tracker-url.ts';
import { type Behaviour, type FakeTracker, hashOf, ownPeerId, type TestNode, TestNet } from './fake-tracker.test-kit.ts';
import type { AnnounceOutcome } from './tracker-client.ts';

const urlOf = (text: string): TrackerUrl => {
  const url = readTrackerUrl(text);
  assert.ok(url.ok);
  return url.value;
};

const announce = (node: TestNode, url: string, numwant: number | null = null): { outcome: AnnounceOutcome | null; cancel: () => void } => {
  const result = { outcome: null as AnnounceOutcome | null, cancel: () => {} };
  node.act(() => {
    result.cancel = node.client.announce(
      urlOf(url),
      {
        infoHash: hashOf(1),
        peerId: ownPeerId,
        port: 1,
        uploadedBytes: 0,
        downloadedBytes: 0,
        leftBytes: 5,
        event: 'started',
        key: '0badcafe',
        numwant,
        compact: true,
        noPeerId: true,
        ip: null,
        trackerId: null,
      },
      { begun() {}, done: (outcome) => (result.outcome = outcome) },
    );
    assert.equal(result.outcome, null, 'nothing is told from inside the call');
  });
  return result;
};

/** In a word: the reason of a refusal, the message of a failure, or how many peers came. */
const said = ({ outcome }: { readonly outcome: AnnounceOutcome | null }): string =>
  outcome === null
    ? 'nothing'
    : !outcome.ok
      ? outcome.error.message
      : outcome.value.kind === 'refusal'
        ? `refused: ${outcome.value.reason}`
        : `${outcome.value.peers.length} peers`;

const http = (behave: (path: string) => Behaviour): { net: TestNet; node: TestNode; tracker: FakeTracker } => {
  const net = new TestNet();
  const tracker = net.tracker('10.0.9.1', ({ path }) => behave(path));
  return { net, node: net.node(), tracker };
};

const saidOf = (behave: (path: string) => Behaviour, url = 'http://t1.test/announce', seconds = 60): string => {
  const { net, node } = http(behave);
  const result = announce(node, url);
  net.runFor(seconds);
  return said(result);
};

describe('an announce by HTTP', () => {
  it('follows redirects, and keeps what was asked', () => {
    const behave = (path: string): Behaviour =>
      path === '/announce'
        ? {
            kind: 'redirect',
            to: '/x?info_hash=%00%00%00%01%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00&peer_id=aaaaaaaaaaaaaaaaaaaa&port=1',
          }
        : {};
    assert.equal(saidOf(behave), '0 peers');
  });

  it('asks for a certificate of the name by https, on its usual port, and does not follow a redirect to plain text', () => {
    const { net, node } = http(() => ({ kind: 'redirect', to: 'http://t1.test/announce' }));
    announce(node, 'https://tracker.example/k/announce');
    const downgraded = announce(node, 'https://t1.test:80/announce');
    net.runFor(5);
    assert.deepEqual(
      node.dials.map(({ address, options }) => [address.host, address.port, options.tls]),
      [
        ['tracker.example', 443, { serverName: 'tracker.example' }],
        ['t1.test', 80, { serverName: 't1.test' }],
      ],
    );
    assert.match(said(downgraded), /from https to http/u);
  });

  it('does not follow them without end, to nowhere, or to this machine', () => {
    const query = '?info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=aaaaaaaaaaaaaaaaaaaa&port=1';
    assert.match(
      saidOf(() => ({ kind: 'redirect', to: `/again${query}` })),
      /without end/u,
    );
    assert.match(
      saidOf(() => ({ kind: 'raw', bytes: 'HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n' })),
      /does not say where/u,
    );
    assert.match(
      saidOf(() => ({ kind: 'redirect', to: `http://127.0.0.1:7070/${query}` })),
      /this machine/u,
    );
    assert.match(
      saidOf(() => ({ kind: 'redirect', to: 'udp://t1.test:1/' })),
      /another protocol/u,
    );
  });

  it('says what was wrong with the answer', () => {
    const raw = (bytes: string): string => saidOf(() => ({ kind: 'raw', bytes }));
    const ok = 'HTTP/1.1 200 OK\r\n';
    assert.match(raw('nonsense\r\n\r\n'), /no HTTP/u);
    assert.match(raw(''), /no HTTP: it is cut off/u);
    assert.match(raw('HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\nsorry!'), /404 Not Found/u);
    assert.match(raw(`${ok}Content-Length: 6\r\n\r\n<html>`), /bencoded dictionary/u);
    assert.match(raw(`${ok}Content-Length: 2000000\r\n\r\n`), /longer than 1048576/u);
    assert.match(raw(`${ok}\r\n${'x'.repeat(2_000_000)}`), /longer than 1048576/u);
    assert.match(raw(`${ok}Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nde`), /compressed/u);
    assert.equal(raw('HTTP/1.1 403 Forbidden\r\nContent-Length: 29\r\n\r\nd14:failure reason8:bad key!e'), 'refused: bad key!');
    assert.equal(raw(`${ok}Transfer-Encoding: chunked\r\n\r\n8\r\nd5:peers\r\n3\r\n0:e\r\n0\r\n\r\n`), '0 peers');
  });

  it('does not wait for ever', () => {
    assert.equal(
      saidOf(() => ({ kind: 'silent' }), undefined, 29),
      'nothing',
    );
    assert.match(
      saidOf(() => ({ kind: 'silent' }), undefined, 31),
      /did not answer within 30 s/u,
    );
  });

  it('that is taken back is not answered, and its connection goes', () => {
    const { net, node, tracker } = http(() => ({ kind: 'silent' }));
    const result = announce(node, 'http://t1.test/announce');
    net.runFor(1);
    assert.equal(tracker.open, 1);
    node.act(() => result.cancel());
    net.runFor(60);
    assert.deepEqual([result.outcome, tracker.open, node.client.connections], [null, 0, 0]);
  });
});

describe('many announces at once', () => {
  it('have few connections, to one server and in all, and all get their turn', () => {
    const net = new TestNet();
    const trackers = Array.from({ length: 6 }, (_, place) => net.tracker(`10.0.9.${place + 1}`));
    const node = net.node();
    let most = 0;
    const results = Array.from({ length: 1_000 }, (_, torrent) => announce(node, `http://t${1 + (torrent % 6)}.test/announce`));
    while (results.some(({ outcome }) => outcome === null)) {
      assert.ok(net.scheduler.next());
      most = Math.max(most, node.client.connections);
    }
    assert.equal(most, 32);
    for (const { openMost, heard } of trackers) {
      // The other side may see the end of one after the beginning of the next.
      assert.ok(openMost <= 16, `${openMost} connections to one server`);
      assert.ok(heard.length >= 166);
    }
    assert.deepEqual([...new Set(results.map(said))], ['0 peers']);
  });

  it('do not wait for a server that is dead', () => {
    const net = new TestNet();
    net.tracker('10.0.9.1');
    net.tracker('10.0.9.2');
    const node = net.node();
    net.network.partition(['10.0.0.1'], ['10.0.9.1']);
    const dead = Array.from({ length: 500 }, () => announce(node, 'http://t1.test/announce'));
    const good = Array.from({ length: 100 }, () => announce(node, 'http://t2.test/announce'));
    net.runFor(10);
    assert.ok(good.every(({ outcome }) => outcome?.ok === true));
    net.runFor(10);
    assert.ok(
      dead.every((result) => /did not answer within 15000 ms/u.test(said(result))),
      'one try tells all that wait',
    );
    const next = announce(node, 'http://t1.test/announce');
    net.runFor(0.001);
    assert.equal(next.outcome?.ok, false, 'it is known to be dead for a while');
  });
});

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

describe('a node that may use one of its addresses only', () => {
  it('asks from there, and asks nobody whom it cannot reach from there', () => {
    const net = new TestNet();
    const tracker = net.tracker('10.0.9.1');
    net.tracker('2001:db8::9');
    const node = net.node('10.0.0.1', ['10.0.0.1']);
    const [fine, udpFine, six] = [
      announce(node, 'http://t1.test/announce'),
      announce(node, 'udp://t1.test:6969/announce'),
      announce(node, 'udp://[2001:db8::9]:6969/announce'),
    ];
    net.runFor(2);
    assert.deepEqual([fine, udpFine].map(said), ['0 peers', '0 peers']);
    assert.deepEqual(
      tracker.heard.map(({ from }) => from.host),
      ['10.0.0.1', '10.0.0.1'],
    );
    assert.match(said(six), /does not answer/u);
  });
});

describe('scrape', () => {
  const scrape = (url: string): unknown => {
    const net = new TestNet();
    net.tracker('10.0.9.1');
    const node = net.node();
    let told: unknown = null;
    node.act(() =>
      node.client.scrape(urlOf(url), [hashOf(1), hashOf(2)], (outcome) => {
        told = outcome.ok ? outcome.value.map(({ seeders, leechers, completed }) => [seeders, leechers, completed]) : outcome.error.message;
      }),
    );
    assert.equal(told, null);
    net.runFor(5);
    return told;
  };

  it('counts by HTTP and by UDP', () => {
    assert.deepEqual(scrape('http://t1.test/k/announce'), [
      [7, 8, 9],
      [7, 8, 9],
    ]);
    assert.deepEqual(scrape('udp://t1.test:6969/k/announce'), [
      [4, 5, 6],
      [4, 5, 6],
    ]);
    assert.match(String(scrape('http://t1.test/k/a')), /cannot be scraped/u);
  });

  it('of a torrent tells its status, and counts a hybrid once', () => {
    const net = new TestNet();
    net.tracker('10.0.9.1', () => ({ kind: 'refusal', reason: 'no' }));
    const node = net.node();
    const { follower } = node.follow([['http://t1.test/announce'], ['http://nowhere.test/announce']], {
      wireHashes: [hashOf(1), hashOf(2)],
    });
    let over = 0;
    node.act(() => follower.scrape(() => over++));
    net.runFor(5);
    assert.equal(over, 1);
    assert.deepEqual(follower.swarm, { seeders: 7, leechers: 8 });
    assert.deepEqual(
      follower.status().map(({ seeders }) => seeders),
      [7, null],
    );
  });
});
