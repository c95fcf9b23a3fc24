import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { decodeMetadataMessage, encodeMetadataMessage, type MetadataMessage, metadataPieceCount } from './metadata-message.ts';
import { valueOf } from './torrent.test-kit.ts';

const piece = fc.integer({ min: 0, max: 1_000_000 });
const plain = { noNullPrototype: true } as const;
const message: fc.Arbitrary<MetadataMessage> = fc.oneof(
  fc.record({ kind: fc.constantFrom('request' as const, 'reject' as const), piece }, plain),
  fc.record(
    {
      kind: fc.constant('data' as const),
      piece,
      totalBytes: fc.option(fc.integer({ min: 1, max: 2 ** 31 - 1 })),
      data: fc.uint8Array({ minLength: 1, maxLength: 16_384 }),
    },
    plain,
  ),
);
const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1');

describe('metadata messages', () => {
  it('are read back as they were written', () => {
    fc.assert(
      fc.property(message, (written) => {
        const read = valueOf(decodeMetadataMessage(encodeMetadataMessage(written)));
        assert.deepEqual(read?.kind === 'data' ? { ...read, data: new Uint8Array(read.data) } : read, written);
      }),
    );
  });

  it('are as BEP 9 shows them', () => {
    assert.deepEqual(Buffer.from(encodeMetadataMessage({ kind: 'request', piece: 0 })), latin1('d8:msg_typei0e5:piecei0ee'));
    assert.deepEqual(Buffer.from(encodeMetadataMessage({ kind: 'reject', piece: 0 })), latin1('d8:msg_typei2e5:piecei0ee'));
    const data = decodeMetadataMessage(latin1('d8:msg_typei1e5:piecei0e10:total_sizei34256eexxxx'));
    assert.deepEqual(data, { ok: true, value: { kind: 'data', piece: 0, totalBytes: 34_256, data: latin1('xxxx') } });
    assert.equal(metadataPieceCount(34_256), 3);
  });

  it('of a kind that is not known are passed over, broken ones refused', () => {
    assert.deepEqual(decodeMetadataMessage(latin1('d8:msg_typei9e5:piecei0ee')), { ok: true, value: null });
    const broken = ['', 'i1e', 'd8:msg_typei0ee', 'd5:piecei0ee', 'd8:msg_typei0e5:piecei-1ee', 'd8:msg_typei1e5:piecei0ee'];
    for (const text of broken) assert.equal(decodeMetadataMessage(latin1(text)).ok, false, text);
    const long = Buffer.concat([latin1('d8:msg_typei1e5:piecei0ee'), Buffer.alloc(16_385)]);
    assert.equal(decodeMetadataMessage(long).ok, false, 'more than a piece');
  });

  it('never throw on bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => void decodeMetadataMessage(bytes)));
  });
});
