/** Where a download lies while it is under way, and its move to where it belongs. */
import { each } from '../../data/each.ts';
import type { Storage } from '../../data/storage.ts';
import type { Disk, DiskFailure } from '../../ports/disk.ts';
import { type Done, type Failure, fail, ok } from '../../protocol/result.ts';
import type { LayoutFile, TorrentLayout } from '../../domain/transfer/torrent-layout.ts';

const NAME_BYTES_MAX = 255;
const PART_SUFFIX = '.shoal-part';
const ID_CHARACTERS = 8;

export type PlacementFailure = Failure<DiskFailure['code'] | 'changed'>;

export const joinPath = (folder: string, ...names: readonly string[]): string => [folder.replace(/[/\\]+$/u, ''), ...names].join('/');

/** Whether a name is one of ours for what is under way; such files are never shared. */
export const isPartName = (name: string): boolean => name.endsWith(PART_SUFFIX);

/** Where the content is to lie: the file, or the folder of a torrent of several. */
export const finalRoot = (folder: string, layout: TorrentLayout): string => joinPath(folder, layout.files[0]?.diskPath[0] ?? layout.id);

/** Where it lies until it is complete: beside that, hidden, with some of the id so that no two meet. */
export const partRoot = (folder: string, layout: TorrentLayout): string => {
  const tail = `.${layout.id.slice(0, ID_CHARACTERS)}${PART_SUFFIX}`;
  let name = layout.files[0]?.diskPath[0] ?? '';
  while (Buffer.byteLength(`.${name}${tail}`) > NAME_BYTES_MAX) name = name.slice(0, -1);
  return joinPath(folder, `.${name}${tail}`);
};

export const finalPath = (folder: string, layout: TorrentLayout, file: number): string =>
  joinPath(folder, ...(layout.files[file]?.diskPath ?? []));

export const partPath = (folder: string, layout: TorrentLayout, file: number): string =>
  joinPath(partRoot(folder, layout), ...(layout.files[file]?.diskPath.slice(1) ?? []));

/**
 * Moves what was downloaded to its final names, and the storage with it. Nothing that is there is replaced: error
 * `exists` names what stands in the way. May be called again after a crash half-way.
 */
export const placeContent = (
  settings: {
    readonly disk: Disk;
    readonly layout: TorrentLayout;
    readonly storage: Storage;
    readonly folder: string;
    readonly selected: readonly boolean[];
  },
  answer: Done<void, PlacementFailure>,
): void => {
  const { disk, folder, layout, storage } = settings;
  const done: Done<void, PlacementFailure> = (result) => {
    storage.thaw();
    answer(result);
  };
  const moving = layout.files.filter((file) => settings.selected[file.index] === true && storage.files[file.index]?.adopted === false);
  const from = partRoot(folder, layout);
  const to = finalRoot(folder, layout);
  const move = (): void => {
    if (moving.length < layout.files.length) {
      moveEach();
      return;
    }
    disk.stat(to, (found) => {
      if (found.ok) return moveEach();
      if (found.error.code !== 'missing') return done(found);
      return disk.rename(from, to, (renamed) => {
        if (!renamed.ok) return done(renamed);
        for (const file of layout.files) (storage.files[file.index] as { path: string }).path = finalPath(folder, layout, file.index);
        return done(ok(undefined));
      });
    });
  };
  const moveEach = (): void =>
    each<LayoutFile, PlacementFailure>(
      moving,
      (file, next) => moveFile(settings, file.index, next),
      (moved) => (moved.ok ? clearAway(disk, from, () => done(ok(undefined))) : done(moved)),
    );
  each<LayoutFile, PlacementFailure>(
    moving.filter((file) => file.size === 0 && storage.files[file.index]?.path !== finalPath(folder, layout, file.index)),
    (file, next) => storage.makeEmpty(file.index, next),
    (made) => {
      if (!made.ok) return done(made);
      return storage.sync((synced) => (synced.ok ? storage.freeze(move) : done(synced)));
    },
  );
};

const moveFile = (
  { disk, folder, layout, storage }: Parameters<typeof placeContent>[0],
  file: number,
  done: Done<void, PlacementFailure>,
): void => {
  const stored = storage.files[file] as { path: string };
  const to = finalPath(folder, layout, file);
  if (stored.path === to) {
    done(ok(undefined));
    return;
  }
  disk.stat(to, (found) => {
    if (found.ok) return done(fail('exists', `${to} exists already and is not replaced: move it away, then resume.`));
    if (found.error.code !== 'missing') return done(found);
    return storage.makeFolderOf(to, (made) => {
      if (!made.ok) return done(made);
      return disk.rename(stored.path, to, (renamed) => {
        if (renamed.ok) stored.path = to;
        done(renamed);
      });
    });
  });
};

/** Removes a folder as far as it is empty, below and then itself. */
export const clearAway = (disk: Disk, path: string, done: () => void): void => {
  disk.list(path, (listed) => {
    if (!listed.ok) return done();
    const folders = listed.value.filter((entry) => entry.kind === 'folder');
    return each<(typeof folders)[number], never>(
      folders,
      (entry, next) => clearAway(disk, joinPath(path, entry.name), () => next(ok(undefined))),
      () => (folders.length === listed.value.length ? disk.remove(path, () => done()) : done()),
    );
  });
};
