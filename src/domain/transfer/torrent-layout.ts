/** How a torrent's pieces lie in files and on the wire, and by what each piece is checked. */
import type { PieceDigestPlan, PieceDigests } from '../../ports/crypto.ts';
import type { PieceIndex, TorrentId } from '../../protocol/bittorrent/ids.ts';
import { merkleHashBytes, merkleLeavesOf } from '../../protocol/bittorrent/merkle.ts';
import type { Metainfo, MetainfoFile } from '../../protocol/bittorrent/metainfo.ts';
import { equalBytes } from '../../protocol/digest.ts';
import type { Result } from '../../protocol/result.ts';
import { fail, ok } from '../../protocol/result.ts';
import type { FileNameRules } from './file-names.ts';
import { planFileNames } from './file-names.ts';

export interface LayoutFile {
  /** Place among the layout's files, which are the torrent's without padding and symbolic links. */
  readonly index: number;
  /** Names as in the torrent, for showing and selecting. */
  readonly path: readonly string[];
  /** Names below the download folder: safe, and no two the same. */
  readonly diskPath: readonly string[];
  /** Bytes; an empty file has no piece. */
  readonly size: number;
  readonly executable: boolean;
  /** Pieces that hold some of the file: from `firstPiece` up to, not with, `endPiece`. */
  readonly firstPiece: number;
  readonly endPiece: number;
}

/** A part of a piece that is in one file. Bytes of a piece that no segment covers are padding: zero, and on no disk. */
export interface PieceSegment {
  readonly file: LayoutFile;
  /** Where in the file, in bytes. */
  readonly fileOffset: number;
  /** Where in the piece, in bytes. */
  readonly pieceOffset: number;
  readonly length: number;
}

/** How a piece is checked: what to ask of the `Crypto` port about its `pieceBytes` bytes, and what must come out. */
export interface PieceCheck {
  readonly plan: PieceDigestPlan;
  /** 20 bytes; null where the torrent has no v1. */
  readonly sha1: Uint8Array | null;
  /** 32 bytes; null where the torrent has no v2. */
  readonly merkleRoot: Uint8Array | null;
}

export interface LayoutOptions extends FileNameRules {
  /** Refuses torrents with larger pieces, which would not fit the piece buffers. */
  readonly pieceBytesMax?: number;
  /** Where the files lie instead, in the order of `files`: for content that is shared where it is. */
  readonly diskPaths?: readonly (readonly string[])[];
}

/** By which info-hash a connection was made: with v1, pieces have their padding on the wire. */
export type WireVersion = 'v1' | 'v2';

const sha1Bytes = 20;
const pieceBytesMaxDefault = 64 * 1024 * 1024;

interface PlacedFile {
  readonly file: LayoutFile;
  readonly offset: number;
  readonly source: MetainfoFile;
}

const placeFiles = (metainfo: Metainfo, options: LayoutOptions): PlacedFile[] => {
  const sources = metainfo.files.filter((file) => !file.pad && file.symlink === null);
  const diskPaths =
    options.diskPaths ??
    planFileNames(
      sources.map((file) => file.path),
      options,
    );
  return sources.map((source, index) => {
    const diskPath = diskPaths[index];
    if (diskPath === undefined) throw new Error('diskPaths names fewer files than the torrent has');
    const firstPiece = Math.floor(source.offset / metainfo.pieceLength);
    const endPiece = source.size === 0 ? firstPiece : Math.ceil((source.offset + source.size) / metainfo.pieceLength);
    const { path, size, executable } = source;
    return { file: { index, path, diskPath, size, executable, firstPiece, endPiece }, offset: source.offset, source };
  });
};

export class TorrentLayout {
  readonly id: TorrentId;
  readonly pieceCount: number;
  /** Bytes of every piece on a v1 wire but the last. */
  readonly pieceLength: number;
  /** Bytes of the longest piece: what a piece buffer must hold. */
  readonly pieceBytesMax: number;
  /** Files without padding and symbolic links, empty ones among them. */
  readonly files: readonly LayoutFile[];
  /** Bytes of the files. */
  readonly contentBytes: number;
  /** By which info-hash nodes of this network connect for the torrent. */
  readonly wireVersion: WireVersion;
  readonly #metainfo: Metainfo;
  /** Files with data, by offset. */
  readonly #placed: readonly PlacedFile[];

  constructor(metainfo: Metainfo, options: LayoutOptions = {}) {
    const placed = placeFiles(metainfo, options);
    this.id = metainfo.id;
    this.pieceCount = metainfo.pieceCount;
    this.pieceLength = metainfo.pieceLength;
    this.files = placed.map(({ file }) => file);
    this.contentBytes = metainfo.contentBytes;
    this.wireVersion = metainfo.v2 === null ? 'v1' : 'v2';
    this.#metainfo = metainfo;
    this.#placed = placed.filter(({ file }) => file.size > 0);
    this.pieceBytesMax = Math.min(metainfo.pieceLength, metainfo.totalBytes);
  }

  /**
   * Bytes of a piece between own nodes, in buffers and under the digests: in v2 and hybrids the file's data without
   * padding, in v1-only torrents all.
   */
  pieceBytes(piece: PieceIndex): number {
    return this.wireBytes(piece, this.wireVersion);
  }

  /** Bytes of a piece on a connection that was made by that info-hash. */
  wireBytes(piece: PieceIndex, version: WireVersion): number {
    const start = piece * this.pieceLength;
    if (version === 'v1') return Math.min(this.pieceLength, this.#metainfo.totalBytes - start);
    const { offset, file } = this.#fileAt(start);
    return Math.min(this.pieceLength, offset + file.size - start);
  }

  /**
   * How far into a piece others may ask: where there is v2, up to its end, for libtorrent asks there for the padding that
   * takes every file to a whole number of pieces, the last one too. What is beyond the data are zeros.
   */
  askableBytes(piece: PieceIndex): number {
    return this.wireVersion === 'v2' ? this.pieceLength : this.wireBytes(piece, 'v1');
  }

  /** Bytes of a piece that are data of files: what progress counts. */
  dataBytes(piece: PieceIndex): number {
    return this.segments(piece).reduce((sum, segment) => sum + segment.length, 0);
  }

  /** Where the data of a piece lies, in order. Several files only in v1-only torrents. */
  segments(piece: PieceIndex): readonly PieceSegment[] {
    const start = piece * this.pieceLength;
    const end = start + this.pieceLength;
    const segments: PieceSegment[] = [];
    for (let n = this.#indexAt(start); n < this.#placed.length; n++) {
      const { file, offset } = this.#placed[n] as PlacedFile;
      if (offset >= end) break;
      const from = Math.max(start, offset);
      const to = Math.min(end, offset + file.size);
      segments.push({ file, fileOffset: from - offset, pieceOffset: from - start, length: to - from });
    }
    return segments;
  }

  /** How to check a piece. A hybrid's is checked by both digests, unless its piece layers are missing. */
  check(piece: PieceIndex): PieceCheck {
    const { pieces, v2 } = this.#metainfo;
    const sha1 = pieces === null ? null : pieces.subarray(piece * sha1Bytes, (piece + 1) * sha1Bytes);
    const merkle = v2 === null ? null : this.#merkle(piece);
    const sha1ZeroTail = sha1 === null ? 0 : this.wireBytes(piece, 'v1') - this.pieceBytes(piece);
    return {
      plan: { sha1: sha1 !== null, merkleLeaves: merkle?.leaves ?? 0, sha1ZeroTail },
      sha1,
      merkleRoot: merkle?.root ?? null,
    };
  }

  /** Blocks of `blockBytes` that a piece is asked for in. */
  blockCount(piece: PieceIndex, blockBytes: number): number {
    return Math.ceil(this.pieceBytes(piece) / blockBytes);
  }

  /** Whether a peer may ask for this block between own nodes: inside the piece, not empty. */
  holdsBlock(piece: PieceIndex, begin: number, length: number): boolean {
    return length > 0 && begin >= 0 && begin + length <= this.pieceBytes(piece);
  }

  #merkle(piece: PieceIndex): { root: Uint8Array; leaves: number } | null {
    const { source, file } = this.#fileAt(piece * this.pieceLength);
    const leaves = merkleLeavesOf(file.size, this.pieceLength);
    if (file.size <= this.pieceLength) return source.piecesRoot && { root: source.piecesRoot, leaves };
    const at = (piece - file.firstPiece) * merkleHashBytes;
    return source.pieceLayer && { root: source.pieceLayer.subarray(at, at + merkleHashBytes), leaves };
  }

  #fileAt(offset: number): PlacedFile {
    const placed = this.#placed[this.#indexAt(offset)];
    if (placed === undefined) throw new Error(`no file at byte ${offset} of the torrent`);
    return placed;
  }

  /** The first file with data that ends after `offset`. */
  #indexAt(offset: number): number {
    let low = 0;
    let high = this.#placed.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { file, offset: start } = this.#placed[middle] as PlacedFile;
      if (start + file.size > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/**
 * The layout of a torrent. Errors: `piece-layers-missing` (a v2-only torrent whose pieces cannot be checked),
 * `piece-too-large`.
 */
export const createLayout = (metainfo: Metainfo, options: LayoutOptions = {}): Result<TorrentLayout> => {
  if (metainfo.v1 === null && metainfo.missingLayers) {
    return fail('piece-layers-missing', 'the torrent has no piece layers, so its pieces cannot be checked');
  }
  const layout = new TorrentLayout(metainfo, options);
  const pieceBytesMax = options.pieceBytesMax ?? pieceBytesMaxDefault;
  if (layout.pieceBytesMax > pieceBytesMax) {
    return fail('piece-too-large', `the torrent's pieces of ${layout.pieceBytesMax} bytes are larger than ${pieceBytesMax}`);
  }
  return ok(layout);
};

/** `conflict`: the v1 and v2 sides of a hybrid disagree about the same bytes, so the torrent itself is broken. */
export type PieceVerdict = 'good' | 'bad' | 'conflict';

/** What the digests of a piece's bytes say of it. */
export const judgePiece = (check: PieceCheck, digests: PieceDigests): PieceVerdict => {
  const agrees = (expected: Uint8Array | null, actual: Uint8Array | null): boolean | null =>
    expected === null ? null : actual !== null && equalBytes(expected, actual);
  const v1 = agrees(check.sha1, digests.sha1);
  const v2 = agrees(check.merkleRoot, digests.merkleRoot);
  if (v1 !== null && v2 !== null && v1 !== v2) return 'conflict';
  return (v2 ?? v1) === true ? 'good' : 'bad';
};
