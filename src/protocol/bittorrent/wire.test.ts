import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { Bitfield } from './bitfield.ts';
import type { Handshake } from './handshake.ts';
import { decodeHandshake, encodeHandshake } from './handshake.ts';
import type { PieceIndex, WireHash } from './ids.ts';
import { makePeerId } from './ids.ts';
import type { BlockRange, WireMessage } from './wire.ts';
import { encodeMessage, encodePieceHeader, encodeRequests } from './wire.ts';
import type { WireLimits } from './wire-decoder.ts';
import { WireDecoder } from './wire-decoder.ts';

const pieceCount = 1003;
const handshake: Handshake = {
  infoHash: new Uint8Array(20).fill(0xab) as WireHash,
  peerId: makePeerId(new Uint8Array(12).fill(7)),
  fast: true,
  extended: true,
  v2: false,
};

type Heard = { handshake: Handshake } | WireMessage | { start: BlockRange } | { data: string } | 'end';

/** Decodes chunks and tells what the sink heard; the bytes of a block as one text, wherever they were cut. */
const hear = (chunks: readonly Uint8Array[], limits: Partial<WireLimits> = {}): { heard: Heard[]; violation: string | null } => {
  const heard: Heard[] = [];
  let data = '';
  const decoder = new WireDecoder(
    {
      handshake: (value) => {
        heard.push({ handshake: value });
        decoder.setTorrent(pieceCount);
      },
      message: (message) => heard.push(message),
      pieceStart: (start) => heard.push({ start }),
      pieceBytes: (chunk) => {
        assert.ok(chunk.length > 0);
        data += Buffer.from(chunk).toString('hex');
      },
      pieceEnd: () => {
        heard.push({ data }, 'end');
        data = '';
      },
    },
    limits,
  );
  for (const chunk of chunks) {
    // The bytes are lent: what is used after the call would be seen as rubbish.
    const lent = chunk.slice();
    const violation = decoder.push(lent);
    lent.fill(0xee);
    if (violation !== null) return { heard, violation: violation.reason };
  }
  return { heard, violation: null };
};

const after = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat([encodeHandshake(handshake), ...parts]));

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));

const plain = { noNullPrototype: true };
const u32 = fc.nat({ max: 0xffff_ffff });
const piece = fc.nat({ max: pieceCount - 1 }) as fc.Arbitrary<PieceIndex>;
const block = fc.record({ piece, begin: u32, length: u32 }, plain);
const hashRange = fc.record(
  {
    piecesRoot: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    baseLayer: u32,
    index: u32,
    length: u32,
    proofLayers: u32,
  },
  plain,
);
const hashes = fc.nat({ max: 4 }).chain((count) => fc.uint8Array({ minLength: 32 * count, maxLength: 32 * count }));
const bits = fc.array(piece, { maxLength: 50 }).map((pieces) => {
  const field = Bitfield.empty(pieceCount);
  for (const index of pieces) field.add(index);
  return field.toBytes();
});

type Sendable = Exclude<WireMessage, { kind: 'unknown' }>;
const anyMessage: fc.Arbitrary<Sendable> = fc.oneof(
  fc.constantFrom<Sendable[]>(
    { kind: 'keep-alive' },
    { kind: 'choke' },
    { kind: 'unchoke' },
    { kind: 'interested' },
    { kind: 'not-interested' },
    { kind: 'have-all' },
    { kind: 'have-none' },
  ),
  fc
    .tuple(fc.constantFrom<('have' | 'suggest' | 'allowed-fast')[]>('have', 'suggest', 'allowed-fast'), piece)
    .map(([kind, index]): Sendable => ({ kind, piece: index })),
  bits.map((bytes): Sendable => ({ kind: 'bitfield', bits: bytes })),
  block.chain((range) =>
    fc.constantFrom<Sendable[]>({ kind: 'request', ...range }, { kind: 'cancel', ...range }, { kind: 'reject', ...range }),
  ),
  fc.nat({ max: 65_535 }).map((port): Sendable => ({ kind: 'port', port })),
  fc.tuple(fc.nat({ max: 255 }), fc.uint8Array({ maxLength: 100 })).map(([id, payload]): Sendable => ({ kind: 'extended', id, payload })),
  hashRange.chain((range) => fc.constantFrom<Sendable[]>({ kind: 'hash-request', ...range }, { kind: 'hash-reject', ...range })),
  fc.tuple(hashRange, hashes).map(([range, list]): Sendable => ({ kind: 'hashes', ...range, hashes: list })),
);

const anyBlock = fc.record({ piece, begin: u32, data: fc.uint8Array({ minLength: 1, maxLength: 300 }) });
const traffic = fc.array(fc.oneof(anyMessage, anyBlock), { maxLength: 12 });

const encodeTraffic = (items: readonly (Sendable | { piece: PieceIndex; begin: number; data: Uint8Array })[]): Uint8Array =>
  after(
    ...items.flatMap((item) =>
      'data' in item
        ? [encodePieceHeader({ piece: item.piece, begin: item.begin, length: item.data.length }), item.data]
        : [encodeMessage(item)],
    ),
  );

const expectTraffic = (items: readonly (Sendable | { piece: PieceIndex; begin: number; data: Uint8Array })[]): Heard[] => [
  { handshake },
  ...items.flatMap((item): Heard[] =>
    'data' in item
      ? [
          { start: { piece: item.piece, begin: item.begin, length: item.data.length } },
          { data: Buffer.from(item.data).toString('hex') },
          'end',
        ]
      : [item],
  ),
];

const cut = (bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] => {
  const chunks: Uint8Array[] = [];
  for (let at = 0, n = 0; at < bytes.length; n++) {
    const size = sizes[n % Math.max(1, sizes.length)] ?? bytes.length;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
};

describe('peer wire', () => {
  it('is what BEP 3, 6 and 10 write down, byte for byte', () => {
    const index = 5 as PieceIndex;
    assert.deepEqual(encodeMessage({ kind: 'keep-alive' }), hex('00000000'));
    assert.deepEqual(encodeMessage({ kind: 'unchoke' }), hex('00000001 01'));
    assert.deepEqual(encodeMessage({ kind: 'have', piece: index }), hex('00000005 04 00000005'));
    assert.deepEqual(
      encodeMessage({ kind: 'request', piece: index, begin: 0x4000, length: 0x4000 }),
      hex('0000000d 06 00000005 00004000 00004000'),
    );
    assert.deepEqual(
      encodeRequests([
        { piece: index, begin: 0, length: 1 },
        { piece: index, begin: 1, length: 2 },
      ]),
      hex('0000000d 06 00000005 00000000 00000001 0000000d 06 00000005 00000001 00000002'),
    );
    assert.deepEqual(encodePieceHeader({ piece: index, begin: 0x4000, length: 0x4000 }), hex('00004009 07 00000005 00004000'));
    assert.deepEqual(encodeMessage({ kind: 'reject', piece: index, begin: 1, length: 2 }), hex('0000000d 10 00000005 00000001 00000002'));
    assert.deepEqual(encodeMessage({ kind: 'have-none' }), hex('00000001 0f'));
    assert.deepEqual(encodeMessage({ kind: 'extended', id: 0, payload: hex('6465') }), hex('00000004 14 00 6465'));
    assert.deepEqual(
      Buffer.from(encodeHandshake({ ...handshake, v2: true })).toString('hex'),
      `13${Buffer.from('BitTorrent protocol').toString('hex')}0000000000100014${'ab'.repeat(20)}${Buffer.from('-SH0100-').toString('hex')}${'07'.repeat(12)}`,
    );
  });

  it('gives the same messages however the bytes are cut', () => {
    fc.assert(
      fc.property(traffic, fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 8 }), (items, sizes) => {
        assert.deepEqual(hear(cut(encodeTraffic(items), sizes)), { heard: expectTraffic(items), violation: null });
      }),
      { numRuns: 2000 },
    );
  });

  it('gives the same messages byte by byte', () => {
    fc.assert(
      fc.property(traffic, (items) =>
        assert.deepEqual(hear(cut(encodeTraffic(items), [1])), { heard: expectTraffic(items), violation: null }),
      ),
      { numRuns: 200 },
    );
  });

  it('never throws on bytes', () => {
    const lengths = fc.constantFrom(0, 1, 2, 5, 9, 13, 14, 49, 127);
    const framed = fc
      .array(fc.tuple(lengths, fc.nat({ max: 25 }), fc.uint8Array({ maxLength: 130 })), { maxLength: 5 })
      .map((frames) =>
        Buffer.concat(
          frames.map(([length, id, body]) => Buffer.concat([hex(length.toString(16).padStart(8, '0')), Uint8Array.of(id), body])),
        ),
      );
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), framed), fc.boolean(), (bytes, greeted) => {
        const { heard } = hear([greeted ? after(bytes) : bytes]);
        for (const item of heard) if (typeof item === 'object' && 'piece' in item) assert.ok(item.piece < pieceCount);
      }),
      { numRuns: 10_000 },
    );
  });

  it('lends a block chunk by chunk without copying it', () => {
    const lent: Uint8Array[] = [];
    const decoder = new WireDecoder({
      handshake: () => decoder.setTorrent(9),
      message: () => {},
      pieceStart: () => {},
      pieceBytes: (chunk) => lent.push(chunk),
      pieceEnd: () => {},
    });
    const bytes = after(encodePieceHeader({ piece: 1 as PieceIndex, begin: 0, length: 4 }), hex('01020304'));
    assert.equal(decoder.push(bytes), null);
    assert.equal(lent[0]?.buffer, bytes.buffer);
    assert.deepEqual(lent[0], hex('01020304'));
  });

  const violations: [string, Uint8Array, RegExp][] = [
    ['a piece number beyond the torrent', hex('00000005 04 000003eb'), /piece 1003/u],
    ['a block of a piece beyond the torrent', hex('0000000a 07 ffffffff 00000000 01'), /piece 4294967295/u],
    ['a block without data', hex('00000009 07 00000000 00000000'), /no data/u],
    ['a block over 16 KiB where no more was agreed on', hex('0000400a 07'), /limit/u],
    ['a choke message with a body', hex('00000002 00 00'), /choke/u],
    ['a have message cut short', hex('00000004 04 000000'), /have/u],
    ['a bitfield of another torrent', hex('00000003 05 0000'), /bitfield/u],
    ['a huge extended message', hex('7fffffff 14'), /limit/u],
    ['a huge unknown message', hex('ffffffff 63'), /limit/u],
    ['an extended message without an id', hex('00000001 14'), /id/u],
    [
      'hashes that are no whole number',
      encodeMessage({
        kind: 'hashes',
        piecesRoot: new Uint8Array(32),
        baseLayer: 0,
        index: 0,
        length: 2,
        proofLayers: 0,
        hashes: new Uint8Array(33),
      }),
      /whole number/u,
    ],
  ];
  for (const [what, bytes, reason] of violations) {
    it(`refuses ${what}`, () => {
      const { heard, violation } = hear([after(bytes, encodeMessage({ kind: 'unchoke' }))]);
      assert.match(violation ?? '', reason);
      assert.deepEqual(heard, [{ handshake }], 'nothing is heard after a violation');
    });
  }

  it('refuses another protocol at its first byte, and spare bits in a bitfield', () => {
    assert.match(hear([hex('47')]).violation ?? '', /BitTorrent/u);
    const spare = new Uint8Array(126);
    spare[125] = 1;
    assert.match(hear([after(encodeMessage({ kind: 'bitfield', bits: spare }))]).violation ?? '', /spare/u);
    assert.equal(decodeHandshake(encodeHandshake(handshake).subarray(0, 67)).kind, 'incomplete');
  });

  it('takes a larger block once it was agreed on', () => {
    const bytes = after(encodePieceHeader({ piece: 0 as PieceIndex, begin: 0, length: 65_536 }), new Uint8Array(65_536));
    assert.match(hear([bytes]).violation ?? '', /limit/u);
    assert.equal(hear([bytes], { blockBytesMax: 65_536 }).violation, null);
  });

  it('skips messages of a kind it does not know', () => {
    const { heard, violation } = hear([after(hex('00000004 63 010203 00000001 63'), encodeMessage({ kind: 'choke' }))]);
    assert.equal(violation, null);
    assert.deepEqual(heard.slice(1), [{ kind: 'unknown', id: 0x63 }, { kind: 'unknown', id: 0x63 }, { kind: 'choke' }]);
  });

  it('tells nothing more once it was stopped, not even from the same chunk', () => {
    const listen = (stopAt: string): string[] => {
      const told: string[] = [];
      const tell = (what: string): void => {
        told.push(what);
        if (what === stopAt) decoder.stop();
      };
      const decoder = new WireDecoder({
        handshake: () => decoder.setTorrent(9),
        message: ({ kind }) => tell(kind),
        pieceStart: () => tell('start'),
        pieceBytes: () => tell('bytes'),
        pieceEnd: () => tell('end'),
      });
      const header = encodePieceHeader({ piece: 1 as PieceIndex, begin: 0, length: 1 });
      assert.equal(decoder.push(after(encodeMessage({ kind: 'choke' }), header, hex('01'), encodeMessage({ kind: 'unchoke' }))), null);
      assert.equal(decoder.push(hex('00000000')), null);
      return told;
    };
    const all = ['choke', 'start', 'bytes', 'end', 'unchoke', 'keep-alive'];
    for (const [n, stopAt] of all.entries()) assert.deepEqual(listen(stopAt), all.slice(0, n + 1));
  });

  it('makes peer ids that name this program', () => {
    const id = makePeerId(new Uint8Array(12).fill(0x61));
    assert.equal(Buffer.from(id).toString('latin1'), `-SH0100-${'a'.repeat(12)}`);
  });
});

describe('bitfield', () => {
  it('holds what was added, as the wire has it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 70 }),
        fc.array(fc.nat({ max: 69 })),
        fc.array(fc.nat({ max: 69 })),
        (count, added, removed) => {
          const field = Bitfield.empty(count);
          const model = new Set<number>();
          for (const n of added.filter((each) => each < count)) {
            assert.equal(field.add(n as PieceIndex), !model.has(n));
            model.add(n);
          }
          for (const n of removed.filter((each) => each < count)) assert.equal(field.delete(n as PieceIndex), model.delete(n));
          assert.deepEqual(
            [...field.pieces()],
            [...model].sort((a, b) => a - b),
          );
          assert.equal(field.size, model.size);
          const again = Bitfield.from(field.toBytes(), count);
          assert.deepEqual(again && [...again.pieces(), again.size], [...field.pieces(), field.size]);
          assert.equal(field.complete, model.size === count);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('full has every piece and no spare bit', () => {
    for (const count of [1, 7, 8, 9, 16, 1003]) {
      const full = Bitfield.full(count);
      assert.ok(full.complete && full.size === count);
      assert.equal(Bitfield.from(full.toBytes(), count)?.size, count);
    }
    assert.equal(Bitfield.from(hex('ff'), 7), null);
    assert.equal(Bitfield.from(hex('fe00'), 7), null);
  });

  it('starts at the highest bit', () => {
    const field = Bitfield.empty(9);
    field.add(0 as PieceIndex);
    field.add(8 as PieceIndex);
    assert.deepEqual(field.toBytes(), hex('8080'));
  });
});
