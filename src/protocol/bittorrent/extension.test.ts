import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { agreedBlockBytes, encodeExtensionHandshake, type ExtensionHandshake, readExtensionHandshake } from './extension.ts';
import { valueOf } from './torrent.test-kit.ts';

const latin1 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

const nothing: ExtensionHandshake = {
  extensions: new Map(),
  client: null,
  listenPort: null,
  requestQueueMax: null,
  metadataBytes: null,
  uploadOnly: false,
  yourIp: null,
  blockBytesMax: null,
  node: null,
};

describe('extension handshake', () => {
  it('is read back as it was written', () => {
    const handshake: ExtensionHandshake = {
      extensions: new Map([
        ['ut_metadata', 3],
        ['ut_pex', 1],
      ]),
      client: 'Shoal 0.1',
      listenPort: 6881,
      requestQueueMax: 500,
      metadataBytes: 31_235,
      uploadOnly: true,
      yourIp: new Uint8Array([10, 0, 0, 7]),
      blockBytesMax: 1_048_576,
      node: 'node-2',
    };
    assert.deepEqual(valueOf(readExtensionHandshake(encodeExtensionHandshake(handshake))), handshake);
    assert.deepEqual(valueOf(readExtensionHandshake(encodeExtensionHandshake({}))), nothing);
  });

  it('reads what other clients send, keys in any order and entries of the wrong kind', () => {
    const theirs = valueOf(
      readExtensionHandshake(
        latin1('d1:v6:\xb5T 3.61:md6:ut_pexi1e11:ut_metadatai0e3:bad2:hie1:p3:abc4:reqqi-1e6:yourip4:\x01\x02\x03\x04e'),
      ),
    );
    assert.deepEqual(
      [...theirs.extensions],
      [
        ['ut_pex', 1],
        ['ut_metadata', 0],
      ],
    );
    assert.deepEqual([theirs.listenPort, theirs.requestQueueMax, theirs.blockBytesMax], [null, null, null]);
  });

  it('never throws on bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        readExtensionHandshake(bytes);
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
