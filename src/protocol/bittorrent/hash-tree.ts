/** Runs of hashes with their proofs, as peers ask each other for them (BEP 52): cut out of a tree, and checked against its root. */
import { equalBytes } from '../digest.ts';
import { isPowerOfTwo, merkleHashBytes, merkleLeafBytes, merklePair, merkleRoot, powerOfTwoFrom, zeroSubtree } from './merkle.ts';
import { type HashRange, hashesMax } from './wire.ts';

/** Layers of the tree of a file from its leaves (0) up to, not with, its root. */
export const treeLevels = (fileBytes: number): number => Math.log2(powerOfTwoFrom(Math.ceil(fileBytes / merkleLeafBytes)));

/** How many hashes follow the run: one for each layer that cannot be calculated from the run itself. */
export const proofHashes = ({ length, proofLayers }: HashRange): number => Math.max(0, proofLayers + 1 - Math.log2(length));

/**
 * Whether the range lies inside the tree of a file of so many bytes. A run of a single hash is no range by BEP 52, but
 * libtorrent 2.0 asks for one at the end of a long layer.
 */
export const isHashRange = ({ baseLayer, index, length, proofLayers }: HashRange, fileBytes: number, lengthMax: number): boolean => {
  const levels = treeLevels(fileBytes);
  const width = 2 ** (levels - baseLayer);
  return (
    baseLayer < levels &&
    isPowerOfTwo(length) &&
    length <= lengthMax &&
    index % length === 0 &&
    index + length <= width &&
    proofLayers < levels - baseLayer
  );
};

/** Hashes of a layer between places, 32 bytes each; where the layer has none, those of a zero subtree. */
const cut = (layer: Uint8Array, level: number, from: number, to: number): Uint8Array => {
  const bytes = new Uint8Array((to - from) * merkleHashBytes);
  const there = layer.subarray(from * merkleHashBytes, to * merkleHashBytes);
  bytes.set(there);
  const zero = zeroSubtree(level);
  for (let at = there.length; at < bytes.length; at += merkleHashBytes) bytes.set(zero, at);
  return bytes;
};

/** How many hashes at most are to be calculated for the proof of a range, those aside that a tree keeps. */
export const proofCost = ({ length, proofLayers }: HashRange): number => {
  const highest = Math.min(proofLayers, Math.log2(hashesMax) - 1);
  return Math.max(0, 2 ** (highest + 1) - length);
};

/**
 * The upper part of a file's tree over one of its layers. Roots over each `hashesMax` hashes of the layer are kept once
 * they were wanted: runs of that length, as everybody asks for, cost next to nothing, shorter ones `proofCost`.
 */
export class HashTree {
  readonly #layer: Uint8Array;
  readonly #level: number;
  #tops: Uint8Array | null = null;

  /** `layer`: the hashes that there are, without padding; `level`: how many levels above the leaves they stand. */
  constructor(layer: Uint8Array, level: number) {
    this.#layer = layer;
    this.#level = level;
  }

  /** The run and its proof, from below upwards; of a range that `isHashRange`, its base layer this tree's. */
  hashes(range: HashRange): Uint8Array {
    const run = cut(this.#layer, this.#level, range.index, range.index + range.length);
    const low = Math.log2(range.length);
    const proof: Uint8Array[] = [];
    for (let up = low; up <= range.proofLayers; up++) proof.push(this.node(up, Math.floor(range.index / 2 ** up) ^ 1));
    return new Uint8Array(Buffer.concat([run, ...proof]));
  }

  /** The hash so many levels above the layer. */
  node(up: number, index: number): Uint8Array {
    const span = 2 ** up;
    if (span < hashesMax) return merkleRoot(cut(this.#layer, this.#level, index * span, (index + 1) * span), this.#level);
    const tops = this.#topRoots();
    const wide = span / hashesMax;
    const level = this.#level + Math.log2(hashesMax);
    return merkleRoot(cut(tops, level, index * wide, (index + 1) * wide), level);
  }

  #topRoots(): Uint8Array {
    if (this.#tops !== null) return this.#tops;
    const roots: Uint8Array[] = [];
    for (let from = 0; from * merkleHashBytes < this.#layer.length; from += hashesMax)
      roots.push(merkleRoot(cut(this.#layer, this.#level, from, from + hashesMax), this.#level));
    this.#tops = new Uint8Array(Buffer.concat(roots));
    return this.#tops;
  }
}

/**
 * The run and its proof of a range of leaves that lie in one piece. `leaves`: those of that piece, without padding; `above`:
 * the tree over the file's pieces, null where it has only one; `level`: of a piece's root.
 */
export const leafHashes = (range: HashRange, leaves: Uint8Array, above: HashTree | null, level: number): Uint8Array => {
  const width = 2 ** level;
  const inPiece = { ...range, index: range.index % width, proofLayers: Math.min(range.proofLayers, level - 1) };
  const proof = [new HashTree(leaves, 0).hashes(inPiece)];
  for (let up = Math.max(level, Math.log2(range.length)); up <= range.proofLayers; up++)
    if (above !== null) proof.push(above.node(up - level, Math.floor(range.index / 2 ** up) ^ 1));
  return new Uint8Array(Buffer.concat(proof));
};

/**
 * Whether the hashes, a run and its proof, belong into the tree with this root: the proof reaches up to it. `fileBytes`
 * tells how high the tree is.
 */
export const provesHashes = (range: HashRange, hashes: Uint8Array, fileBytes: number): boolean => {
  const levels = treeLevels(fileBytes) - range.baseLayer;
  const runBytes = range.length * merkleHashBytes;
  if (range.proofLayers !== levels - 1 || hashes.length !== runBytes + proofHashes(range) * merkleHashBytes) return false;
  let node = merkleRoot(hashes.subarray(0, runBytes), range.baseLayer);
  let place = range.index / range.length;
  for (let at = runBytes; at < hashes.length; at += merkleHashBytes) {
    const uncle = hashes.subarray(at, at + merkleHashBytes);
    node = place % 2 === 0 ? merklePair(node, uncle) : merklePair(uncle, node);
    place = Math.floor(place / 2);
  }
  return equalBytes(node, range.piecesRoot);
};

/** The requests that fetch a whole layer of a file, each with a full proof; `count`: hashes of the layer without padding. */
export const layerRequests = (piecesRoot: Uint8Array, fileBytes: number, baseLayer: number, count: number): HashRange[] => {
  const length = Math.min(hashesMax, Math.max(2, powerOfTwoFrom(count)));
  const proofLayers = treeLevels(fileBytes) - baseLayer - 1;
  const ranges: HashRange[] = [];
  for (let index = 0; index < count; index += length) ranges.push({ piecesRoot, baseLayer, index, length, proofLayers });
  return ranges;
};
