/** Merkle trees of BEP 52: SHA-256 over pairs, leaves of 16 KiB, padded with zero hashes. */
import { sha256 } from '../digest.ts';

export const merkleLeafBytes = 16 * 1024;
export const merkleHashBytes = 32;

/** The least power of two that is not below `value`; 1 for 0. */
export const powerOfTwoFrom = (value: number): number => {
  let power = 1;
  while (power < value) power *= 2;
  return power;
};

export const isPowerOfTwo = (value: number): boolean => Number.isSafeInteger(value) && value > 0 && powerOfTwoFrom(value) === value;

/** The hash above two hashes. */
export const merklePair = (left: Uint8Array, right: Uint8Array): Uint8Array => {
  const both = new Uint8Array(2 * merkleHashBytes);
  both.set(left);
  both.set(right, merkleHashBytes);
  return sha256(both);
};

const zeroRoots: Uint8Array[] = [new Uint8Array(merkleHashBytes)];

/** The root of a subtree of so many levels above leaves that are all zero hashes (level 0). */
export const zeroSubtree = (levels: number): Uint8Array => {
  while (zeroRoots.length <= levels) {
    const last = zeroRoots.at(-1) as Uint8Array;
    zeroRoots.push(merklePair(last, last));
  }
  return zeroRoots[levels] as Uint8Array;
};

/**
 * The root over a layer of hashes (32 bytes each, one after the other, at least one), padded on the right to a power of
 * two with the hash of a zero subtree. `level`: how many levels above the leaves the layer stands.
 */
export const merkleRoot = (layer: Uint8Array, level: number): Uint8Array => {
  let hashes: Uint8Array[] = [];
  for (let at = 0; at < layer.length; at += merkleHashBytes) hashes.push(layer.subarray(at, at + merkleHashBytes));
  for (let height = level, width = powerOfTwoFrom(hashes.length); width > 1; height++, width /= 2) {
    const above: Uint8Array[] = [];
    for (let at = 0; at < hashes.length; at += 2) above.push(merklePair(hashes[at] as Uint8Array, hashes[at + 1] ?? zeroSubtree(height)));
    hashes = above;
  }
  return hashes[0] as Uint8Array;
};

/** Levels between a piece's root and its leaves. */
export const pieceLevel = (pieceLengthBytes: number): number => Math.log2(pieceLengthBytes / merkleLeafBytes);

/**
 * Over how many leaves the merkle root of one piece of a file is taken: those of a whole piece, but where the file is
 * not longer than a piece, those of the file, to a power of two.
 */
export const merkleLeavesOf = (fileBytes: number, pieceLengthBytes: number): number =>
  fileBytes > pieceLengthBytes ? pieceLengthBytes / merkleLeafBytes : powerOfTwoFrom(Math.ceil(fileBytes / merkleLeafBytes));
