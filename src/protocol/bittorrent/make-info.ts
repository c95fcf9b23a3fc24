/** The info dictionary of a planned torrent. */
import type { Result } from '../result.ts';
import { fail } from '../result.ts';
import type { BencodeValue } from './bencode.ts';
import { paddingAfter } from './metainfo-files.ts';

export interface PlannedFile {
  /** As it will stand in the torrent: composed (NFC), below the torrent's name. */
  readonly path: readonly string[];
  readonly size: number;
  readonly executable: boolean;
  /** Which of the given files it is. */
  readonly source: number;
  /** Where it begins in the sequence of files and padding. */
  readonly offset: number;
}

export interface TorrentPlan {
  readonly name: string;
  readonly version: 'hybrid' | 'v1';
  readonly pieceLength: number;
  readonly pieceCount: number;
  /** Bytes of the files. */
  readonly contentBytes: number;
  /** In the order of the torrent: raw bytes of the names, folder by folder. */
  readonly files: readonly PlannedFile[];
  /** Whether the torrent is one file, not a folder. */
  readonly single: boolean;
  readonly torrentBytesMax: number;
}

const attributes = (file: PlannedFile): string | undefined => (file.executable ? 'x' : undefined);

type Tree = Map<string, BencodeValue>;

const treeOf = (plan: TorrentPlan, roots: readonly (Uint8Array | null)[]): Tree => {
  const tree: Tree = new Map();
  for (const [n, file] of plan.files.entries()) {
    const path = plan.single ? [plan.name] : file.path;
    let folder = tree;
    for (const name of path.slice(0, -1)) {
      const below = (folder.get(name) as Tree | undefined) ?? new Map<string, BencodeValue>();
      folder.set(name, below);
      folder = below;
    }
    folder.set(path.at(-1) as string, { '': { attr: attributes(file), length: file.size, 'pieces root': roots[n] ?? undefined } });
  }
  return tree;
};

const listOf = (plan: TorrentPlan): BencodeValue[] =>
  plan.files.flatMap((file) => {
    const entry = { attr: attributes(file), length: file.size, path: file.path };
    const padding = plan.version === 'hybrid' ? paddingAfter(file.size, plan.pieceLength) : 0;
    return padding === 0 ? [entry] : [entry, { attr: 'p', length: padding, path: ['.pad', String(padding)] }];
  });

/** The info dictionary of a plan with these pieces roots (by file) and v1 piece hashes. */
export const infoOf = (plan: TorrentPlan, roots: readonly (Uint8Array | null)[], pieces: Uint8Array, isPrivate: boolean): BencodeValue => {
  const [only] = plan.files;
  return {
    ...(plan.version === 'hybrid' ? { 'file tree': treeOf(plan, roots), 'meta version': 2 } : {}),
    ...(plan.single && only !== undefined ? { length: only.size, attr: attributes(only) } : { files: listOf(plan) }),
    name: plan.name,
    'piece length': plan.pieceLength,
    pieces,
    private: isPrivate ? 1 : undefined,
  };
};

/** Bytes of a v1 piece hash. */
export const sha1Bytes = 20;

/** The refusal of a torrent whose file would be over the plan's limit. */
export const tooLarge = (plan: TorrentPlan): Result<never> =>
  fail(
    'torrent-too-large',
    `the torrent file would be longer than ${plan.torrentBytesMax} bytes: share fewer files, or with longer pieces`,
  );
