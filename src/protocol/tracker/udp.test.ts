import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { fromHex, toHex } from '../digest.ts';
import { anyHash, anyUdpRequest, valueOf } from './tracker.test-kit.ts';
import type { UdpReply, UdpRequest } from './udp.ts';
import { decodeUdpReply, decodeUdpRequest, encodeUdpReply, encodeUdpRequest, udpPeersMax, udpTransactionOf } from './udp.ts';

const bytesOf = (hex: string): Uint8Array => fromHex(hex.replaceAll(' ', '')) as Uint8Array;
const refusal = (hex: string): string => {
  const read = decodeUdpRequest(bytesOf(hex));
  return read.ok ? 'accepted' : read.error.message;
};

/** As aria2 1.36 sent them on loopback. */
const aria2Connect = '0000041727101980 00000000 e4344d76';
const aria2Announce = `3132333435363738 00000001 4c8ce76c cc92718830b50e9b6bf22f6b8c87b0b1417b64b8 41322d312d33362d302dceab1a4b2b821734bd93
  0000000000000000 00000000000186a0 0000000000000000 00000002 00000000 77660f8a 00000032 1b2a 0000`;
const announceHead = aria2Announce.replaceAll(/\s/gu, '').slice(0, 98 * 2);
/** An announce with these options. */
const withOptions = (options: string): string => announceHead + options;
const urlDataOf = (hex: string): string | null => {
  const read = decodeUdpRequest(bytesOf(hex));
  return read.ok && read.value.kind === 'announce' ? read.value.urlData : null;
};
const hexOf = (text: string): string => Buffer.from(text, 'latin1').toString('hex');

describe('UDP requests of real clients', () => {
  it('aria2 connects and announces, with two ends of options', () => {
    assert.deepEqual(valueOf(decodeUdpRequest(bytesOf(aria2Connect))), { kind: 'connect', transactionId: 0xe434_4d76 });
    const request = valueOf(decodeUdpRequest(bytesOf(aria2Announce.replaceAll(/\s/gu, ''))));
    assert.ok(request.kind === 'announce');
    const { announce } = request;
    assert.equal(Buffer.from(request.connectionId).toString(), '12345678');
    assert.deepEqual(
      [toHex(announce.infoHash), announce.leftBytes, announce.event, announce.key, announce.numwant, announce.port, announce.ip],
      ['cc92718830b50e9b6bf22f6b8c87b0b1417b64b8', 100_000, 'started', '77660f8a', 50, 6954, null],
    );
    assert.equal(request.urlData, '');
  });

  it('the example of BEP 41: a path in one option, or in several', () => {
    const path = '/dir?a=b&c=d';
    assert.equal(urlDataOf(withOptions(`02 0c ${hexOf(path)}`)), path);
    assert.equal(urlDataOf(withOptions(`02 04 ${hexOf('/dir')} 01 01 02 08 ${hexOf('?a=b&c=d')} 00 02 01 78`)), path);
    assert.equal(urlDataOf(withOptions(`7f 03 aabbcc 02 01 ${hexOf('/')}`)), '/', 'an unknown option is skipped');
    assert.equal(urlDataOf(announceHead), '');
  });

  it('counters that mean "unknown" are no seed', () => {
    const unknown = announceHead.replace('00000000000186a0', '7fffffffffffffff').replace('00000032', 'ffffffff');
    const request = valueOf(decodeUdpRequest(bytesOf(unknown)));
    assert.ok(request.kind === 'announce');
    assert.deepEqual([request.announce.leftBytes, request.announce.numwant], [null, null]);
  });
});

describe('UDP requests', () => {
  it('that are none say why', () => {
    assert.match(refusal('00'), /at least 16/u);
    assert.match(refusal(aria2Connect.replace('1980', '1981')), /protocol id/u);
    assert.match(refusal(announceHead.slice(0, -2)), /at least 98/u);
    assert.match(refusal(withOptions('02')), /cut off/u);
    assert.match(refusal(withOptions('02 05 2f')), /cut off/u);
    assert.match(refusal('3132333435363738 00000002 00000001'), /1 to 74/u);
    assert.match(refusal(`3132333435363738 00000002 00000001 ${'00'.repeat(20 * 75)}`), /1 to 74/u);
    assert.match(refusal('3132333435363738 00000009 00000001'), /action/u);
    assert.equal(udpTransactionOf(bytesOf('3132333435363738 00000009 00000001')), 1);
    assert.equal(udpTransactionOf(bytesOf('00')), null);
  });

  const connectionId = fc.uint8Array({ minLength: 8, maxLength: 8 });
  const transactionId = fc.nat({ max: 0xffff_ffff });
  const urlData = fc.oneof(
    fc.constant(''),
    fc.webPath().map((path) => `/${path}`),
    fc.integer({ min: 1, max: 1_500 }).map((length) => `/${'k'.repeat(length)}`),
  );
  const requests: fc.Arbitrary<UdpRequest> = fc.oneof(
    fc.record({ kind: fc.constant('connect' as const), transactionId }, { noNullPrototype: true }),
    fc.record(
      { kind: fc.constant('announce' as const), connectionId, transactionId, announce: anyUdpRequest, urlData },
      { noNullPrototype: true },
    ),
    fc.record(
      { kind: fc.constant('scrape' as const), connectionId, transactionId, infoHashes: fc.array(anyHash, { minLength: 1, maxLength: 74 }) },
      { noNullPrototype: true },
    ),
  );

  it('are read as they were sent', () => {
    fc.assert(fc.property(requests, (request) => assert.deepEqual(valueOf(decodeUdpRequest(encodeUdpRequest(request))), request)));
  });

  it('of any bytes are answered with a value', () => {
    const head = fc.constantFrom('', aria2Connect, announceHead).map(bytesOf);
    fc.assert(
      fc.property(head, fc.uint8Array({ maxLength: 300 }), (start, rest) => {
        const bytes = new Uint8Array(Buffer.concat([start, rest]));
        return typeof decodeUdpRequest(bytes).ok === 'boolean' && typeof decodeUdpReply(rest, 'v6', 5).ok === 'boolean';
      }),
    );
  });
});

describe('UDP replies', () => {
  it('of opentracker', () => {
    const reply = valueOf(decodeUdpReply(bytesOf('00000001 4c8ce76c 000006c5 00000001 00000002 7f000001 1b2a 7f000001 1ae1'), 'v4', 1));
    assert.deepEqual(reply, {
      kind: 'announce',
      transactionId: 0x4c8c_e76c,
      intervalSeconds: 1733,
      leechers: 1,
      seeders: 2,
      peers: [{ host: '127.0.0.1', port: 6954 }],
    });
    const error = valueOf(decodeUdpReply(bytesOf(`00000003 00000001 ${hexOf('go away\0')}`), 'v4', 1));
    assert.deepEqual(error, { kind: 'error', transactionId: 1, message: 'go away' });
  });

  it('that are cut off are no replies', () => {
    for (const hex of ['', '00000001', '00000000 00000001 0000', '00000001 00000001 00000001', '00000009 00000001']) {
      assert.equal(decodeUdpReply(bytesOf(hex), 'v4', 1).ok, false, hex);
    }
  });

  const transactionId = fc.nat({ max: 0xffff_ffff });
  const u32 = fc.nat({ max: 0xffff_ffff });
  const peers = (host: fc.Arbitrary<string>): fc.Arbitrary<{ host: string; port: number }[]> =>
    fc.array(fc.record({ host, port: fc.integer({ min: 1, max: 65_535 }) }, { noNullPrototype: true }), { maxLength: 20 });
  const replies = (host: fc.Arbitrary<string>): fc.Arbitrary<UdpReply> =>
    fc.oneof(
      fc.record(
        { kind: fc.constant('connect' as const), transactionId, connectionId: fc.uint8Array({ minLength: 8, maxLength: 8 }) },
        { noNullPrototype: true },
      ),
      fc.record(
        { kind: fc.constant('announce' as const), transactionId, intervalSeconds: u32, leechers: u32, seeders: u32, peers: peers(host) },
        { noNullPrototype: true },
      ),
      fc.record(
        {
          kind: fc.constant('scrape' as const),
          transactionId,
          swarms: fc.array(fc.record({ seeders: u32, leechers: u32, completed: u32 }, { noNullPrototype: true }), { maxLength: 74 }),
        },
        { noNullPrototype: true },
      ),
      fc.record(
        {
          kind: fc.constant('error' as const),
          transactionId,
          message: fc.string({ unit: fc.constantFrom(...'abc xyz'), maxLength: 50 }).map((text) => text.trim()),
        },
        { noNullPrototype: true },
      ),
    );

  it('are read as they were sent, of both families', () => {
    fc.assert(
      fc.property(replies(fc.ipV4()), (reply) => assert.deepEqual(valueOf(decodeUdpReply(encodeUdpReply(reply, 'v4'), 'v4', 100)), reply)),
    );
    const six = replies(fc.constantFrom('::1', '2001:db8::7'));
    fc.assert(fc.property(six, (reply) => assert.deepEqual(valueOf(decodeUdpReply(encodeUdpReply(reply, 'v6'), 'v6', 100)), reply)));
  });

  it('fit a packet, and have peers of one family only', () => {
    const many = Array.from({ length: 500 }, (_, place) => ({ host: place % 2 === 0 ? '1.2.3.4' : '::1', port: 1 + place }));
    const reply = { kind: 'announce', transactionId: 1, intervalSeconds: 1, leechers: 0, seeders: 0, peers: many } as const;
    for (const family of ['v4', 'v6'] as const) {
      const bytes = encodeUdpReply(reply, family);
      assert.ok(bytes.length <= 1_400);
      const read = valueOf(decodeUdpReply(bytes, family, 1_000));
      assert.ok(read.kind === 'announce' && read.peers.length === Math.min(250, udpPeersMax(family)));
      assert.ok(read.peers.every(({ host }) => host.includes(':') === (family === 'v6')));
    }
  });
});
