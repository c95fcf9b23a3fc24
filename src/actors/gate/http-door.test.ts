import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerOf, GATE_HOST_V6, GateLab, HASH, INFO_HASH, PASSKEY, queryOf } from './gate.test-kit.ts';

const announceOf = (fields: Readonly<Record<string, string | number>> = {}): string => `/${PASSKEY}/announce?${queryOf(fields)}`;
const requestOf = (target: string, version = '1.1', fields = ''): string => `GET ${target} HTTP/${version}\r\nHost: x\r\n${fields}\r\n`;

test('an announce goes to whoever serves, with the hash of its passkey, and its answer comes as the client asked for it', () => {
  const lab = new GateLab();
  const compact = lab.get(announceOf({ event: 'started', key: 'beef' }));
  assert.ok(compact.includes('8:completei2e'));
  assert.ok(compact.includes('5:peers6:\n\u0000\u0000\u0007\u001bX'), compact);
  assert.ok(compact.includes('6:peers618:'));
  assert.ok(compact.includes('11:external ip4:\n\u0000\u0000\t'));
  assert.ok(compact.includes('8:intervali300e12:min intervali30e'));
  const [asked] = lab.announces;
  const { nonce, ...rest } = asked ?? { nonce: 0 };
  assert.ok(nonce > 0);
  assert.deepEqual(rest, {
    kind: 'guestAnnounce',
    passkeyHash: HASH,
    infoHash: INFO_HASH,
    peerId: Buffer.from('-TR3000-abcdefghijkl').toString('hex'),
    key: '0000beef',
    host: '10.0.0.9',
    port: 6_881,
    event: 'started',
    leftBytes: 100,
    uploadedBytes: 0,
    downloadedBytes: 0,
    want: 50,
    family: 'any',
    replay: false,
    silentMs: 0,
  });
  const long = lab.get(announceOf({ compact: 0 }));
  assert.ok(long.includes('d2:ip8:10.0.0.77:peer id20:') && long.includes('d2:ip11:2001:db8::74:porti7001ee'), long);
  assert.ok(!lab.get(announceOf({ compact: 0, no_peer_id: 1 })).includes('peer id'));
});

test('peers wanted: none said is 50, none is none, very many are 200, who leaves wants none', () => {
  const lab = new GateLab();
  for (const fields of [{}, { numwant: -1 }, { numwant: 0 }, { numwant: 5 }, { numwant: 100_000 }, { event: 'stopped', port: 0 }])
    lab.get(announceOf(fields as Record<string, string>));
  assert.deepEqual(
    lab.announces.map(({ want }) => want),
    [50, 50, 0, 5, 200, 0],
  );
});

test('a connection is kept for the next request; several sent at once are answered in their order', () => {
  const lab = new GateLab();
  lab.answer = (question) => answerOf({ seeders: question.kind === 'guestAnnounce' ? (question.leftBytes ?? 0) : 0 });
  const visitor = lab.visit();
  visitor.say([1, 2, 3].map((left) => requestOf(announceOf({ left }))).join(''));
  lab.run(1);
  assert.deepEqual(
    visitor.bodies.map((body) => /completei(\d+)e/u.exec(body)?.[1]),
    ['1', '2', '3'],
  );
  assert.ok(!visitor.ended);
  // By single bytes as well.
  for (const letter of requestOf(announceOf({ left: 4 }))) {
    visitor.say(letter);
    lab.run(0.01);
  }
  lab.run(1);
  assert.equal(visitor.bodies.length, 4);
  visitor.say(requestOf('/', '1.0'));
  lab.run(1);
  assert.deepEqual([visitor.bodies.length, visitor.ended], [5, true]);
});

test('while one is answered no more is read: who sends ahead waits in its own queue', () => {
  const lab = new GateLab();
  lab.answer = () => null;
  const visitor = lab.visit();
  const one = requestOf(announceOf());
  visitor.say(one);
  lab.run(0.5);
  for (let megabytes = 0; megabytes < 4; megabytes++) visitor.say(one.repeat(Math.ceil(1_000_000 / one.length)));
  lab.run(1);
  assert.ok((visitor.connection?.queuedBytes() ?? 0) > 2_000_000);
  assert.equal(lab.announces.length, 1);
});

test('HEAD has no body, other methods are refused, a stranger is told what this is', () => {
  const lab = new GateLab();
  const visitor = lab.visit();
  visitor.say('HEAD / HTTP/1.1\r\nHost: x\r\n\r\nPOST / HTTP/1.1\r\nHost: x\r\n\r\nGET /favicon.ico HTTP/1.1\r\nHost: x\r\n\r\n');
  lab.run(1);
  const [head = '', ...others] = visitor.text.split(/(?=HTTP\/1\.1 )/u);
  assert.match(head, /^HTTP\/1\.1 200 OK\r\n.*content-length: [1-9]\d*\r\n/isu);
  assert.ok(head.endsWith('\r\n\r\n'));
  assert.match(others[0] ?? '', /^HTTP\/1\.1 405 .*allow: GET, HEAD/isu);
  assert.match(others[1] ?? '', /^HTTP\/1\.1 404 .*announce gate of the Shoal network "lab"/isu);
  assert.equal(lab.questions.length, 0);
});

test('what is no HTTP, or too much of it, ends the connection', () => {
  const lab = new GateLab();
  for (const [bytes, status] of [
    ['\u0016\u0003\u0001\u0002\u0000\r\n\r\n', 400],
    [`GET /${'x'.repeat(20_000)}`, 414],
    [`GET / HTTP/1.1\r\nX: ${'y'.repeat(20_000)}`, 431],
    ['GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello', 413],
  ] as const) {
    const visitor = lab.visit();
    visitor.say(bytes);
    lab.run(1);
    assert.match(visitor.text, new RegExp(`^HTTP/1\\.1 ${status} `, 'u'));
    lab.run(6);
    assert.ok(visitor.ended || visitor.closed);
  }
});

test('a malformed announce is told why, without asking anybody', () => {
  const lab = new GateLab();
  assert.match(lab.get(`/${PASSKEY}/announce?info_hash=abc`), /failure reason.*info_hash must be 20 bytes/u);
  assert.match(lab.get(announceOf({ port: 'x' })), /failure reason.*port must be/u);
  assert.match(lab.get(`/${PASSKEY}/scrape`), /failure reason.*names its info_hash/u);
  assert.equal(lab.questions.length, 0);
});

test('a scrape tells how the swarms of the catalog stand, and leaves out what it does not have', () => {
  const lab = new GateLab();
  lab.answer = () => ({ kind: 'counts', swarms: [{ seeders: 3, leechers: 2, completed: 9 }, null] });
  const hash = '%12%34%56%78%9a%bc%de%f1%23%45%67%89%ab%cd%ef%12%34%56%78%9a';
  const body = lab.get(`/${PASSKEY}/scrape?info_hash=${hash}&info_hash=${'z'.repeat(20)}`);
  assert.match(body, /8:completei3e10:downloadedi9e10:incompletei2e/u);
  assert.ok(!body.includes('z'.repeat(20)));
  const [asked] = lab.questions;
  assert.deepEqual(asked?.kind === 'guestScrape' ? asked.infoHashes : [], [INFO_HASH, '7a'.repeat(20)]);
});

test('connections have limits, together and of one address; who says nothing is shown the door', () => {
  const lab = new GateLab({ config: { limits: { connectionsMax: 3, connectionsPerAddressMax: 2 } } });
  const visitors = ['10.0.0.9', '10.0.0.9', '10.0.0.9', '10.0.0.8', '10.0.0.7'].map((host) => lab.visit(host));
  lab.run(1);
  assert.deepEqual(
    visitors.map(({ closed }) => closed),
    [false, false, true, false, true],
  );
  visitors[0]?.say('GET /');
  lab.run(40);
  assert.ok(visitors.every(({ ended, closed }) => ended || closed));
  // There is room again.
  assert.match(lab.get('/', '10.0.0.7'), /announce gate/u);
});

test('where a client is: as it is seen, or as a forwarder that is trusted says', () => {
  const lab = new GateLab({ config: { trustedForwarders: ['10.0.0.8'] } });
  lab.get(announceOf({ ip: '192.0.2.99' }), '10.0.0.9', 'X-Forwarded-For: 192.0.2.1\r\n');
  lab.get(announceOf(), '10.0.0.8', 'X-Forwarded-For: 192.0.2.77, 192.0.2.1\r\n');
  assert.deepEqual(
    lab.announces.map(({ host }) => host),
    ['10.0.0.9', '192.0.2.1'],
  );
});

test('a forwarder that is trusted may have more connections than one client', () => {
  const lab = new GateLab({ config: { trustedForwarders: ['10.0.0.0/31', '10.0.0.8'], limits: { connectionsPerAddressMax: 1 } } });
  const visitors = ['10.0.0.8', '10.0.0.8', '10.0.0.9', '10.0.0.9'].map((host) => lab.visit(host));
  lab.run(1);
  assert.deepEqual(
    visitors.map(({ closed }) => closed),
    [false, false, false, true],
  );
});

test('clients come by IPv6 as well', () => {
  const lab = new GateLab();
  const visitor = lab.visit('2001:db8::9', GATE_HOST_V6);
  visitor.say(requestOf(announceOf()));
  lab.run(1);
  assert.equal(lab.announces[0]?.host, '2001:db8::9');
  assert.match(visitor.bodies[0] ?? '', /11:external ip16:/u);
});

test('a client that goes before it is answered leaves nothing behind', () => {
  const lab = new GateLab();
  lab.answer = () => null;
  const visitor = lab.visit();
  visitor.say(requestOf(announceOf()));
  lab.run(0.5);
  visitor.connection?.abort();
  lab.run(0.5);
  lab.reply(lab.announces[0]?.nonce ?? 0, answerOf());
  lab.run(60);
  assert.equal((lab.doors.status() as { connections: number }).connections, 0);
  assert.equal((lab.gate.status() as { requestsUnderWay: number }).requestsUnderWay, 0);
});
