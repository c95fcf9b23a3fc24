import { createHash } from 'node:crypto';
import type { PieceDigestPlan, PieceDigests } from '../ports/crypto.ts';
import { merkleHashBytes, merkleLeafBytes, merkleRoot } from '../protocol/bittorrent/merkle.ts';
import { sha1, sha256 } from '../protocol/digest.ts';

const zeros = new Uint8Array(merkleLeafBytes);

const sha1WithTail = (bytes: Uint8Array, zeroTail: number): Uint8Array => {
  if (zeroTail === 0) return sha1(bytes);
  const digest = createHash('sha1').update(bytes);
  for (let left = zeroTail; left > 0; left -= zeros.length) digest.update(left < zeros.length ? zeros.subarray(0, left) : zeros);
  return digest.digest();
};

/** A short last leaf is hashed as it is; leaves that are missing are zero hashes (BEP 52). */
const rootOver = (bytes: Uint8Array, leaves: number): Uint8Array => {
  const layer = new Uint8Array(leaves * merkleHashBytes);
  for (let leaf = 0, at = 0; at < bytes.length; leaf++, at += merkleLeafBytes) {
    layer.set(sha256(bytes.subarray(at, at + merkleLeafBytes)), leaf * merkleHashBytes);
  }
  return merkleRoot(layer, 0);
};

/** A digest of its own memory: structured clone copies the whole buffer that a view is a part of. */
const own = (digest: Uint8Array): Uint8Array => new Uint8Array(digest);

/** The calculation of `Crypto.pieceDigests`, on the calling thread. */
export const computePieceDigests = (bytes: Uint8Array, plan: PieceDigestPlan): PieceDigests => {
  if (plan.merkleLeaves !== 0 && plan.merkleLeaves * merkleLeafBytes < bytes.length)
    throw new Error(`${bytes.length} bytes have more than ${plan.merkleLeaves} leaves`);
  return {
    sha1: plan.sha1 ? own(sha1WithTail(bytes, plan.sha1ZeroTail)) : null,
    merkleRoot: plan.merkleLeaves === 0 ? null : own(rootOver(bytes, plan.merkleLeaves)),
  };
};
