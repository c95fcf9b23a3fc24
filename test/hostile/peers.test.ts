/**
 * Peers that mean no good. Each costs the victim a bounded amount (connections, timers, buffers, addresses, bytes that it
 * sends), and the honest transfer beside it comes to its end.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { millis, seconds } from '../../src/ports/clock.ts';
import { dataLimits } from '../../src/data/limits.ts';
import { encodeBencode } from '../../src/protocol/bittorrent/bencode.ts';
import { encodeExtensionHandshake, extensionIds } from '../../src/protocol/bittorrent/extension.ts';
import { encodeMetadataMessage } from '../../src/protocol/bittorrent/metadata-message.ts';
import { encodePexMessage } from '../../src/protocol/bittorrent/pex-message.ts';
import { encodeMessage, encodePieceHeader, type WireMessage } from '../../src/protocol/bittorrent/wire.ts';
import { bytesInUse } from '../decoders/campaign.ts';
import { type Line, piece, pieceCount, type Said, Scene } from './scene.ts';

const times = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));
const request = (n: number): Said => ({ kind: 'request', piece: piece(n % pieceCount), begin: 0, length: 16_384 });
const unknown = (bytes: number): Uint8Array => {
  const message = Buffer.alloc(4 + bytes, 7);
  message.writeUInt32BE(bytes, 0);
  message[4] = 99;
  return message;
};

/** What somebody does to a seed, over and over while the honest download runs; each time with so many messages. */
interface Flood {
  readonly what: string;
  readonly first?: readonly Said[];
  readonly again: (round: number) => readonly Said[];
  /** The connection is ended for it. */
  readonly ended?: true;
  /** Bytes that the victim may answer for each byte that it is sent. */
  readonly echoMax?: number;
}

const hashRequest = (n: number): Said => ({
  kind: 'hash-request',
  piecesRoot: new Uint8Array(32).fill(n),
  baseLayer: n % 5,
  index: 0,
  length: 2,
  proofLayers: 3,
});
const extended = (id: number, payload: Uint8Array): Said => ({ kind: 'extended', id, payload });
const introduction = (entries: object): Said => extended(0, encodeBencode(entries as Record<string, number>));

const floods: readonly Flood[] = [
  { what: 'requests for everything, over and over', again: (round) => times(500, (n) => request(n + round)) },
  {
    what: 'requests for what is not there',
    again: () => times(300, (n) => ({ kind: 'request', piece: piece(n % pieceCount), begin: 2 ** 31 - 1, length: 16_384 })),
  },
  {
    what: 'requests of enormous blocks',
    again: () => times(300, (n) => ({ kind: 'request', piece: piece(n % pieceCount), begin: 0, length: 2 ** 31 })),
  },
  {
    what: 'cancels of what was never asked for',
    again: (round) => times(1_000, (n) => ({ kind: 'cancel', piece: piece((n + round) % pieceCount), begin: 0, length: 16_384 })),
  },
  {
    what: 'interest and no interest in turn',
    again: () => times(2_000, (n) => ({ kind: n % 2 === 0 ? 'interested' : 'not-interested' })),
    echoMax: 4,
  },
  { what: 'chokes and unchokes in turn', again: () => times(2_000, (n) => ({ kind: n % 2 === 0 ? 'choke' : 'unchoke' })), echoMax: 1 },
  { what: 'keep-alives without end', again: () => times(3_000, () => ({ kind: 'keep-alive' })), echoMax: 1 },
  { what: 'messages of a kind that nobody knows', again: () => times(10, () => unknown(60_000)), echoMax: 1 },
  { what: 'an unknown message of a gigabyte', again: () => [Uint8Array.of(0x40, 0, 0, 0, 99)], ended: true },
  {
    what: 'bitfields over and over',
    again: () => times(500, (n) => ({ kind: 'bitfield', bits: new Uint8Array(Math.ceil(pieceCount / 8)).fill(n % 2 === 0 ? 0 : 0x80) })),
    echoMax: 1,
  },
  { what: 'the same piece said to be had', again: () => times(2_000, () => ({ kind: 'have', piece: piece(1) })), echoMax: 1 },
  { what: 'rejects of what nobody asked for', again: () => [{ kind: 'reject', piece: piece(1), begin: 0, length: 16_384 }], ended: true },
  { what: 'suggestions without end', again: () => times(2_000, (n) => ({ kind: 'suggest', piece: piece(n % pieceCount) })), echoMax: 1 },
  {
    what: 'extension handshakes of 60 KB',
    again: (round) => times(5, () => introduction({ v: 'x'.repeat(60_000), m: {}, p: round })),
    echoMax: 1,
  },
  {
    what: 'an extension handshake with thousands of extensions, and metadata of 2 GB',
    again: () => [introduction({ m: Object.fromEntries(times(3_000, (n) => [`x${n}`, 1])), metadata_size: 2 ** 31 })],
    echoMax: 1,
  },
  { what: 'an extension handshake beyond the limit', again: () => times(1, () => extended(0, new Uint8Array(70_000))), ended: true },
  {
    what: 'requests for metadata',
    first: [introduction({ m: { ut_metadata: 3 } })],
    again: () => times(300, (n) => extended(extensionIds.ut_metadata, encodeMetadataMessage({ kind: 'request', piece: n % 3 }))),
    echoMax: 2,
  },
  { what: 'requests for hashes', again: () => times(300, hashRequest), echoMax: 2 },
  {
    what: 'addresses of peers that do not exist',
    first: [introduction({ m: { ut_pex: 2 } })],
    again: (round) =>
      times(20, (n) =>
        extended(
          extensionIds.ut_pex,
          encodePexMessage({ added: times(50, (m) => ({ host: `10.${round % 250}.${n}.${m + 1}`, port: 1 + m, flags: 0 })), dropped: [] }),
        ),
      ),
    echoMax: 1,
  },
  {
    what: 'extended messages of kinds that nobody asked for',
    again: () => times(20, (n) => extended(200 + (n % 50), new Uint8Array(30_000))),
    echoMax: 1,
  },
  {
    what: 'hashes that nobody asked for',
    again: () =>
      times(20, () => ({ ...(hashRequest(1) as WireMessage & { kind: 'hash-request' }), kind: 'hashes', hashes: new Uint8Array(5 * 32) })),
    echoMax: 1,
  },
];

const ROUNDS_MAX = 30;

describe('a seed that is flooded', () => {
  for (const { what, first = [], again, ended, echoMax } of floods) {
    it(`with ${what} serves the honest peer`, () => {
      const scene = new Scene('seed');
      const [line] = scene.attacker() as [Line];
      line.hello();
      line.say({ kind: 'have-none' }, ...first, { kind: 'interested' });
      scene.pass(millis(500));
      const before = line.bytesHeard;
      let [rounds, sent] = [0, 0];
      scene.honestTransfer(() => {
        if (line.over || rounds >= ROUNDS_MAX) return;
        const parts = again(rounds++);
        for (const part of parts) sent += (part instanceof Uint8Array ? part : encodeMessage(part)).length;
        line.say(...parts);
      });
      scene.bounded();
      if (ended === true) assert.ok(line.over, 'it was let go');
      if (echoMax !== undefined)
        assert.ok(line.bytesHeard - before <= echoMax * sent + 20_000, `${line.bytesHeard - before} bytes for ${sent}`);
    });
  }

  it('by somebody who asks for much and reads nothing holds a bounded amount for him, and lets him go', () => {
    const scene = new Scene('seed');
    const [line] = scene.attacker() as [Line];
    line.hello();
    line.say({ kind: 'have-none' }, { kind: 'interested' });
    scene.pass(seconds(1));
    const before = bytesInUse();
    line.deafen();
    let rounds = 0;
    scene.honestTransfer(() => {
      if (rounds++ < ROUNDS_MAX) line.say(...times(400, request));
    });
    scene.bounded();
    assert.ok(bytesInUse() - before < dataLimits.sendQueueBytesMax + 16 * 1024 * 1024);
  });

  it('by somebody without the fast extension who asks for what is not there lets him go', () => {
    const scene = new Scene('seed');
    const [line] = scene.attacker() as [Line];
    line.hello({ fast: false });
    line.say({ kind: 'interested' });
    scene.pass(seconds(1));
    line.say({ kind: 'request', piece: piece(0), begin: 2 ** 31 - 1, length: 16_384 });
    scene.honestTransfer();
    assert.ok(line.over);
    scene.bounded();
  });
});

describe('connections that are held', () => {
  it('without a word are closed after a while, and are not all that there is room for', () => {
    const scene = new Scene('seed');
    const lines = scene.attacker(200);
    scene.pass(seconds(1));
    scene.honestTransfer();
    scene.pass(seconds(dataLimits.firstMessageTimeoutMs / 1_000));
    assert.ok(lines.every(({ over }) => over));
    scene.bounded();
  });

  it('by a thousand from fifty hosts, each with its handshake, leave room for the honest peer in the end', () => {
    const scene = new Scene('seed');
    const lines = times(50, () => scene.attacker(20)).flat();
    for (const [n, line] of lines.entries()) line.hello({ peerId: `-XX0001-${n}` });
    scene.pass(seconds(dataLimits.firstMessageTimeoutMs / 1_000 + 5));
    assert.ok(lines.every(({ over }) => over));
    scene.honestTransfer();
    scene.bounded();
  });

  it('by a handshake that trickles in byte by byte are closed in time', () => {
    const scene = new Scene('seed');
    const [line] = scene.attacker() as [Line];
    let sent = 0;
    const trickle = (): void => {
      if (!line.over && sent < 67) line.say(Uint8Array.of('\x13BitTorrent protocol'.charCodeAt(sent++) || 0));
    };
    scene.honestTransfer(trickle);
    for (let n = 0; n < 400 && !line.over; n++) {
      if (n % 10 === 0) trickle();
      scene.pass(millis(100));
    }
    assert.ok(line.over);
    scene.bounded();
  });

  it('for another torrent, or for none, are closed at once', () => {
    const scene = new Scene('seed');
    const [stranger, noise] = scene.attacker(2) as [Line, Line];
    stranger.say(Buffer.concat([Buffer.from('\x13BitTorrent protocol'), Buffer.alloc(48, 5)]));
    noise.say(Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(10)));
    scene.pass(seconds(1));
    assert.ok(stranger.over);
    scene.honestTransfer();
    scene.bounded();
  });
});

describe('a download beside a liar', () => {
  /** It has everything, it says, and lets everybody ask. */
  const liar = (scene: Scene): Line => {
    const [line] = scene.attacker() as [Line];
    line.hello();
    line.say({ kind: 'have-all' }, { kind: 'unchoke' });
    return line;
  };

  it('that answers nothing comes to its end, and does not ask it for everything', () => {
    const scene = new Scene('leech');
    const line = liar(scene);
    scene.pass(millis(300));
    scene.honestTransfer();
    const asked = line.heard.filter((kind) => kind === 'request').length;
    assert.ok(asked <= dataLimits.requestsUnderWayMax, `${asked} requests to one that never answered`);
    scene.bounded();
  });

  it('that sends wrong bytes bans it, and takes nothing of it', () => {
    const scene = new Scene('leech');
    const line = liar(scene);
    line.replies = (message) =>
      message.kind === 'request' ? [Buffer.concat([encodePieceHeader(message), new Uint8Array(message.length).fill(1)])] : [];
    scene.pass(millis(300));
    scene.honestTransfer();
    assert.ok(line.over);
    assert.equal(scene.victim.banned.length, 1);
    assert.ok(scene.victim.exchange.piecesBad <= pieceCount, `${scene.victim.exchange.piecesBad} bad pieces`);
    scene.bounded();
  });

  it('that rejects every request at once is not asked for ever', () => {
    const scene = new Scene('leech');
    const line = liar(scene);
    line.replies = (message) => (message.kind === 'request' ? [{ ...message, kind: 'reject' }] : []);
    scene.honestTransfer();
    const asked = line.heard.filter((kind) => kind === 'request').length;
    assert.ok(asked < 4_000, `${asked} requests to one that rejects them all`);
    scene.bounded();
  });

  it('that chokes and unchokes without end is not asked more each time', () => {
    const scene = new Scene('leech');
    const line = liar(scene);
    let [rounds, sent] = [0, 0];
    scene.honestTransfer(() => {
      if (rounds++ >= ROUNDS_MAX) return;
      line.say(...times(200, (n): Said => ({ kind: n % 2 === 0 ? 'choke' : 'unchoke' })));
      sent += 200 * 5;
    });
    assert.ok(line.bytesHeard < 40 * sent + 50_000, `${line.bytesHeard} bytes for ${sent}`);
    scene.bounded();
  });

  it('that sends blocks nobody asked for lets it go', () => {
    const scene = new Scene('leech');
    const line = liar(scene);
    scene.pass(millis(300));
    line.say(Buffer.concat([encodePieceHeader({ piece: piece(pieceCount - 1), begin: 0, length: 16 }), new Uint8Array(16)]));
    scene.honestTransfer();
    assert.ok(line.over);
    scene.bounded();
  });

  it('that begins a block and lets it trickle keeps that block from nobody', () => {
    const scene = new Scene('leech');
    const line = liar(scene);
    let begun = false;
    line.replies = (message) => {
      if (message.kind !== 'request' || begun) return [];
      begun = true;
      return [encodePieceHeader(message)];
    };
    scene.honestTransfer(() => begun && line.say(Uint8Array.of(0)));
    assert.ok(begun);
    scene.bounded();
  });

  it('that claims metadata of 2 GB and offers a thousand extensions costs nothing', () => {
    const scene = new Scene('leech');
    const line = liar(scene);
    const before = bytesInUse();
    line.say(extended(0, encodeExtensionHandshake({ metadataBytes: 2 ** 31 - 1, requestQueueMax: 65_536, client: 'x' })));
    scene.honestTransfer();
    assert.ok(bytesInUse() - before < 24 * 1024 * 1024);
    scene.bounded();
  });
});
