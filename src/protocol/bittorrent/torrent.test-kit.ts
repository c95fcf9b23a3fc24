/** Torrents of made-up content, for tests. */
import { sha1, sha256 } from '../digest.ts';
import type { Result } from '../result.ts';
import type { PieceDigestsMade, PlannedPiece, PlanOptions, TorrentNotes, TorrentPlan } from './make.ts';
import { finishTorrent, plannedPiece, planTorrent } from './make.ts';
import type { Metainfo } from './metainfo.ts';
import { readMetainfo } from './metainfo.ts';

export interface TestFile {
  readonly path: readonly string[];
  readonly bytes: Uint8Array;
  readonly executable?: boolean;
}

export const valueOf = <T>(result: Result<T>): T => {
  if (result.ok) return result.value;
  throw new Error(`${result.error.code}: ${result.error.message}`);
};

/** So many bytes that differ from place to place and from salt to salt. */
export const testBytes = (count: number, salt = 1): Uint8Array =>
  Uint8Array.from({ length: count }, (_, n) => (Math.imul(n + 1, 2_654_435_761) >>> 13) ^ Math.imul(salt, 97));

/** The merkle root as BEP 52 words it, leaf by leaf: slow, and of its own writing. */
export const rootOfLeaves = (bytes: Uint8Array, leaves: number): Uint8Array => {
  if (leaves > 1) {
    const half = (leaves / 2) * 16_384;
    return sha256(Buffer.concat([rootOfLeaves(bytes.subarray(0, half), leaves / 2), rootOfLeaves(bytes.subarray(half), leaves / 2)]));
  }
  return bytes.length === 0 ? new Uint8Array(32) : sha256(bytes.subarray(0, 16_384));
};

const digestPiece = (plan: TorrentPlan, piece: PlannedPiece, files: readonly TestFile[]): PieceDigestsMade => {
  const bytes = Buffer.concat(
    piece.segments.map(({ file, offset, length }) => {
      const source = files[plan.files[file]?.source ?? -1];
      return source?.bytes.subarray(offset, offset + length) ?? new Uint8Array(0);
    }),
  );
  return {
    sha1: sha1(Buffer.concat([bytes, new Uint8Array(piece.sha1ZeroTail)])),
    merkleRoot: piece.merkleLeaves === 0 ? null : rootOfLeaves(bytes, piece.merkleLeaves),
  };
};

export interface TestTorrent {
  readonly plan: TorrentPlan;
  readonly bytes: Uint8Array;
  readonly metainfo: Metainfo;
}

/** Plans, hashes and finishes a torrent of these files, and reads it back. */
export const makeTestTorrent = (files: readonly TestFile[], options: Partial<PlanOptions> = {}, notes: TorrentNotes = {}): TestTorrent => {
  const sources = files.map(({ path, bytes, executable }) => ({ path, size: bytes.length, executable: executable ?? false }));
  const plan = valueOf(planTorrent(sources, { name: 'content', version: 'hybrid', ...options }));
  const digests = Array.from({ length: plan.pieceCount }, (_, n) => digestPiece(plan, plannedPiece(plan, n), files));
  const bytes = valueOf(finishTorrent(plan, digests, notes));
  return { plan, bytes, metainfo: valueOf(readMetainfo(bytes)) };
};
