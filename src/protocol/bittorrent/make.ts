/**
 * Making torrents: hybrid (BEP 3, 47, 52) and v1-only. A plan says which bytes are to be hashed and how; whoever reads
 * them brings the digests back.
 */
import type { Result } from '../result.ts';
import { ok } from '../result.ts';
import { encodeBencode } from './bencode.ts';
import type { TorrentPlan } from './make-info.ts';
import { infoOf, sha1Bytes, tooLarge } from './make-info.ts';
import { merkleHashBytes, merkleRoot, pieceLevel } from './merkle.ts';

export type { TorrentPlan } from './make-info.ts';
export type { PlannedPiece, PlannedSegment, PlanOptions, SourceFile } from './make-plan.ts';
export { choosePieceLength, plannedPiece, planTorrent } from './make-plan.ts';

export interface PieceDigestsMade {
  /** 20 bytes. */
  readonly sha1: Uint8Array | null;
  /** 32 bytes; not used in v1-only torrents. */
  readonly merkleRoot: Uint8Array | null;
}

export interface TorrentNotes {
  /** BEP 27; true where absent. */
  readonly private?: boolean;
  /** Announce URLs by tier. */
  readonly trackers?: readonly (readonly string[])[];
  readonly comment?: string;
  readonly createdBy?: string;
  /** Seconds since 1970. */
  readonly createdAt?: number;
}

const hashOf = (hash: Uint8Array | null, bytes: number): Uint8Array => {
  if (hash?.length !== bytes) throw new Error(`a digest of ${bytes} bytes is missing`);
  return hash;
};

/** Roots of the files and the layers of those with several pieces. */
const treesOf = (
  plan: TorrentPlan,
  digests: readonly PieceDigestsMade[],
): { roots: (Uint8Array | null)[]; layers: Map<Uint8Array, Uint8Array> } => {
  const layers = new Map<string, [Uint8Array, Uint8Array]>();
  const roots = plan.files.map(({ size, offset }) => {
    if (size === 0 || plan.version === 'v1') return null;
    const first = offset / plan.pieceLength;
    const hashes = digests.slice(first, first + Math.ceil(size / plan.pieceLength)).map((made) => hashOf(made.merkleRoot, merkleHashBytes));
    if (size <= plan.pieceLength) return hashes[0] as Uint8Array;
    const layer = new Uint8Array(Buffer.concat(hashes));
    const root = merkleRoot(layer, pieceLevel(plan.pieceLength));
    // Files with the same content have one layer.
    layers.set(Buffer.from(root).toString('latin1'), [root, layer]);
    return root;
  });
  return { roots, layers: new Map(layers.values()) };
};

/**
 * The torrent file of a plan whose pieces have these digests, in the order of the pieces. Error: `torrent-too-large` (only
 * through the notes; a plan that is too large is refused before).
 */
export const finishTorrent = (plan: TorrentPlan, digests: readonly PieceDigestsMade[], notes: TorrentNotes = {}): Result<Uint8Array> => {
  if (digests.length !== plan.pieceCount) throw new Error(`the plan has ${plan.pieceCount} pieces, not ${digests.length}`);
  const pieces = new Uint8Array(Buffer.concat(digests.map((made) => hashOf(made.sha1, sha1Bytes))));
  const { roots, layers } = treesOf(plan, digests);
  const tiers = (notes.trackers ?? []).filter((tier) => tier.length > 0);
  const several = tiers.length > 1 || (tiers[0]?.length ?? 0) > 1;
  const bytes = encodeBencode({
    announce: tiers[0]?.[0],
    'announce-list': several ? tiers : undefined,
    comment: notes.comment,
    'created by': notes.createdBy,
    'creation date': notes.createdAt,
    info: infoOf(plan, roots, pieces, notes.private ?? true),
    'piece layers': plan.version === 'hybrid' ? layers : undefined,
  });
  return bytes.length <= plan.torrentBytesMax ? ok(bytes) : tooLarge(plan);
};
