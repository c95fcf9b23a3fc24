/** Where the data of a torrent lies already: looked for by names and sizes; what is in the files is checked later. */
import type { Disk } from '../../ports/disk.ts';
import { each } from '../../data/each.ts';
import { type Done, type Failure, fail, ok } from '../../protocol/result.ts';
import type { LayoutFile, TorrentLayout } from '../../domain/transfer/torrent-layout.ts';
import { finalRoot, joinPath } from '../transfer/placement.ts';

export interface Located {
  /** The folder that the content is in. */
  readonly folder: string;
  /** Of each file of the layout. Absolute. */
  readonly paths: readonly string[];
}

const folderOf = (path: string): string => path.replace(/[/\\]+$/u, '').replace(/[/\\][^/\\]*$/u, '') || '/';

/** Names as they stand in the torrent, where a disk can have them so: other programs write them as they are. */
const asNamed = ({ path, diskPath }: LayoutFile): readonly string[] =>
  path.every((name) => name !== '' && name !== '.' && name !== '..' && !/[/\\\0]/u.test(name)) ? path : diskPath;

const places = (folder: string, layout: TorrentLayout, namesOf: (file: LayoutFile) => readonly string[]): Located => ({
  folder,
  paths: layout.files.map((file) => joinPath(folder, ...namesOf(file))),
});

/** Below a folder, under the torrent's own name. */
const below = (folder: string, layout: TorrentLayout): readonly Located[] => [
  places(folder, layout, ({ diskPath }) => diskPath),
  places(folder, layout, asNamed),
];

/** The path is the content itself, whatever it is called: the file, or the folder of a torrent of several. */
const itself = (path: string, layout: TorrentLayout): readonly Located[] =>
  [({ diskPath }: LayoutFile) => diskPath, asNamed].map((namesOf) => ({
    ...places(path, layout, (file) => namesOf(file).slice(1)),
    folder: folderOf(path),
  }));

/** What is wrong with a place, from what has least to do with the torrent to what is nearest to it. */
const WRONGS = ['elsewhere', 'missing', 'size'] as const;
type Wrong = Failure<(typeof WRONGS)[number]>;

/** Null where all files are there, else what is wrong with the first that is not. */
const tryPlace = (disk: Disk, layout: TorrentLayout, place: Located, done: Done<Wrong | null, never>): void => {
  const look = (file: LayoutFile, next: Done<void, Wrong>): void => {
    const path = place.paths[file.index] ?? '';
    disk.stat(path, (stat) => {
      if (!stat.ok) next(stat.error.code === 'missing' ? fail('missing', `${path} is missing`) : fail('elsewhere', stat.error.message));
      else if (stat.value.kind !== 'file') next(fail('elsewhere', `${path} is no file`));
      else if (stat.value.size !== file.size) next(fail('size', `${path} has ${stat.value.size} bytes, not ${file.size}`));
      else next(ok(undefined));
    });
  };
  each(layout.files, look, (result) => done(ok(result.ok ? null : result.error)));
};

/** Of what is wrong with all places, what says most; `last` of equals, or the first. */
const tellingOf = (wrongs: readonly Wrong[], last: boolean): string | undefined => {
  const ranked = wrongs.toSorted((a, b) => WRONGS.indexOf(b.code) - WRONGS.indexOf(a.code));
  const best = ranked.filter(({ code }) => code === ranked[0]?.code);
  return best.at(last ? -1 : 0)?.message;
};

/** The places that `data` may stand for: the folder that the content is in, or the content itself. */
const named = (data: string, layout: TorrentLayout): readonly Located[] => [...below(data, layout), ...itself(data, layout)];

/** Whether files that lie at these paths are the ones that `data` names; also by another path to them, over a link. */
export const isWhere = (disk: Disk, layout: TorrentLayout, data: string, paths: readonly string[], done: (is: boolean) => void): void => {
  if (named(data, layout).some((place) => place.paths.every((path, n) => path === paths[n]))) return done(true);
  const index = layout.files.find(({ size }) => size > 0)?.index ?? 0;
  return locate(disk, layout, { data, folders: [] }, (located) => {
    if (!located.ok) return done(false);
    return disk.stat(located.value.paths[index] ?? '', (there) =>
      disk.stat(paths[index] ?? '', (here) =>
        done(there.ok && here.ok && here.value.identity > 0 && there.value.identity === here.value.identity),
      ),
    );
  });
};

/**
 * The first place where all of the files are, with their sizes: `data` alone where it is given (the content itself, or the
 * folder that it is in), else the folders. Error: `missing`, with what is wrong there.
 */
export const locate = (
  disk: Disk,
  layout: TorrentLayout,
  { data, folders }: { readonly data: string | null; readonly folders: readonly string[] },
  done: Done<Located>,
): void => {
  const found = data === null ? [...new Set(folders)].flatMap((folder) => below(folder, layout)) : named(data, layout);
  const wrongs: Wrong[] = [];
  const next = (at: number): void => {
    const place = found[at];
    if (place === undefined) {
      const roots = data === null ? folders.map((folder) => finalRoot(folder, layout)).join(' and ') : data;
      const why = tellingOf(wrongs, data !== null) ?? 'no place was named';
      const hint = data === null ? ' Name its place with --data PATH.' : '';
      return done(fail('missing', `Its data is not at ${roots}: ${why.replace(/\.$/u, '')}.${hint}`));
    }
    return tryPlace(disk, layout, place, (tried) => {
      if (!tried.ok || tried.value === null) return done(ok(place));
      wrongs.push(tried.value);
      return next(at + 1);
    });
  };
  next(0);
};
