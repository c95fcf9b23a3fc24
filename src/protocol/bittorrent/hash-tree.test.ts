import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { sha256 } from '../digest.ts';
import { HashTree, isHashRange, layerRequests, leafHashes, proofHashes, provesHashes, treeLevels } from './hash-tree.ts';
import { merkleRoot } from './merkle.ts';
import { rootOfLeaves, testBytes } from './torrent.test-kit.ts';
import type { HashRange } from './wire.ts';

const LEAF = 16_384;
/** A layer of made-up hashes, and its root. */
const layerOf = (count: number, level: number): { layer: Uint8Array; root: Uint8Array; fileBytes: number } => {
  const layer = new Uint8Array(Buffer.concat(Array.from({ length: count }, (_, n) => sha256(`${n}`))));
  return { layer, root: merkleRoot(layer, level), fileBytes: count * 2 ** level * LEAF };
};
const counts = fc.integer({ min: 2, max: 2_100 });
const levels = fc.integer({ min: 0, max: 4 });

describe('hash trees', () => {
  it('answer the requests for a whole layer with proofs that hold', () => {
    fc.assert(
      fc.property(counts, levels, (count, level) => {
        const { fileBytes, layer, root } = layerOf(count, level);
        const tree = new HashTree(layer, level);
        const parts: Uint8Array[] = [];
        for (const range of layerRequests(root, fileBytes, level, count)) {
          assert.ok(isHashRange(range, fileBytes, 512), JSON.stringify(range));
          const hashes = tree.hashes(range);
          assert.equal(hashes.length, (range.length + proofHashes(range)) * 32);
          assert.ok(provesHashes(range, hashes, fileBytes));
          parts.push(hashes.subarray(0, range.length * 32));
        }
        assert.deepEqual(Buffer.concat(parts).subarray(0, layer.length), Buffer.from(layer));
      }),
      { numRuns: 40 },
    );
  });

  it('prove runs of every length and place, and no others', () => {
    const { fileBytes, layer, root } = layerOf(21, 2);
    const tree = new HashTree(layer, 2);
    for (let length = 1; length <= 32; length *= 2) {
      for (let index = 0; index < 32; index += length) {
        const range: HashRange = { piecesRoot: root, baseLayer: 2, index, length, proofLayers: 4 };
        const hashes = tree.hashes(range);
        assert.ok(provesHashes(range, hashes, fileBytes), `${index} ${length}`);
        for (const at of [0, hashes.length - 1]) {
          const wrong = hashes.slice();
          wrong[at] = (wrong[at] as number) ^ 1;
          assert.equal(provesHashes(range, wrong, fileBytes), false);
        }
        // Beyond the data all hashes are alike.
        if (length < 32 && index < 16)
          assert.equal(provesHashes({ ...range, index: index ^ length }, hashes, fileBytes), false, 'another place');
        assert.equal(provesHashes(range, hashes.subarray(32), fileBytes), false, 'cut short');
      }
    }
  });

  it('prove runs of leaves of one piece, also of a file of one piece', () => {
    for (const fileBytes of [LEAF * 3 + 5, LEAF * 4 * 3 + 77]) {
      const bytes = testBytes(fileBytes);
      const pieceBytes = LEAF * 4;
      const roots: Uint8Array[] = [];
      for (let at = 0; at < fileBytes; at += pieceBytes) roots.push(rootOfLeaves(bytes.subarray(at, at + pieceBytes), 4));
      const above = roots.length > 1 ? new HashTree(new Uint8Array(Buffer.concat(roots)), 2) : null;
      const root = above === null ? (roots[0] as Uint8Array) : merkleRoot(new Uint8Array(Buffer.concat(roots)), 2);
      for (let piece = 0; piece < roots.length; piece++) {
        const leaves: Uint8Array[] = [];
        for (let at = piece * pieceBytes; at < Math.min(fileBytes, (piece + 1) * pieceBytes); at += LEAF)
          leaves.push(sha256(bytes.subarray(at, at + LEAF)));
        for (let length = 1; length <= 4; length *= 2) {
          const range = { piecesRoot: root, baseLayer: 0, index: piece * 4, length, proofLayers: treeLevels(fileBytes) - 1 };
          const hashes = leafHashes(range, new Uint8Array(Buffer.concat(leaves)), above, 2);
          assert.ok(provesHashes(range, hashes, fileBytes), `${fileBytes} ${piece} ${length}`);
        }
      }
    }
  });

  it('take no range outside of the tree', () => {
    const fileBytes = 5 * LEAF;
    const good = { piecesRoot: new Uint8Array(32), baseLayer: 0, index: 0, length: 8, proofLayers: 2 };
    assert.ok(isHashRange(good, fileBytes, 512));
    const bad: readonly Partial<HashRange>[] = [
      { length: 0 },
      { length: 3 },
      { length: 16 },
      { index: 1 },
      { index: 8 },
      { proofLayers: 3 },
      { baseLayer: 3 },
      { baseLayer: 2 ** 32 - 1 },
      { index: 2 ** 32 - 8 },
    ];
    for (const part of bad) assert.equal(isHashRange({ ...good, ...part }, fileBytes, 512), false, JSON.stringify(part));
    assert.equal(isHashRange(good, fileBytes, 4), false, 'longer than allowed');
    assert.equal(isHashRange(good, 10, 512), false, 'a file of one leaf has its root alone');
  });
});
