/** The file lists of an info dictionary: v1 (BEP 3, 47), v2 (BEP 52), and whether a hybrid's two agree. */
import type { BencodeNode } from './bencode.ts';
import { bytesOf, countOf, entryOf, itemsOf, textOf } from './bencode.ts';
import { merkleHashBytes } from './merkle.ts';
import { textOfBytes } from './text.ts';

export interface MetainfoFile {
  /**
   * Names from the torrent's own name down (the name alone where the torrent is one file), as they stand in the torrent:
   * never a path of a disk (`planFileNames` makes that). See `textOfBytes` for names that are no UTF-8.
   */
  readonly path: readonly string[];
  /** Bytes. */
  readonly size: number;
  /** Where the file begins in the sequence of all files and padding, in bytes. */
  readonly offset: number;
  /** Padding (BEP 47): zero bytes that align the next file. Neither written nor shown. */
  readonly pad: boolean;
  /** v2: the merkle root over the file, 32 bytes; null in v1 and for empty files. */
  readonly piecesRoot: Uint8Array | null;
  /**
   * v2: the merkle root of each piece, 32 bytes each, checked against `piecesRoot`; null for a file of at most one piece,
   * and where the torrent came without its piece layers.
   */
  readonly pieceLayer: Uint8Array | null;
  /** Where a symbolic link points (BEP 47), from the torrent's folder; such an entry has no data and is skipped. */
  readonly symlink: readonly string[] | null;
  readonly executable: boolean;
}

export interface MetainfoLimits {
  readonly torrentBytesMax: number;
  readonly filesMax: number;
  readonly piecesMax: number;
  readonly pieceLengthBytesMax: number;
  readonly totalBytesMax: number;
  readonly pathDepthMax: number;
  readonly nameBytesMax: number;
}

export const metainfoLimits: MetainfoLimits = {
  torrentBytesMax: 8 * 1024 * 1024,
  filesMax: 100_000,
  piecesMax: 2 ** 21,
  pieceLengthBytesMax: 512 * 1024 * 1024,
  totalBytesMax: 2 ** 48,
  pathDepthMax: 48,
  nameBytesMax: 1024,
};

/** Thrown and caught inside the metainfo reader only: why a torrent is refused. */
export class Refusal {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

/** A file before its place in the sequence is known. */
export type ListedFile = Omit<MetainfoFile, 'offset' | 'pieceLayer'>;

const checkName = (bytes: Uint8Array | undefined, limits: MetainfoLimits): string => {
  if (bytes === undefined) throw new Refusal('a file name is no string');
  if (bytes.length > limits.nameBytesMax) throw new Refusal(`a file name is longer than ${limits.nameBytesMax} bytes`);
  return textOfBytes(bytes);
};

const readNames = (node: BencodeNode | undefined, limits: MetainfoLimits): string[] | null => {
  const items = itemsOf(node);
  if (items === undefined || items.length === 0) return null;
  if (items.length > limits.pathDepthMax) throw new Refusal(`a path is deeper than ${limits.pathDepthMax} folders`);
  return items.map((item) => checkName(bytesOf(item), limits));
};

interface Attributes {
  readonly pad: boolean;
  readonly link: boolean;
  readonly executable: boolean;
}

const readAttributes = (node: BencodeNode): Attributes => {
  const attributes = textOf(entryOf(node, 'attr')) ?? '';
  return { pad: attributes.includes('p'), link: attributes.includes('l'), executable: attributes.includes('x') };
};

const readSize = (node: BencodeNode, link: boolean, limits: MetainfoLimits): number => {
  const entry = entryOf(node, 'length');
  if (link && entry === undefined) return 0;
  const size = countOf(entry, limits.totalBytesMax);
  if (size === undefined) throw new Refusal('a file has no valid length');
  if (link && size > 0) throw new Refusal('a symbolic link has a length');
  return size;
};

const readTarget = (node: BencodeNode, limits: MetainfoLimits): readonly string[] => {
  const target = readNames(entryOf(node, 'symlink path'), limits);
  if (target === null) throw new Refusal('a symbolic link has no target');
  return target;
};

/** The v1 list: `length` of the one file, or `files`. */
export const readFilesV1 = (info: BencodeNode, name: string, limits: MetainfoLimits): ListedFile[] => {
  const list = entryOf(info, 'files');
  if (list === undefined) {
    const { executable } = readAttributes(info);
    return [{ path: [name], size: readSize(info, false, limits), pad: false, piecesRoot: null, symlink: null, executable }];
  }
  const items = itemsOf(list);
  if (items === undefined || items.length === 0) throw new Refusal('the list of files is empty or no list');
  if (items.length > 2 * limits.filesMax) throw new Refusal(`the torrent has more than ${limits.filesMax} files`);
  return items.map((item) => {
    if (item.kind !== 'dictionary') throw new Refusal('an entry of the list of files is no dictionary');
    const { pad, link, executable } = readAttributes(item);
    const size = readSize(item, link, limits);
    const names = readNames(entryOf(item, 'path.utf-8') ?? entryOf(item, 'path'), limits) ?? (pad ? ['.pad', String(size)] : null);
    if (names === null) throw new Refusal('a file has no path');
    const symlink = link ? readTarget(item, limits) : null;
    return { path: [name, ...names], size, pad, piecesRoot: null, symlink, executable };
  });
};

const readLeaf = (leaf: BencodeNode, path: readonly string[], limits: MetainfoLimits): ListedFile => {
  if (leaf.kind !== 'dictionary') throw new Refusal('a file of the v2 tree is no dictionary');
  const { pad, link, executable } = readAttributes(leaf);
  if (pad) throw new Refusal('a file of the v2 tree is marked as padding');
  const size = readSize(leaf, link, limits);
  if (link) return { path, size, pad, piecesRoot: null, symlink: readTarget(leaf, limits), executable };
  if (size === 0) return { path, size, pad, piecesRoot: null, symlink: null, executable };
  const piecesRoot = bytesOf(entryOf(leaf, 'pieces root'));
  if (piecesRoot?.length !== merkleHashBytes || piecesRoot.every((byte) => byte === 0)) {
    throw new Refusal('a file of the v2 tree has no pieces root');
  }
  return { path, size, pad, piecesRoot, symlink: null, executable };
};

/** The v2 tree, in its order: raw bytes of the names, folder by folder. */
export const readFilesV2 = (tree: BencodeNode | undefined, name: string, limits: MetainfoLimits): ListedFile[] => {
  const files: ListedFile[] = [];
  const walk = (node: BencodeNode | undefined, path: readonly string[]): void => {
    if (node?.kind !== 'dictionary' || node.entries.size === 0) throw new Refusal('a folder of the v2 tree is empty or no dictionary');
    if (path.length > limits.pathDepthMax) throw new Refusal(`a path is deeper than ${limits.pathDepthMax} folders`);
    for (const [key, child] of node.entries) {
      if (key === '') throw new Refusal('a name in the v2 tree is empty');
      const childPath = [...path, checkName(Buffer.from(key, 'latin1'), limits)];
      const leaf = entryOf(child, '');
      if (leaf === undefined) walk(child, childPath);
      else if ((child as { entries: ReadonlyMap<string, unknown> }).entries.size > 1)
        throw new Refusal('a file of the v2 tree is also a folder');
      else files.push(readLeaf(leaf, childPath, limits));
      if (files.length > limits.filesMax) throw new Refusal(`the torrent has more than ${limits.filesMax} files`);
    }
  };
  walk(tree, [name]);
  const [only] = files;
  // A torrent of one file names it twice: as the torrent and as the only entry of the tree.
  if (files.length === 1 && only?.path.length === 2 && only.path[1] === name) return [{ ...only, path: [name] }];
  return files;
};

/** Bytes of padding that take `size` to a whole number of pieces. */
export const paddingAfter = (size: number, pieceLength: number): number => (pieceLength - (size % pieceLength)) % pieceLength;

/** A padding entry of the torrent called `name`. */
export const paddingFile = (name: string, size: number): ListedFile => ({
  path: [name, '.pad', String(size)],
  size,
  pad: true,
  piecesRoot: null,
  symlink: null,
  executable: false,
});

/**
 * Files of a v2 tree with padding after each that does not fill its last piece (none where the torrent is one file), so that
 * v2-only torrents and hybrids count bytes alike.
 */
export const withPadding = (files: readonly ListedFile[], name: string, pieceLength: number): ListedFile[] => {
  if (files[0]?.path.length === 1) return [...files];
  return files.flatMap((file) => {
    const padding = paddingAfter(file.size, pieceLength);
    return padding === 0 ? [file] : [file, paddingFile(name, padding)];
  });
};

const samePath = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((name, n) => name === b[n]);

/**
 * The files of a hybrid torrent, with padding after each file that does not fill its last piece. The v1 list must name the
 * files of the v2 tree in the same order, each file with data beginning at a piece. Where padding stands among empty
 * files, and whether it follows the last file, differs between makers; all are taken, and only the last tells in the
 * answer, because it tells in the length of the last v1 piece.
 */
export const joinHybrid = (v1: readonly ListedFile[], v2: readonly ListedFile[], name: string, pieceLength: number): ListedFile[] => {
  let offset = 0;
  let next = 0;
  let padded = 0;
  for (const file of v1) {
    const start = offset;
    offset += file.size;
    if (file.pad) {
      padded += file.size;
      if (padded >= pieceLength || offset % pieceLength !== 0) throw new Refusal('the v1 padding does not end at a piece');
      continue;
    }
    const twin = v2[next++];
    if (twin === undefined || !samePath(file.path, twin.path) || file.size !== twin.size) {
      throw new Refusal('the v1 and v2 lists of files differ');
    }
    if (file.size === 0) continue;
    padded = 0;
    if (start % pieceLength !== 0) throw new Refusal('a v1 file does not begin at a piece');
  }
  if (next !== v2.length) throw new Refusal('the v1 and v2 lists of files differ');
  const joined = withPadding(v2, name, pieceLength);
  const last = joined.findLastIndex((file) => file.pad);
  return joined.reduce((sum, file) => sum + file.size, 0) === offset ? joined : joined.filter((_, n) => n !== last);
};
