import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { peerIdFrom, wireHashFrom } from '../../protocol/bittorrent/ids.ts';
import { fromHex } from '../../protocol/digest.ts';
import type { AnnounceRequest } from '../../protocol/tracker/announce-query.ts';
import { decodeUdpReply, encodeUdpRequest, type UdpReply } from '../../protocol/tracker/udp.ts';
import { answerOf, GATE_HOST, GATE_HOST_V6, GateLab, HASH, INFO_HASH, PASSKEY } from './gate.test-kit.ts';

const hashOf = (hex: string) => wireHashFrom(fromHex(hex) ?? new Uint8Array(0)) as NonNullable<ReturnType<typeof wireHashFrom>>;
const announceOf = (fields: Partial<AnnounceRequest> = {}): AnnounceRequest => ({
  infoHash: hashOf(INFO_HASH),
  peerId: peerIdFrom(new Uint8Array(20).fill(65)) as NonNullable<ReturnType<typeof peerIdFrom>>,
  port: 6_881,
  uploadedBytes: 0,
  downloadedBytes: 0,
  leftBytes: 100,
  event: 'none',
  key: '0000beef',
  numwant: null,
  compact: true,
  noPeerId: false,
  ip: null,
  trackerId: null,
  ...fields,
});

/** A client of the door at one address. */
class Client {
  readonly #lab: GateLab;
  readonly #socket: ReturnType<GateLab['socket']>;
  readonly #v6: boolean;

  constructor(lab: GateLab, host?: string) {
    this.#lab = lab;
    this.#v6 = host?.includes(':') === true;
    this.#socket = lab.socket(host, this.#v6 ? GATE_HOST_V6 : GATE_HOST);
  }

  get count(): number {
    return this.#socket.got.length;
  }

  ask(bytes: Uint8Array): UdpReply | null {
    const before = this.count;
    this.#socket.send(bytes);
    this.#lab.run(6);
    const reply = this.#socket.got[before];
    if (reply === undefined) return null;
    const decoded = decodeUdpReply(reply, this.#v6 ? 'v6' : 'v4', 200);
    return decoded.ok ? decoded.value : null;
  }

  connect(): Uint8Array {
    const reply = this.ask(encodeUdpRequest({ kind: 'connect', transactionId: 1 }));
    assert.ok(reply?.kind === 'connect');
    return reply.connectionId;
  }

  announce(connectionId: Uint8Array, urlData: string, fields: Partial<AnnounceRequest> = {}): UdpReply | null {
    return this.ask(encodeUdpRequest({ kind: 'announce', connectionId, transactionId: 2, announce: announceOf(fields), urlData }));
  }

  scrape(connectionId: Uint8Array, hashes: readonly string[] = [INFO_HASH]): UdpReply | null {
    return this.ask(encodeUdpRequest({ kind: 'scrape', connectionId, transactionId: 3, infoHashes: hashes.map(hashOf) }));
  }
}

const URL_DATA = `/${PASSKEY}/announce`;

test('who connects may announce, with the passkey in the path of the URL; it is told peers of its own family', () => {
  const lab = new GateLab();
  const client = new Client(lab);
  const reply = client.announce(client.connect(), URL_DATA, { event: 'started' });
  assert.deepEqual(reply, {
    kind: 'announce',
    transactionId: 2,
    intervalSeconds: 300,
    seeders: 2,
    leechers: 1,
    peers: [{ host: '10.0.0.7', port: 7_000 }],
  });
  const [asked] = lab.announces;
  assert.deepEqual([asked?.passkeyHash, asked?.host, asked?.family, asked?.want, asked?.event], [HASH, '10.0.0.9', 'v4', 50, 'started']);
  const other = new Client(lab, '2001:db8::9');
  const six = other.announce(other.connect(), URL_DATA, { numwant: 200 });
  assert.deepEqual(six?.kind === 'announce' ? six.peers : null, [{ host: '2001:db8::7', port: 7_001 }]);
  // More do not fit a packet.
  assert.deepEqual([lab.announces[1]?.family, lab.announces[1]?.want], ['v6', 76]);
});

test('an id that was given to another address, or was made up, opens nothing', () => {
  const lab = new GateLab();
  const [one, two] = [new Client(lab), new Client(lab, '10.0.0.8')];
  const id = one.connect();
  assert.equal(two.announce(id, URL_DATA)?.kind, 'error');
  assert.equal(one.announce(new Uint8Array(8), URL_DATA)?.kind, 'error');
  assert.equal(lab.questions.length, 0);
  assert.equal(one.announce(id, URL_DATA)?.kind, 'announce');
  lab.run(240);
  assert.equal(one.announce(id, URL_DATA)?.kind, 'error');
});

test('without a passkey a client is told what to do, unless the network is open', () => {
  const lab = new GateLab();
  const client = new Client(lab);
  const id = client.connect();
  for (const urlData of ['', '/announce', '/?x=1']) {
    const reply = client.announce(id, urlData);
    assert.match(reply?.kind === 'error' ? reply.message : '', /BEP 41.*http:/u);
  }
  assert.equal(lab.questions.length, 0);
  const open = new GateLab({ passkeys: 'open' });
  const guest = new Client(open);
  assert.equal(guest.announce(guest.connect(), '')?.kind, 'announce');
  assert.equal(open.announces[0]?.passkeyHash, null);
});

test('a scrape, which has no room for a passkey, is for those who have announced with one', () => {
  const lab = new GateLab();
  lab.answer = (question) =>
    question.kind === 'guestAnnounce' ? answerOf() : { kind: 'counts', swarms: [null, { seeders: 4, leechers: 5, completed: 6 }] };
  const client = new Client(lab);
  const id = client.connect();
  assert.equal(client.scrape(id)?.kind, 'error');
  client.announce(id, URL_DATA);
  assert.deepEqual(client.scrape(id, ['00'.repeat(20), INFO_HASH]), {
    kind: 'scrape',
    transactionId: 3,
    swarms: [
      { seeders: 0, leechers: 0, completed: 0 },
      { seeders: 4, leechers: 5, completed: 6 },
    ],
  });
  assert.equal(new Client(lab, '10.0.0.8').scrape(id)?.kind, 'error');
});

test('a refusal is an error that says why', () => {
  const lab = new GateLab();
  lab.answer = () => ({ kind: 'refused', why: 'unregistered' });
  const client = new Client(lab);
  const reply = client.announce(client.connect(), URL_DATA);
  assert.match(reply?.kind === 'error' ? reply.message : '', /not in the catalog/u);
});

test('nobody is sent more than he sent, before he has shown where he is', () => {
  const lab = new GateLab();
  const socket = lab.socket();
  const connect = encodeUdpRequest({ kind: 'connect', transactionId: 9 });
  const announce = encodeUdpRequest({
    kind: 'announce',
    connectionId: new Uint8Array(8),
    transactionId: 9,
    announce: announceOf(),
    urlData: '',
  });
  const scrape = encodeUdpRequest({ kind: 'scrape', connectionId: new Uint8Array(8), transactionId: 9, infoHashes: [hashOf(INFO_HASH)] });
  for (const packet of [connect, announce, scrape]) {
    const before = socket.got.length;
    socket.send(packet.slice());
    assert.equal(socket.got.length, before + 1);
    assert.ok((socket.got.at(-1)?.length ?? 0) <= packet.length);
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const before = socket.got.length;
      socket.send(bytes.slice());
      assert.ok(socket.got.slice(before).every((reply) => reply.length <= bytes.length));
    }),
    { numRuns: 200 },
  );
});
