import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PieceIndex } from '../protocol/bittorrent/ids.ts';
import { ok } from '../protocol/result.ts';
import type { Content } from './content.ts';
import type { Peer } from './peer.ts';
import type { RateGate } from './rate-gate.ts';
import { Uplink } from './uplink.ts';

const BLOCK_BYTES = 128 * 1024;

test('memory of an upload is used again when all of it has been written, and not before', () => {
  const blocks: { readonly bytes: Uint8Array; readonly written: (() => void) | undefined }[] = [];
  const peer = {
    congested: false,
    fast: true,
    v1Only: false,
    sendBytes: (bytes: Uint8Array, written?: () => void) => void (bytes.length === BLOCK_BYTES && blocks.push({ bytes, written })),
  } as unknown as Peer;
  const storage = {
    read: (piece: number, _begin: number, into: Uint8Array, done: (result: ReturnType<typeof ok<Uint8Array>>) => void) => {
      into.fill(piece);
      done(ok(into));
    },
  };
  const content = { storage } as unknown as Content;
  const uplink = new Uplink({ take: () => true, wait() {}, giveBack() {} } as unknown as RateGate);
  const ask = (piece: number): void => {
    const range = { piece: piece as PieceIndex, begin: 0, length: BLOCK_BYTES };
    assert.ok(uplink.add(peer, content, range, { sent() {}, failed: () => assert.fail() }));
  };
  for (const piece of [1, 2, 3]) ask(piece);
  assert.deepEqual(
    blocks.map(({ bytes }) => bytes[0]),
    [1, 2, 3],
    'what is not written yet stays as it was read',
  );
  blocks[1]?.written?.();
  ask(4);
  assert.equal(blocks[3]?.bytes.buffer, blocks[1]?.bytes.buffer);
  assert.deepEqual(
    blocks.map(({ bytes }) => bytes[0]),
    [1, 4, 3, 4],
  );
});
