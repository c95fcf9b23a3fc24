/** Web servers that fail, lie, keep silent or go their own ways: what a download makes of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { seconds } from '../../src/ports/clock.ts';
import { introduce, putFiles, startNode } from './swarm-kit.ts';
import { arrives, FOLDER, ONE, scene, SIZE } from './web-seed-kit.ts';
import type { Reaction, WebServer } from './web-server.ts';

const bytes = ONE[0]?.bytes ?? new Uint8Array(0);
const ascii = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
const head = (status: number, ...lines: readonly string[]): string =>
  `HTTP/1.1 ${status} X\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;

test('a server that ignores ranges: what comes before is thrown away, and the connection is not kept to the end', () => {
  const all = scene(ONE);
  all.server.quirk = () => ({ status: 200, body: bytes });
  const leech = all.leech();
  arrives(all, leech, ONE);
  assert.equal(leech.exchange.sources.get(all.server.url), SIZE);
});

test('a whole file without a length, until the connection ends', () => {
  const all = scene(ONE);
  all.server.quirk = () => Buffer.concat([Buffer.from(head(200)), bytes]);
  arrives(all, all.leech(), ONE);
});

test('chunked answers', () => {
  const all = scene(ONE);
  all.server.quirk = (_request, { from, to }) => {
    const parts = [Buffer.from(head(206, 'Transfer-Encoding: chunked', `Content-Range: bytes ${from}-${to - 1}/${SIZE}`))];
    for (let at = from; at < to; at += 7_777) {
      const chunk = bytes.subarray(at, Math.min(to, at + 7_777));
      parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), Buffer.from(chunk), Buffer.from('\r\n'));
    }
    return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
  };
  const leech = all.leech();
  arrives(all, leech, ONE);
  assert.ok(all.server.connections <= 2, 'and the connection is kept');
});

test('a server that lacks one file of several is asked for the others, a second one for all', () => {
  const all = scene(FOLDER, { servers: 2 });
  const lacking = '/th%C6%B0%20m%E1%BB%A5c/z/ba.bin';
  all.server.files.delete(lacking);
  const leech = all.leech();
  arrives(all, leech, FOLDER);
  assert.ok(all.server.asked.filter(({ path }) => path === lacking).length <= 2, 'it is not asked for that again and again');
  assert.ok((leech.exchange.sources.get(all.server.url) ?? 0) >= 0);
  const [report] = leech.exchange.webSeeds.reports;
  assert.ok(report !== undefined && report.has < 0.5);
  assert.equal(report.reason, 'it answers 404');
});

for (const [what, answer] of [
  ['has nothing (404)', { status: 404 }],
  ['says no (403), at length', { status: 403, body: new Uint8Array(1_000_000) }],
  ['has a shorter file (416)', { status: 416 }],
  ['has another file (200 of another length)', { status: 200, body: bytes.subarray(1) }],
] as const) {
  test(`a server that ${what} is asked once and no more; the transfer waits for others`, () => {
    const all = scene(ONE);
    all.server.quirk = () => answer;
    const leech = all.leech();
    all.world.runFor(seconds(120));
    assert.ok(all.server.asked.length <= 2, `${all.server.asked.length} requests`);
    assert.equal(leech.exchange.webSeeds.reports[0]?.state, 'lacking');
    assert.equal(leech.exchange.webSeeds.useful, false);
    assert.deepEqual(leech.failures, []);
    putFiles(all.world.process('seed'), all.torrent, ONE);
    introduce(leech, startNode(all.world.process('seed'), all.torrent, true), true);
    arrives(all, leech, ONE);
  });
}

for (const [what, answer] of [
  ['fails (500)', { status: 500 }],
  ['hangs up', 'hang up'],
  ['speaks no HTTP', ascii('SSH-2.0-OpenSSH_9.6\r\n\r\n')],
  ['compresses', { status: 200, fields: { 'Content-Encoding': 'gzip' }, body: bytes }],
  ['answers with another range', { status: 206, fields: { 'Content-Range': `bytes 0-9/${SIZE}` }, body: bytes.subarray(0, 10) }],
  ['names no range', { status: 206, body: bytes.subarray(0, 1_000) }],
  ['stops short', ascii(`${head(200, `Content-Length: ${SIZE}`)}some bytes`)],
  ['says nothing', 'silence'],
] as const) {
  test(`a server that ${what} is left alone longer and longer, and used again when it is well`, () => {
    const all = scene(ONE);
    all.server.quirk = () => answer;
    const leech = all.leech();
    all.world.runFor(seconds(300));
    assert.ok(all.server.asked.length >= 3 && all.server.asked.length <= 20, `${all.server.asked.length} requests`);
    assert.equal(leech.exchange.webSeeds.useful, false);
    assert.ok(['failed', 'working'].includes(leech.exchange.webSeeds.reports[0]?.state ?? ''));
    if (answer !== 'silence') assert.equal(leech.pool.usedBytes, 0, 'what it does not bring holds no memory');
    all.server.quirk = (_request, _range, obey) => obey();
    arrives(all, leech, ONE, 700);
  });
}

test('a server that trickles is given up, and a peer brings what it was to bring', () => {
  const all = scene(ONE, { bytesPerSecond: 100 });
  const leech = all.leech();
  all.world.runFor(seconds(10));
  putFiles(all.world.process('seed'), all.torrent, ONE);
  introduce(leech, startNode(all.world.process('seed'), all.torrent, true), true);
  arrives(all, leech, ONE, 60);
});

test('too many requests: the server is left alone as long as it says, then asked by one connection', () => {
  const all = scene(ONE);
  let until = 0;
  all.server.quirk = (_request, _range, obey) => {
    if (all.world.now() >= until && until > 0) return obey();
    until ||= all.world.now() + seconds(95);
    return { status: 429, fields: { 'Retry-After': 100 } };
  };
  const leech = all.leech();
  all.world.runFor(seconds(90));
  assert.ok(all.server.asked.length <= 2, 'not a single request before the time');
  const before = all.server.connections;
  arrives(all, leech, ONE);
  assert.ok(all.server.connections - before <= 2);
  assert.equal(all.server.connectionsMost <= 2, true);
});

test('a server that takes one connection only is used by one', () => {
  const all = scene(ONE, { bytesPerSecond: 300_000 });
  all.server.quirk = (_request, _range, obey) => (all.server.connectionsNow > 1 ? 'hang up' : obey());
  const leech = all.leech();
  arrives(all, leech, ONE, 120);
  assert.ok(all.server.connections <= 5, `${all.server.connections} connections`);
});

test('a connection that the server closes after each answer is opened anew, and nobody blamed', () => {
  const all = scene(ONE);
  all.server.quirk = (_request, _range, obey) => ({ ...(obey() as object), keepAlive: false });
  const leech = all.leech();
  arrives(all, leech, ONE);
  assert.equal(leech.exchange.webSeeds.reports[0]?.reason, null);
});

test('a server that closes a kept connection as the next request comes is asked again at once', () => {
  const all = scene(ONE);
  all.server.quirk = (_request, { nth }, obey) => (nth > 2 ? 'hang up' : obey());
  const leech = all.leech();
  arrives(all, leech, ONE, 5);
  assert.equal(leech.exchange.webSeeds.reports[0]?.reason, null, 'and nobody blamed');
});

for (const liars of [1, 2]) {
  test(`wrong bytes: ${liars === 1 ? 'the liar among two servers' : 'the only servers'} is banned and blamed, others go on`, () => {
    const all = scene(ONE, { servers: 2 });
    const wrong = bytes.map((byte) => byte ^ 1);
    for (const server of all.servers.slice(0, liars)) server.files.set('/one.bin', wrong);
    const leech = all.leech();
    if (liars === 2) {
      all.world.runFor(seconds(30));
      assert.equal(leech.exchange.webSeeds.useful, false);
      putFiles(all.world.process('seed'), all.torrent, ONE);
      introduce(leech, startNode(all.world.process('seed'), all.torrent, true), true);
    }
    arrives(all, leech, ONE);
    assert.deepEqual(
      [...leech.banned].sort(),
      all.servers
        .slice(0, liars)
        .map(({ url }) => url)
        .sort(),
    );
    assert.deepEqual(
      leech.exchange.webSeeds.reports.map(({ state }) => state),
      all.servers.map((_, n) => (n < liars ? 'banned' : 'idle')),
    );
    assert.ok(all.server.askedBytes < SIZE);
  });
}

const redirectTo = (server: WebServer, location: (path: string) => string, status = 302): void => {
  server.quirk = () => ({ status, fields: { Location: location(server.asked.at(-1)?.path ?? '') } });
};

test('redirects lead to another server, and are remembered', () => {
  const all = scene(ONE, { servers: 2, urls: ([first]) => [first?.url ?? ''] });
  redirectTo(all.server, (path) => `${all.servers[1]?.url}mirror${path}`);
  all.servers[1]?.files.set('/mirror/one.bin', bytes);
  const leech = all.leech();
  arrives(all, leech, ONE);
  assert.ok(all.server.asked.length <= 2, 'not every range goes round');
  assert.equal(leech.exchange.sources.get(all.server.url), SIZE, 'it counts for the one that the torrent names');
});

test('a redirect that runs out is followed anew from the beginning', () => {
  const all = scene(ONE, { servers: 2, urls: ([first]) => [first?.url ?? ''], bytesPerSecond: 500_000 });
  let era = 0;
  redirectTo(all.server, () => `${all.servers[1]?.url}${++era}`);
  const target = all.servers[1] as WebServer;
  const served = new Map<string, number>();
  target.quirk = (_request, { from, path, to }) => {
    served.set(path, (served.get(path) ?? 0) + 1);
    if ((served.get(path) ?? 0) > 1) return { status: 403 };
    return { status: 206, fields: { 'Content-Range': `bytes ${from}-${to - 1}/${SIZE}` }, body: bytes.slice(from, to) };
  };
  const leech = all.leech();
  arrives(all, leech, ONE);
  assert.ok(era > 1);
});

for (const [what, location] of [
  ['in a circle', (server: WebServer) => `${server.url}one.bin`],
  ['to this machine', () => 'http://127.0.0.1/one.bin'],
  ['to another protocol', () => 'ftp://example.org/one.bin'],
  ['nowhere', () => ''],
] as const) {
  test(`a server that redirects ${what} is not followed for long`, () => {
    const all = scene(ONE);
    redirectTo(all.server, () => location(all.server));
    const leech = all.leech();
    all.world.runFor(seconds(60));
    assert.ok(all.server.asked.length <= 14, `${all.server.asked.length} requests`);
    assert.equal(leech.exchange.webSeeds.reports[0]?.state, 'lacking');
  });
}

test('of a thousand web seeds sixteen are used, of bad URLs none; secrets in a query are not shown', () => {
  const all = scene(ONE, {
    urls: ([server]) => [
      'ftp://example.org/',
      `${server?.url}one.bin?token=secret`,
      ...Array.from({ length: 200 }, (_, n) => `http://10.77.0.1:${n + 1}/`),
    ],
  });
  all.server.quirk = (_request, _range, obey) => obey();
  const leech = all.leech();
  arrives(all, leech, ONE);
  const { reports } = leech.exchange.webSeeds;
  assert.equal(reports.length, 16);
  assert.equal(reports[0]?.name, `${all.server.url}one.bin?***`);
});

test('a server that is not there is tried now and then, and costs nothing else', () => {
  const all = scene(ONE, { urls: () => ['http://10.77.0.1/'] });
  const leech = all.leech();
  all.world.runFor(seconds(120));
  assert.equal(leech.exchange.webSeeds.reports[0]?.state, 'failed');
  assert.equal(leech.exchange.webSeeds.useful, false);
  assert.equal(leech.pool.usedBytes, 0);
});

/** Answers of every kind, cut off anywhere, for a server that does whatever it likes with each request. */
const whims = (from: number, to: number): readonly Reaction[] => {
  const part = { status: 206, fields: { 'Content-Range': `bytes ${from}-${to - 1}/${SIZE}` }, body: bytes.slice(from, to) };
  return [
    part,
    { ...part, keepAlive: false },
    { status: 200, body: bytes },
    { status: 500, body: new Uint8Array(100_000) },
    { status: 503, fields: { 'Retry-After': 1 } },
    { status: 302, fields: { Location: '/one.bin' } },
    { ...part, fields: { 'Content-Range': `bytes ${from}-${to}/${SIZE}` } },
    ascii(`${head(206, `Content-Range: bytes ${from}-${to - 1}/${SIZE}`, `Content-Length: ${to - from}`)}some bytes`),
    Buffer.concat([Buffer.from(head(200, `Content-Length: ${SIZE}`)), bytes.subarray(0, (from + to) >> 1)]),
    ascii(head(206, 'Transfer-Encoding: chunked', `Content-Range: bytes ${from}-${to - 1}/${SIZE}`) + 'zz\r\n'),
    ascii(`HTTP/1.1 100 Continue\r\n\r\n${head(204)}surplus`),
    new Uint8Array(70_000).fill(0x41),
    'silence',
    'hang up',
  ];
};

test('a server that does whatever it likes harms nothing, and a peer that comes completes the download', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(13), { minLength: 1, maxLength: 30 }), (moods) => {
      const all = scene(ONE);
      let n = 0;
      all.server.quirk = (_request, { from, to }) => whims(from, to)[moods[n++ % moods.length] ?? 0] ?? 'silence';
      const leech = all.leech();
      all.world.runFor(seconds(100));
      assert.deepEqual([leech.failures, leech.banned], [[], []]);
      assert.ok(all.server.asked.length <= 150 && all.server.connectionsMost <= 2, `${all.server.asked.length} requests`);
      if (leech.completedAt() === null) {
        putFiles(all.world.process('seed'), all.torrent, ONE);
        introduce(leech, startNode(all.world.process('seed'), all.torrent, true), true);
      }
      arrives(all, leech, ONE, 90);
    }),
    { numRuns: 12 },
  );
});
