import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { announce, said, urlOf } from './announce.test-kit.ts';
import { type Behaviour, type FakeTracker, hashOf, type TestNode, TestNet } from './fake-tracker.test-kit.ts';

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
