import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { PeerId, WireHash } from '../bittorrent/ids.ts';
import { fromHex, toHex } from '../digest.ts';
import type { Result } from '../result.ts';
import type { AnnounceRequest } from './announce-query.ts';
import { printAnnounceQuery, readAnnounceQuery } from './announce-query.ts';
import type { AnnounceReply, TrackerRefusal } from './announce-reply.ts';
import { encodeAnnounceReply, encodeRefusal, readAnnounceReply } from './announce-reply.ts';
import { anyRequest, valueOf } from './tracker.test-kit.ts';

const hash = 'cc92718830b50e9b6bf22f6b8c87b0b1417b64b8';
const escaped = '%cc%92q%880%b5%0e%9bk%f2%2fk%8c%87%b0%b1A%7bd%b8';
const latin1 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
const idText = ({ peerId }: AnnounceRequest): string => Buffer.from(peerId).toString('latin1');
const refusal = (query: string): string => {
  const read: Result<AnnounceRequest> = readAnnounceQuery(query);
  return read.ok ? 'accepted' : read.error.message;
};

describe('announces of real clients', () => {
  it('aria2 1.36: a key of any bytes', () => {
    const request = valueOf(
      readAnnounceQuery(
        'info_hash=%CC%92q%880%B5%0E%9Bk%F2%2Fk%8C%87%B0%B1A%7Bd%B8&peer_id=A2-1-36-0-T%EA9%A5%1C%23%10%A8%F3a&uploaded=0&downloaded=0&left=100000&compact=1&key=9%A5%1C%23%10%A8%F3a&numwant=50&no_peer_id=1&port=6928&event=started&supportcrypto=1',
      ),
    );
    assert.equal(toHex(request.infoHash), hash);
    assert.equal(toHex(request.peerId), '41322d312d33362d302d54ea39a51c2310a8f361');
    assert.deepEqual(
      [request.port, request.leftBytes, request.event, request.numwant, request.compact, request.noPeerId],
      [6928, 100_000, 'started', 50, true, true],
    );
    assert.equal(request.key?.length, 8);
    assert.equal(valueOf(readAnnounceQuery(printAnnounceQuery(request))).key, request.key);
  });

  it('libtorrent 2.0.8: the key is the number that it tells by UDP', () => {
    const request = valueOf(
      readAnnounceQuery(
        `info_hash=${escaped}&peer_id=-LT2080-Tr0j2IOTM.0Y&port=6899&uploaded=0&downloaded=0&left=100000&corrupt=0&key=4BA2DD64&event=stopped&numwant=0&compact=1&no_peer_id=1&supportcrypto=1&redundant=0`,
      ),
    );
    assert.deepEqual([toHex(request.infoHash), idText(request)], [hash, '-LT2080-Tr0j2IOTM.0Y']);
    assert.deepEqual([request.key, request.numwant, request.event], ['4ba2dd64', 0, 'stopped']);
  });

  it('Transmission 3.00', () => {
    const request = valueOf(
      readAnnounceQuery(
        `info_hash=${escaped}&peer_id=-TR3000-8amwaulowakx&port=51413&uploaded=0&downloaded=0&left=100000&numwant=80&key=1537146b&compact=1&supportcrypto=1&event=started`,
      ),
    );
    assert.deepEqual([request.port, request.key, request.numwant, request.noPeerId], [51_413, '1537146b', 80, false]);
  });

  it('one whose raw bytes are escaped as forms do, with a space as a plus', () => {
    const id = latin1('-XX0001-a b+c%d&e=f\xff');
    const form = '-XX0001-a+b%2Bc%25d%26e%3Df%FF';
    const request = valueOf(readAnnounceQuery(`info_hash=${escaped}&peer_id=${form}&port=1&left=9223372036854775807`));
    assert.deepEqual([...request.peerId], [...id]);
    assert.equal(request.leftBytes, null, 'a client that does not know what is left is no seed');
  });
});

describe('the query of an announce', () => {
  const good = `info_hash=${escaped}&peer_id=-TR3000-8amwaulowakx&port=51413`;

  it('tells the client what is wrong', () => {
    assert.match(refusal(''), /info_hash must be 20 bytes/u);
    assert.match(refusal(good.replace('%b8', '')), /info_hash must be 20 bytes/u);
    assert.match(refusal(`${good}&info_hash=${escaped}`), /one info_hash/u);
    assert.match(refusal(good.replace('-TR3000-8amwaulowakx', 'short')), /peer_id must be 20 bytes/u);
    assert.match(refusal(good.replace('51413', '65536')), /port/u);
    assert.match(refusal(good.replace('51413', '-1')), /port/u);
    assert.match(refusal(`${good}&uploaded=-5`), /uploaded/u);
    assert.match(refusal(`${good}&event=constructor`), /event/u);
    assert.match(refusal(`${good}&key=%zz`), /percent-encoding/u);
    assert.match(refusal('&x=1'.repeat(300)), /parameters/u);
  });

  it('does without what a tracker can do without', () => {
    const bare = valueOf(readAnnounceQuery(`${good}&numwant=-1&event=&key=&left=`));
    assert.deepEqual(
      [bare.numwant, bare.event, bare.key, bare.leftBytes, bare.compact, bare.uploadedBytes],
      [null, 'none', null, null, true, 0],
    );
    assert.equal(valueOf(readAnnounceQuery(`${good}&compact=0`)).compact, false);
    assert.equal(valueOf(readAnnounceQuery(`${good}&numwant=99999999999`)).numwant, null);
  });

  it('reads what it prints', () => {
    fc.assert(fc.property(anyRequest, (request) => assert.deepEqual(valueOf(readAnnounceQuery(printAnnounceQuery(request))), request)));
  });

  it('answers every text with a value', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => typeof readAnnounceQuery(Buffer.from(bytes).toString('latin1')).ok === 'boolean'));
    fc.assert(fc.property(fc.string(), (text) => typeof readAnnounceQuery(`${good}&${text}`).ok === 'boolean'));
  });
});

const replyOf = (text: string): AnnounceReply => {
  const read = valueOf(readAnnounceReply(latin1(text), 100));
  assert.equal(read.kind, 'reply');
  return read as AnnounceReply;
};
const refusalOf = (text: string): TrackerRefusal => {
  const read = valueOf(readAnnounceReply(latin1(text), 100));
  assert.equal(read.kind, 'refusal');
  return read as TrackerRefusal;
};

describe('replies of real trackers', () => {
  it('opentracker: compact, both families', () => {
    const reply = replyOf(
      `d8:completei1e10:downloadedi0e10:incompletei1e8:intervali1717e12:min intervali858e5:peers6:\x7f\0\0\x01\x1a\xe16:peers618:${'\0'.repeat(15)}\x01\x1a\xe2e`,
    );
    assert.deepEqual([reply.seeders, reply.leechers, reply.intervalSeconds, reply.minIntervalSeconds], [1, 1, 1717, 858]);
    assert.deepEqual(reply.peers, [
      { host: '127.0.0.1', port: 6881, peerId: null },
      { host: '::1', port: 6882, peerId: null },
    ]);
  });

  it('a list of dictionaries, with names, IPv6, and peers that are none', () => {
    const id = '-TR3000-8amwaulowakx';
    const reply = replyOf(
      `d8:intervali900e5:peersld2:ip9:127.0.0.17:peer id20:${id}4:porti6881eed2:ip9:peer.test4:porti1eed2:ip3:::14:porti2eed2:ip1: 4:porti3eed2:ip9:127.0.0.14:porti0eei7eee`,
    );
    assert.deepEqual(
      reply.peers.map(({ host, port, peerId }) => [host, port, peerId && Buffer.from(peerId).toString()]),
      [
        ['127.0.0.1', 6881, id],
        ['peer.test', 1, null],
        ['::1', 2, null],
      ],
    );
  });

  it('keys out of order, a line break at the end, words of warning, the address that was seen', () => {
    const reply = replyOf(
      'd5:peers0:8:intervali60e15:warning message9:go\r\nslow!10:tracker id3:a\xffb11:external ip4:\x01\x02\x03\x04e\n',
    );
    assert.equal(reply.warning, 'go  slow!');
    assert.equal(reply.externalIp, '1.2.3.4');
    assert.equal(reply.trackerId, 'a\udcffb');
    assert.match(printAnnounceQuery({ ...example, trackerId: reply.trackerId }), /trackerid=a%FFb$/u);
  });

  it('refusals, with BEP 31', () => {
    assert.deepEqual(refusalOf('d14:failure reason6:closed8:retry ini5ee'), { kind: 'refusal', reason: 'closed', retryInSeconds: 300 });
    assert.equal(refusalOf('d14:failure reason6:closed8:retry in5:nevere').retryInSeconds, 'never');
    assert.equal(refusalOf('d14:failure reason6:closed8:retry ini-5ee').retryInSeconds, null);
  });

  it('no reply at all', () => {
    for (const text of ['', '<html>', 'le', 'd', 'd8:interval']) assert.equal(readAnnounceReply(latin1(text), 5).ok, false, text);
    assert.equal(replyOf('d8:intervali-1e5:peersi5ee').intervalSeconds, null);
    assert.equal(replyOf('d8:intervali99999999999ee').intervalSeconds, null);
  });

  it('no more peers than asked for', () => {
    const many = `d5:peers${60}:${'\x01\x02\x03\x04\x1a\xe1'.repeat(10)}6:peers618:${'\x01'.repeat(18)}e`;
    assert.equal((valueOf(readAnnounceReply(latin1(many), 4)) as AnnounceReply).peers.length, 4);
    assert.equal((valueOf(readAnnounceReply(latin1(many), 100)) as AnnounceReply).peers.length, 11);
  });
});

const example: AnnounceRequest = {
  infoHash: fromHex(hash) as WireHash,
  peerId: latin1('-SH0100-abcdefghijkl') as PeerId,
  port: 1,
  uploadedBytes: 0,
  downloadedBytes: 0,
  leftBytes: 0,
  event: 'none',
  key: null,
  numwant: null,
  compact: true,
  noPeerId: false,
  ip: null,
  trackerId: null,
};

describe('our replies', () => {
  const peer = fc.record(
    {
      host: fc.oneof(fc.ipV4(), fc.constantFrom('2001:db8::1', '::1', 'fe80::1:2')),
      port: fc.integer({ min: 1, max: 65_535 }),
      peerId: fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => bytes as PeerId),
    },
    { noNullPrototype: true },
  );
  const count = fc.option(fc.nat());
  const reply = fc.record(
    {
      kind: fc.constant('reply' as const),
      intervalSeconds: fc.option(fc.nat({ max: 100_000 })),
      minIntervalSeconds: fc.option(fc.nat({ max: 100_000 })),
      seeders: count,
      leechers: count,
      peers: fc.array(peer, { maxLength: 8 }),
      warning: fc.option(fc.string({ maxLength: 50 })),
      trackerId: fc.option(fc.string({ maxLength: 50 })),
      externalIp: fc.option(fc.constantFrom('1.2.3.4', '2001:db8::1')),
    },
    { noNullPrototype: true },
  );
  const byFamily = (peers: AnnounceReply['peers']): AnnounceReply['peers'] => [
    ...peers.filter(({ host }) => !host.includes(':')),
    ...peers.filter(({ host }) => host.includes(':')),
  ];

  it('are read as they were meant, compact or not', () => {
    fc.assert(
      fc.property(reply, fc.boolean(), fc.boolean(), (sent, compact, noPeerId) => {
        const read = valueOf(readAnnounceReply(encodeAnnounceReply(sent, { compact, noPeerId }), 100));
        const peers = (compact ? byFamily(sent.peers) : sent.peers).map((each) => (compact || noPeerId ? { ...each, peerId: null } : each));
        assert.deepEqual(read, { ...sent, peers });
      }),
    );
  });

  it('say no in a way that clients show', () => {
    const bytes = encodeRefusal({ reason: 'this passkey is unknown', retryInSeconds: 61 });
    assert.equal(Buffer.from(bytes).toString(), 'd14:failure reason23:this passkey is unknown8:retry ini2ee');
    assert.equal(
      Buffer.from(encodeRefusal({ reason: 'x', retryInSeconds: 'never' })).toString(),
      'd14:failure reason1:x8:retry in5:nevere',
    );
    assert.equal(Buffer.from(encodeRefusal({ reason: 'x', retryInSeconds: null })).toString(), 'd14:failure reason1:xe');
  });

  it('always have peers, for some clients fail without the key', () => {
    const none = {
      ...example,
      kind: 'reply',
      intervalSeconds: 60,
      minIntervalSeconds: null,
      seeders: 0,
      leechers: 0,
      peers: [],
      warning: null,
      externalIp: null,
    } as const;
    assert.equal(
      Buffer.from(encodeAnnounceReply(none, { compact: true, noPeerId: false })).toString(),
      'd8:completei0e10:incompletei0e8:intervali60e5:peers0:e',
    );
  });

  it('every reply is answered with a value', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => typeof readAnnounceReply(bytes, 10).ok === 'boolean'));
  });
});
