/** Planning a torrent: which bytes are to be hashed, and how. */
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import { encodeBencode } from './bencode.ts';
import type { PlannedFile, TorrentPlan } from './make-info.ts';
import { infoOf, sha1Bytes, tooLarge } from './make-info.ts';
import { isPowerOfTwo, merkleHashBytes, merkleLeafBytes, merkleLeavesOf } from './merkle.ts';
import { metainfoLimits, paddingAfter } from './metainfo-files.ts';
import { bytesOfText, compareBytes } from './text.ts';

export interface SourceFile {
  /** Names below the shared folder; empty where the torrent is this one file. */
  readonly path: readonly string[];
  /** Bytes. */
  readonly size: number;
  readonly executable?: boolean;
}

export interface PlanOptions {
  /** The torrent's name: of the folder, or of the one file. */
  readonly name: string;
  /** `v1` for old clients that choke on hybrids. */
  readonly version: 'hybrid' | 'v1';
  /** Bytes: a power of two from 16 KiB to 16 MiB; chosen by size where absent. */
  readonly pieceLength?: number;
  readonly torrentBytesMax?: number;
}

export interface PlannedSegment {
  /** Place among the plan's files. */
  readonly file: number;
  /** Where in the file, in bytes. */
  readonly offset: number;
  readonly length: number;
}

/** Bytes to read one after the other, and which digests to take (fits `PieceDigestPlan` of the `Crypto` port). */
export interface PlannedPiece {
  readonly segments: readonly PlannedSegment[];
  /** Bytes of all segments. */
  readonly length: number;
  readonly sha1: boolean;
  readonly sha1ZeroTail: number;
  /** 0 in v1-only torrents. */
  readonly merkleLeaves: number;
}

export const pieceLengthBytesMin = merkleLeafBytes;
export const pieceLengthBytesMax = 16 * 1024 * 1024;

const piecesWanted = 1500;
const usualPieceLengthBytesMax = 4 * 1024 * 1024;
const usualPiecesMax = 16_384;
/** A piece layer's key, its length digits and separators, beside its hashes. */
const layerOverheadBytes = 48;
/** The keys around info dictionary and layers, and digits of the length of the piece hashes. */
const outerBytes = 64;

/**
 * The piece length for so many bytes: a power of two from 16 KiB to 16 MiB that makes about 1,500 pieces, but at most
 * 4 MiB as long as that makes no more than 16,384.
 */
export const choosePieceLength = (contentBytes: number): number => {
  let pieceLength = pieceLengthBytesMin;
  const grow = (): boolean =>
    pieceLength < usualPieceLengthBytesMax ? contentBytes / pieceLength > piecesWanted : contentBytes / pieceLength > usualPiecesMax;
  while (pieceLength < pieceLengthBytesMax && grow()) pieceLength *= 2;
  return pieceLength;
};

const badName = (name: string): boolean =>
  name === '' || name === '.' || name === '..' || /[/\0]/u.test(name) || bytesOfText(name).length > metainfoLimits.nameBytesMax;

const comparePaths = (a: readonly Uint8Array[], b: readonly Uint8Array[]): number => {
  for (let depth = 0; depth < a.length && depth < b.length; depth++) {
    const order = compareBytes(a[depth] as Uint8Array, b[depth] as Uint8Array);
    if (order !== 0) return order;
  }
  return a.length - b.length;
};

interface Ordered {
  readonly path: readonly string[];
  readonly bytes: readonly Uint8Array[];
  readonly size: number;
  readonly executable: boolean;
  readonly source: number;
}

const inOrder = (files: readonly SourceFile[]): Ordered[] => {
  const ordered = files.map(({ path, size, executable }, source) => {
    const composed = path.map((name) => name.normalize('NFC'));
    return { path: composed, bytes: composed.map(bytesOfText), size, executable: executable ?? false, source };
  });
  return ordered.sort((a, b) => comparePaths(a.bytes, b.bytes));
};

/** A path that stands twice, or is both a file and a folder; sorted files have such pairs side by side. */
const clash = (files: readonly Ordered[]): string | null => {
  for (let n = 1; n < files.length; n++) {
    const [before, after] = [files[n - 1] as Ordered, files[n] as Ordered];
    if (before.path.length <= after.path.length && before.path.every((name, depth) => name === after.path[depth]))
      return after.path.join('/');
  }
  return null;
};

const checkSources = (files: readonly SourceFile[], name: string, single: boolean): Result<null> => {
  if (badName(name))
    return fail('name-invalid', `"${name}" cannot be the name of a torrent: that has 1 to ${metainfoLimits.nameBytesMax} bytes and no "/"`);
  if (files.length > metainfoLimits.filesMax) return fail('too-many-files', `more than ${metainfoLimits.filesMax} files in one torrent`);
  for (const { path, size } of files) {
    if (!Number.isSafeInteger(size) || size < 0) throw new Error('a file size is a count of bytes');
    const bad = (path.length === 0 && !single) || path.length >= metainfoLimits.pathDepthMax || path.some(badName);
    if (bad) return fail('name-invalid', `"${path.join('/')}" cannot stand in a torrent: it is too deep, or a name in it is too long`);
  }
  return ok(null);
};

const place = (ordered: readonly Ordered[], pieceLength: number, padded: boolean): { files: PlannedFile[]; end: number } => {
  let end = 0;
  const files = ordered.map(({ path, size, executable, source }) => {
    const file = { path, size, executable, source, offset: end };
    end += size + (padded ? paddingAfter(size, pieceLength) : 0);
    return file;
  });
  return { files, end };
};

/**
 * What to hash for a torrent of these files. Errors: `name-invalid`, `path-twice` (two names with one composed form, too),
 * `too-many-files`, `nothing-to-share` (no byte in all files), `piece-length-invalid`, `torrent-too-large`.
 */
export const planTorrent = (sources: readonly SourceFile[], options: PlanOptions): Result<TorrentPlan> => {
  const single = sources.length === 1 && sources[0]?.path.length === 0;
  const name = options.name.normalize('NFC');
  const checked = checkSources(sources, name, single);
  if (!checked.ok) return checked;
  const contentBytes = sources.reduce((sum, file) => sum + file.size, 0);
  if (contentBytes === 0) return fail('nothing-to-share', 'there is no data to share: the files are empty');
  const pieceLength = options.pieceLength ?? choosePieceLength(contentBytes);
  if (!isPowerOfTwo(pieceLength) || pieceLength < pieceLengthBytesMin || pieceLength > pieceLengthBytesMax) {
    return fail('piece-length-invalid', 'a piece length is a power of two from 16 KiB (16384) to 16 MiB (16777216)');
  }
  const ordered = inOrder(sources);
  const twice = clash(ordered);
  if (twice !== null) return fail('path-twice', `"${twice}" would stand twice in the torrent, or be a file and a folder`);
  const { files, end } = place(ordered, pieceLength, options.version === 'hybrid' && !single);
  const plan: TorrentPlan = {
    name,
    version: options.version,
    pieceLength,
    pieceCount: Math.ceil(end / pieceLength),
    contentBytes,
    files,
    single,
    torrentBytesMax: options.torrentBytesMax ?? metainfoLimits.torrentBytesMax,
  };
  const bytes = boundOfTorrent(plan);
  return bytes <= plan.torrentBytesMax ? ok(plan) : tooLarge(plan);
};

/** Known before anything is hashed, so that nobody waits for a refusal. */
const boundOfTorrent = (plan: TorrentPlan): number => {
  const roots = plan.files.map(() => new Uint8Array(merkleHashBytes));
  const info = encodeBencode(infoOf(plan, roots, new Uint8Array(0), true));
  const layers = plan.files.reduce((sum, { size }) => {
    const count = plan.version === 'hybrid' && size > plan.pieceLength ? Math.ceil(size / plan.pieceLength) : 0;
    return sum + (count === 0 ? 0 : layerOverheadBytes + count * merkleHashBytes);
  }, 0);
  return outerBytes + info.length + plan.pieceCount * sha1Bytes + layers;
};

/** The piece with that index, 0 to `plan.pieceCount - 1`. */
export const plannedPiece = (plan: TorrentPlan, index: number): PlannedPiece => {
  const start = index * plan.pieceLength;
  const end = start + plan.pieceLength;
  const segments: PlannedSegment[] = [];
  let length = 0;
  let last: PlannedFile | undefined;
  for (let n = firstFileAfter(plan.files, start); n < plan.files.length; n++) {
    const file = plan.files[n] as PlannedFile;
    if (file.offset >= end) break;
    const from = Math.max(start, file.offset);
    const to = Math.min(end, file.offset + file.size);
    if (to <= from) continue;
    segments.push({ file: n, offset: from - file.offset, length: to - from });
    length += to - from;
    last = file;
  }
  const hybrid = plan.version === 'hybrid';
  return {
    segments,
    length,
    sha1: true,
    sha1ZeroTail: hybrid && !plan.single ? plan.pieceLength - length : 0,
    merkleLeaves: hybrid && last !== undefined ? merkleLeavesOf(last.size, plan.pieceLength) : 0,
  };
};

/** The first file that ends after `offset`. */
const firstFileAfter = (files: readonly PlannedFile[], offset: number): number => {
  let low = 0;
  let high = files.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const file = files[middle] as PlannedFile;
    // Ends never go down from file to file, empty ones included.
    if (file.offset + file.size > offset) high = middle;
    else low = middle + 1;
  }
  return low;
};
