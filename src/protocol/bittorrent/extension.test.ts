import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { MetadataMessage } from './extension.ts';
import {
  agreedBlockBytes,
  encodeExtensionHandshake,
  encodeMetadataMessage,
  noExtensions,
  readExtensionHandshake,
  readMetadataMessage,
} from './extension.ts';
import { valueOf } from './torrent.test-kit.ts';

const latin1 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

describe('extension handshake', () => {
  it('is read back as it was written', () => {
    const handshake = {
      ...noExtensions,
      extensions: new Map([
        ['ut_metadata', 3],
        ['ut_pex', 1],
      ]),
      client: 'Shoal 0.1',
      listenPort: 6881,
      requestQueueMax: 500,
      metadataBytes: 31_235,
      uploadOnly: true,
      blockBytesMax: 1_048_576,
      node: 'node-2',
    };
    assert.deepEqual(valueOf(readExtensionHandshake(encodeExtensionHandshake(handshake))), handshake);
    assert.deepEqual(valueOf(readExtensionHandshake(encodeExtensionHandshake({}))), noExtensions);
  });

  it('reads what other clients send, keys in any order and entries of the wrong kind', () => {
    const theirs = valueOf(
      readExtensionHandshake(
        latin1('d1:v6:\xb5T 3.61:md6:ut_pexi1e11:ut_metadatai0e3:bad2:hie1:p3:abc4:reqqi-1e6:yourip4:\x01\x02\x03\x04e'),
      ),
    );
    assert.deepEqual([...theirs.extensions], [['ut_pex', 1]]);
    assert.deepEqual([theirs.listenPort, theirs.requestQueueMax, theirs.blockBytesMax], [null, null, null]);
  });

  it('never throws on bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        readExtensionHandshake(bytes);
        readMetadataMessage(bytes);
      }),
      { numRuns: 5000 },
    );
    assert.ok(!readExtensionHandshake(latin1('le')).ok);
  });

  it('agrees on the smaller block, a power of two, and on 16 KiB with everybody else', () => {
    assert.equal(agreedBlockBytes(2 ** 20, null), 16_384);
    assert.equal(agreedBlockBytes(2 ** 20, 2 ** 18), 2 ** 18);
    assert.equal(agreedBlockBytes(2 ** 17, 2 ** 18), 2 ** 17);
    assert.equal(agreedBlockBytes(2 ** 20, 100_000), 65_536);
    assert.equal(agreedBlockBytes(2 ** 20, 1), 16_384);
  });
});

describe('metadata messages', () => {
  it('are read back as they were written', () => {
    const messages: MetadataMessage[] = [
      { kind: 'request', piece: 0 },
      { kind: 'reject', piece: 7 },
      { kind: 'data', piece: 1, totalBytes: 16_389, data: latin1('d1:a') },
    ];
    for (const message of messages) assert.deepEqual(valueOf(readMetadataMessage(encodeMetadataMessage(message))), message);
  });

  it('refuse more than a piece of data, and unknown kinds', () => {
    const data = new Uint8Array(16_385);
    assert.ok(!readMetadataMessage(encodeMetadataMessage({ kind: 'data', piece: 0, totalBytes: 1, data })).ok);
    assert.ok(!readMetadataMessage(latin1('d8:msg_typei9e5:piecei0ee')).ok);
  });
});
