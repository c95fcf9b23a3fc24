/**
 * Clients of the announce gate that mean no good: each costs a bounded amount, and the honest client beside them is
 * answered all the while.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GateLab, PASSKEY, queryOf, type Visitor } from '../../src/actors/gate/gate.test-kit.ts';
import type { PeerId, WireHash } from '../../src/protocol/bittorrent/ids.ts';
import { encodeUdpRequest } from '../../src/protocol/tracker/udp.ts';
import { bytesInUse } from '../decoders/campaign.ts';

const HONEST = '10.0.0.200';
const MIB = 1_048_576;
const connectionsOf = (lab: GateLab): number => (lab.doors.status() as { readonly connections: number }).connections;
const times = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));

/** An honest client announces, and gets its peers. */
const served = (lab: GateLab): void => {
  const body = lab.get(`/${PASSKEY}/announce?${queryOf()}`, HONEST);
  assert.match(body, /5:peers6:/u, body);
};

const all = (visitors: readonly Visitor[], gone: (visitor: Visitor) => boolean): boolean => visitors.every(gone);
const isGone = ({ ended, closed }: Visitor): boolean => ended || closed;

describe('a gate under attack by HTTP', () => {
  it('by a thousand connections of one host keeps room for others, and closes those that say nothing', () => {
    const lab = new GateLab();
    const visitors = times(1_000, () => lab.visit('10.0.0.66'));
    lab.run(1);
    assert.ok(connectionsOf(lab) <= 256, `${connectionsOf(lab)} connections of one host`);
    served(lab);
    lab.run(60);
    assert.ok(all(visitors, isGone));
    assert.equal(connectionsOf(lab), 0);
  });

  it('by five thousand connections of many hosts never holds more than its limit, and has room again soon', () => {
    const lab = new GateLab();
    const visitors = times(5_000, (n) => lab.visit(`10.1.${n % 100}.1`));
    lab.run(1);
    assert.ok(connectionsOf(lab) <= 4_096, `${connectionsOf(lab)} connections`);
    lab.run(60);
    assert.ok(all(visitors, isGone));
    served(lab);
  });

  it('by heads that trickle in byte by byte closes them in time, however many bytes come', () => {
    const lab = new GateLab();
    const visitors = times(50, () => lab.visit('10.0.0.66'));
    lab.run(0.5);
    const head = `GET /${PASSKEY}/announce?${queryOf()} HTTP/1.1\r\nX: ${'y'.repeat(7_000)}`;
    for (let n = 0; n < 120; n++) {
      for (const visitor of visitors) if (!isGone(visitor)) visitor.say(head[n] ?? '');
      lab.run(1);
      if (n === 10) served(lab);
    }
    assert.ok(all(visitors, isGone), 'a head must come whole within a time');
  });

  it('by heads without an end holds no more than a head of each', () => {
    const lab = new GateLab();
    const visitors = times(100, () => lab.visit('10.0.0.66'));
    lab.run(0.5);
    const before = bytesInUse();
    for (let n = 0; n < 40; n++) {
      for (const visitor of visitors) if (!isGone(visitor)) visitor.say(`X-${n}: ${'y'.repeat(4_000)}\r\n`);
      lab.run(0.2);
    }
    assert.ok(all(visitors, isGone));
    assert.ok(bytesInUse() - before < 16 * MIB);
    served(lab);
  });

  it('by requests by the thousand on one connection answers them in order, and reads no further than it answers', () => {
    const lab = new GateLab();
    const visitor = lab.visit('10.0.0.66');
    lab.run(0.5);
    const before = bytesInUse();
    visitor.say(`GET /${PASSKEY}/announce?${queryOf()} HTTP/1.1\r\n\r\n`.repeat(3_000));
    lab.run(10);
    assert.ok(bytesInUse() - before < 24 * MIB);
    assert.ok(lab.questions.length <= 3_000);
    served(lab);
  });

  it('by garbage, bodies, and methods that are none closes each connection, and remembers nothing of it', () => {
    const lab = new GateLab();
    const words = [
      '\x00\x01\x02',
      'POST /announce HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n',
      'GET\r\n\r\n',
      `${'A'.repeat(9_000)}`,
      'GET / HTTP/9.9\r\n\r\n',
    ];
    const visitors = times(200, () => lab.visit('10.0.0.66'));
    lab.run(0.5);
    for (const [n, visitor] of visitors.entries()) visitor.say(words[n % words.length] ?? '');
    lab.run(45);
    assert.ok(all(visitors, isGone));
    assert.equal(connectionsOf(lab), 0);
    assert.equal(lab.questions.length, 0);
    served(lab);
  });

  it('by made-up passkeys asks nobody about them for long', () => {
    const lab = new GateLab();
    lab.answer = (question) => (question.passkeyHash === null ? null : { kind: 'refused', why: 'passkey' });
    for (let n = 0; n < 300; n++) lab.get(`/${n.toString(16).padStart(32, '0')}/announce?${queryOf()}`, '10.0.0.66');
    // 30 a minute of one address, and each request here takes six seconds.
    assert.ok(lab.questions.length <= 300);
    const before = lab.questions.length;
    const visitor = lab.visit('10.0.0.66');
    lab.run(0.2);
    visitor.say(times(200, (n) => `GET /${(n + 5_000).toString(16).padStart(32, '0')}/announce?${queryOf()} HTTP/1.1\r\n\r\n`).join(''));
    lab.run(3);
    assert.ok(lab.questions.length - before <= 40, `${lab.questions.length - before} questions`);
  });
});

describe('a gate under attack by UDP', () => {
  const announce = (connectionId: Uint8Array, n: number): Uint8Array =>
    encodeUdpRequest({
      kind: 'announce',
      connectionId,
      transactionId: n,
      announce: {
        infoHash: new Uint8Array(20).fill(n) as WireHash,
        peerId: new Uint8Array(20).fill(65) as PeerId,
        port: 6_881,
        uploadedBytes: 0,
        downloadedBytes: 0,
        leftBytes: 5,
        event: 'started',
        key: '00000001',
        numwant: 200,
        compact: true,
        noPeerId: false,
        ip: null,
        trackerId: null,
      },
      urlData: `/${PASSKEY}/announce`,
    });

  it('with connection ids that were made up, or belong to another address, asks nobody and sends no more than it got', () => {
    const lab = new GateLab();
    const socket = lab.socket('10.0.0.66');
    const before = bytesInUse();
    let sent = 0;
    for (let n = 0; n < 2_000; n++) {
      const packet = announce(new Uint8Array(8).fill(n), n);
      sent += packet.length;
      socket.send(packet);
    }
    const got = socket.got.reduce((sum, { length }) => sum + length, 0);
    assert.equal(lab.questions.length, 0);
    assert.ok(got <= sent, `${got} bytes for ${sent}`);
    assert.ok(bytesInUse() - before < 16 * MIB);
    served(lab);
  });

  it('with packets that are cut, empty or too long answers none of them', () => {
    const lab = new GateLab();
    const socket = lab.socket('10.0.0.66');
    const whole = announce(new Uint8Array(8), 1);
    for (let length = 0; length < whole.length; length += 7) socket.send(whole.slice(0, length));
    socket.send(new Uint8Array(1_400).fill(255));
    assert.equal(socket.got.filter((bytes) => bytes.length > whole.length).length, 0);
    assert.equal(lab.questions.length, 0);
    served(lab);
  });

  it('with connects by the thousand keeps nothing for any of them', () => {
    const lab = new GateLab();
    const socket = lab.socket('10.0.0.66');
    socket.send(encodeUdpRequest({ kind: 'connect', transactionId: 0 }));
    const before = bytesInUse();
    for (let n = 0; n < 2_000; n++) socket.send(encodeUdpRequest({ kind: 'connect', transactionId: n }));
    assert.ok(bytesInUse() - before < 16 * MIB);
    served(lab);
  });
});
