/** Where the files of a torrent lie below a download folder: decided for all of them before anything is written. */
import { cleanName, markedName } from '../../protocol/bittorrent/names.ts';

export interface FileNameRules {
  /**
   * True where the disk keeps `A` and `a` apart. False (the default) is safe everywhere: of two names that differ in
   * case alone the second is marked.
   */
  readonly caseSensitive?: boolean;
}

interface Folder {
  /** Names that are taken, as the disk compares them. */
  readonly taken: Set<string>;
  /** Folders by their name in the torrent. */
  readonly folders: Map<string, { readonly diskName: string; readonly folder: Folder }>;
}

const newFolder = (): Folder => ({ taken: new Set(), folders: new Map() });

/** Names that some file system takes for the same have the same key: macOS compares canonical forms, Windows any case. */
const keyOf = (name: string, caseSensitive: boolean): string => {
  const composed = name.normalize('NFC');
  return caseSensitive ? composed : composed.toUpperCase().normalize('NFC');
};

const takeName = (folder: Folder, name: string, caseSensitive: boolean): string => {
  const clean = cleanName(name);
  let diskName = clean;
  for (let attempt = 0; folder.taken.has(keyOf(diskName, caseSensitive)); attempt++) diskName = markedName(clean, `${name}/${attempt}`);
  folder.taken.add(keyOf(diskName, caseSensitive));
  return diskName;
};

/**
 * A path below the download folder for each path of a torrent, in the same order. Each name is what `cleanName` makes of
 * it, so no path leads out of the folder. Where two paths would be one file, or a file would stand where another path
 * needs a folder, the later one's name is marked with a digest. The same paths in the same order give the same answer on
 * every node.
 */
export const planFileNames = (paths: readonly (readonly string[])[], rules: FileNameRules = {}): readonly (readonly string[])[] => {
  const caseSensitive = rules.caseSensitive ?? false;
  const root = newFolder();
  return paths.map((path) => {
    let folder = root;
    return path.map((name, depth) => {
      if (depth === path.length - 1) return takeName(folder, name, caseSensitive);
      let entry = folder.folders.get(name);
      if (entry === undefined) {
        entry = { diskName: takeName(folder, name, caseSensitive), folder: newFolder() };
        folder.folders.set(name, entry);
      }
      folder = entry.folder;
      return entry.diskName;
    });
  });
};
