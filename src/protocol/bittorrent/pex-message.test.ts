import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { encodeBencode } from './bencode.ts';
import { decodePexMessage, encodePexMessage } from './pex-message.ts';
import { valueOf } from './torrent.test-kit.ts';

const byte = fc.integer({ min: 0, max: 255 });
const port = fc.integer({ min: 1, max: 65_535 });
const v4 = fc.record({ host: fc.tuple(byte, byte, byte, byte).map((bytes) => bytes.join('.')), port }, { noNullPrototype: true });
const v6 = fc.record(
  { host: fc.tuple(byte, byte).map(([a, b]) => `2001:db8::${(a + 1).toString(16)}:${(b + 1).toString(16)}`), port },
  { noNullPrototype: true },
);
const peers = fc.array(fc.oneof(v4, v6), { maxLength: 50 });
const added = fc.array(
  fc.tuple(fc.oneof(v4, v6), byte).map(([peer, flags]) => ({ ...peer, flags })),
  { maxLength: 50 },
);
/** Those of IPv4 come before those of IPv6. */
const inOrder = <T extends { host: string }>(list: readonly T[]): T[] => [
  ...list.filter(({ host }) => !host.includes(':')),
  ...list.filter(({ host }) => host.includes(':')),
];

describe('messages of the peer exchange', () => {
  it('are read back as they were written, each peer with its flags', () => {
    fc.assert(
      fc.property(added, peers, (come, gone) => {
        const read = valueOf(decodePexMessage(encodePexMessage({ added: come, dropped: gone })));
        assert.deepEqual(read, { added: inOrder(come), dropped: inOrder(gone) });
      }),
    );
  });

  it('leave out peers at port 0 and keep the flags of the others in place', () => {
    const list = Uint8Array.of(10, 0, 0, 1, 0, 0, 10, 0, 0, 2, 0, 80);
    const read = valueOf(decodePexMessage(encodeBencode({ added: list, 'added.f': Uint8Array.of(1, 2) })));
    assert.deepEqual(read, { added: [{ host: '10.0.0.2', port: 80, flags: 2 }], dropped: [] });
  });

  it('of ten thousand peers give no more than 200', () => {
    const read = valueOf(decodePexMessage(encodeBencode({ added: new Uint8Array(60_000).fill(9) })));
    assert.equal(read.added.length, 200);
  });

  it('never throw on bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => void decodePexMessage(bytes)));
    assert.equal(decodePexMessage(Buffer.from('le')).ok, false);
  });
});
