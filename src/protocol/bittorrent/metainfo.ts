/** Torrent files: v1 (BEP 3), v2 and hybrid (BEP 52). */
import { equalBytes, sha1, sha256, toHex } from '../digest.ts';
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import type { BencodeDictionary, BencodeNode } from './bencode.ts';
import { bytesOf, countOf, decodeBencode, entryOf, itemsOf, textOf } from './bencode.ts';
import type { InfoHash, TorrentId } from './ids.ts';
import { infoHash, torrentId } from './ids.ts';
import { isPowerOfTwo, merkleHashBytes, merkleLeafBytes, merkleRoot, pieceLevel } from './merkle.ts';
import type { ListedFile, MetainfoFile, MetainfoLimits } from './metainfo-files.ts';
import { joinHybrid, metainfoLimits, readFilesV1, readFilesV2, Refusal, withPadding } from './metainfo-files.ts';
import { cleanName } from './names.ts';
import { textOfBytes } from './text.ts';

export type { MetainfoFile, MetainfoLimits } from './metainfo-files.ts';

/** What a torrent file says, checked. At least one of `v1` and `v2` is there. */
export interface Metainfo {
  /** 20 bytes; null in a v2-only torrent. */
  readonly v1: InfoHash | null;
  /** 32 bytes; null in a v1-only torrent. */
  readonly v2: InfoHash | null;
  readonly id: TorrentId;
  /** As it stands in the torrent; `cleanName` makes it fit for showing. */
  readonly name: string;
  /** Bytes; a power of two from 16 KiB in v2 and hybrids. */
  readonly pieceLength: number;
  readonly pieceCount: number;
  /** BEP 27. */
  readonly private: boolean;
  /** Files and padding in order. */
  readonly files: readonly MetainfoFile[];
  /** Bytes of files and padding. */
  readonly totalBytes: number;
  /** Bytes of files alone. */
  readonly contentBytes: number;
  /** v1: SHA-1 of each piece, 20 bytes each; null in a v2-only torrent. */
  readonly pieces: Uint8Array | null;
  /** v2: some file of several pieces has no piece layer, so that its pieces cannot be checked by v2. */
  readonly missingLayers: boolean;
  /** The info dictionary as it came. */
  readonly info: Uint8Array;
  readonly comment: string | null;
  readonly createdBy: string | null;
  /** Seconds since 1970. */
  readonly createdAt: number | null;
  /** Announce URLs by tier (BEP 12). */
  readonly trackers: readonly (readonly string[])[];
  /** BEP 19. */
  readonly webSeeds: readonly string[];
}

const sha1Bytes = 20;
const urlsMax = 256;
const urlBytesMax = 2048;
const noteCharactersMax = 4096;

const readUrls = (node: BencodeNode | undefined): string[] => {
  const nodes = node?.kind === 'bytes' ? [node] : (itemsOf(node) ?? []);
  const urls = nodes.map((item) => textOf(item) ?? '').filter((url) => url.length <= urlBytesMax && /^[a-z]+:\/\/./iu.test(url));
  return [...new Set(urls)].slice(0, urlsMax);
};

const readTrackers = (root: BencodeNode): string[][] => {
  const tiers = (itemsOf(entryOf(root, 'announce-list')) ?? []).slice(0, urlsMax).map(readUrls);
  const some = tiers.filter((tier) => tier.length > 0);
  if (some.length > 0) return some;
  const single = readUrls(entryOf(root, 'announce'));
  return single.length > 0 ? [single] : [];
};

const readName = (info: BencodeNode, limits: MetainfoLimits): string => {
  const bytes = bytesOf(entryOf(info, 'name.utf-8') ?? entryOf(info, 'name'));
  if (bytes === undefined || bytes.length === 0) throw new Refusal('the torrent has no name');
  if (bytes.length > limits.nameBytesMax) throw new Refusal(`the torrent's name is longer than ${limits.nameBytesMax} bytes`);
  return textOfBytes(bytes);
};

const readPieceLength = (info: BencodeNode, v2: boolean, limits: MetainfoLimits): number => {
  const pieceLength = countOf(entryOf(info, 'piece length'), limits.pieceLengthBytesMax);
  if (pieceLength === undefined || pieceLength === 0) throw new Refusal('the piece length is missing or out of range');
  if (v2 && (pieceLength < merkleLeafBytes || !isPowerOfTwo(pieceLength))) {
    throw new Refusal('the piece length of a v2 torrent is no power of two from 16 KiB');
  }
  return pieceLength;
};

/** The piece layers of a torrent file by pieces root in hexadecimal; null where it has none. */
const readLayers = (root: BencodeNode): Map<string, Uint8Array> | null => {
  const node = entryOf(root, 'piece layers');
  if (node === undefined) return null;
  if (node.kind !== 'dictionary') throw new Refusal('the piece layers are no dictionary');
  const layers = new Map<string, Uint8Array>();
  for (const [key, value] of node.entries) {
    const bytes = bytesOf(value);
    if (key.length !== merkleHashBytes || bytes === undefined) throw new Refusal('a piece layer is invalid');
    layers.set(toHex(Buffer.from(key, 'latin1')), bytes);
  }
  return layers;
};

const layerOf = (file: ListedFile, layers: ReadonlyMap<string, Uint8Array> | null, pieceLength: number): Uint8Array | null => {
  if (file.piecesRoot === null || file.size <= pieceLength || layers === null) return null;
  const layer = layers.get(toHex(file.piecesRoot));
  if (layer === undefined) throw new Refusal('a piece layer is missing');
  if (layer.length !== Math.ceil(file.size / pieceLength) * merkleHashBytes) throw new Refusal('a piece layer has the wrong length');
  if (!equalBytes(merkleRoot(layer, pieceLevel(pieceLength)), file.piecesRoot)) {
    throw new Refusal('a piece layer does not fit its pieces root');
  }
  return layer;
};

const readFiles = (
  info: BencodeNode,
  name: string,
  pieceLength: number,
  has: { v1: boolean; v2: boolean },
  limits: MetainfoLimits,
): ListedFile[] => {
  const v1 = has.v1 ? readFilesV1(info, name, limits) : null;
  const v2 = has.v2 ? readFilesV2(entryOf(info, 'file tree'), name, limits) : null;
  if (v2 === null) return v1 ?? [];
  return v1 === null ? withPadding(v2, name, pieceLength) : joinHybrid(v1, v2, name, pieceLength);
};

const place = (listed: readonly ListedFile[], layers: ReadonlyMap<string, Uint8Array> | null, pieceLength: number): MetainfoFile[] => {
  let offset = 0;
  return listed.map((file) => {
    const placed = { ...file, offset, pieceLayer: layerOf(file, layers, pieceLength) };
    offset += file.size;
    return placed;
  });
};

const readVersions = (info: BencodeNode): { v1: boolean; v2: boolean } => {
  const version = entryOf(info, 'meta version');
  const number = version === undefined ? 1 : countOf(version);
  if (number !== 1 && number !== 2) throw new Refusal('the torrent is of a version that is not known here');
  return { v1: number === 1 || entryOf(info, 'pieces') !== undefined, v2: number === 2 };
};

const read = (root: BencodeDictionary, bytes: Uint8Array, limits: MetainfoLimits): Metainfo => {
  const info = entryOf(root, 'info');
  if (info?.kind !== 'dictionary') throw new Refusal('the torrent has no info dictionary');
  const has = readVersions(info);
  const name = readName(info, limits);
  const pieceLength = readPieceLength(info, has.v2, limits);
  const listed = readFiles(info, name, pieceLength, has, limits);
  const totalBytes = listed.reduce((sum, file) => sum + file.size, 0);
  const contentBytes = listed.reduce((sum, file) => sum + (file.pad ? 0 : file.size), 0);
  if (contentBytes === 0) throw new Refusal('the torrent holds no data');
  const pieceCount = Math.ceil(totalBytes / pieceLength);
  if (totalBytes > limits.totalBytesMax || pieceCount > limits.piecesMax) {
    throw new Refusal(`the torrent has more than ${limits.piecesMax} pieces or ${limits.totalBytesMax} bytes`);
  }
  const pieces = has.v1 ? bytesOf(entryOf(info, 'pieces')) : null;
  if (pieces === undefined || (pieces !== null && pieces.length !== pieceCount * sha1Bytes)) {
    throw new Refusal('the piece hashes are missing or of the wrong length');
  }
  const files = place(listed, has.v2 ? readLayers(root) : null, pieceLength);
  const infoBytes = bytes.subarray(info.start, info.end);
  const v1 = has.v1 ? infoHash(sha1(infoBytes)) : null;
  const v2 = has.v2 ? infoHash(sha256(infoBytes)) : null;
  return {
    v1,
    v2,
    id: torrentId(v1, v2),
    name,
    pieceLength,
    pieceCount,
    private: countOf(entryOf(info, 'private')) === 1,
    files,
    totalBytes,
    contentBytes,
    pieces,
    missingLayers: files.some((file) => file.piecesRoot !== null && file.size > pieceLength && file.pieceLayer === null),
    info: infoBytes,
    comment: textOf(entryOf(root, 'comment'))?.slice(0, noteCharactersMax) ?? null,
    createdBy: textOf(entryOf(root, 'created by'))?.slice(0, noteCharactersMax) ?? null,
    createdAt: countOf(entryOf(root, 'creation date')) ?? null,
    trackers: readTrackers(root),
    webSeeds: readUrls(entryOf(root, 'url-list')),
  };
};

/** Bytes without line ends after the last value: some tools add one when they save. */
export const withoutLineEnd = (bytes: Uint8Array): Uint8Array => {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end--;
  return bytes.subarray(0, end);
};

/**
 * Reads a torrent file. Info-hashes are taken over the info dictionary's bytes as they are; the metainfo holds a copy of
 * the bytes. Errors: `metainfo-invalid`, and those of `decodeBencode`. Never throws on bytes.
 */
export const readMetainfo = (bytes: Uint8Array, limits: Partial<MetainfoLimits> = {}): Result<Metainfo> => {
  const all = { ...metainfoLimits, ...limits };
  const own = new Uint8Array(withoutLineEnd(bytes));
  const decoded = decodeBencode(own, { bytesMax: all.torrentBytesMax });
  if (!decoded.ok) return decoded;
  if (decoded.value.kind !== 'dictionary') return fail('metainfo-invalid', 'the torrent file is no dictionary');
  try {
    return ok(read(decoded.value, own, all));
  } catch (error) {
    if (error instanceof Refusal) return fail('metainfo-invalid', error.message);
    throw error;
  }
};

/** What `inspect` shows of a torrent, fit for JSON. Paths are safe names joined by `/`, the torrent's own first. */
export interface MetainfoDescription {
  readonly v1: string | null;
  readonly v2: string | null;
  readonly name: string;
  readonly pieceLength: number;
  readonly private: boolean;
  readonly files: readonly { readonly path: string; readonly size: number; readonly pad: boolean }[];
}

/** Describes a torrent for people and programs; names that no disk should see are cleaned up as on disk. */
export const describeMetainfo = (metainfo: Metainfo): MetainfoDescription => ({
  v1: metainfo.v1 && toHex(metainfo.v1),
  v2: metainfo.v2 && toHex(metainfo.v2),
  name: cleanName(metainfo.name),
  pieceLength: metainfo.pieceLength,
  private: metainfo.private,
  files: metainfo.files.map(({ path, size, pad }) => ({ path: path.map(cleanName).join('/'), size, pad })),
});
