/** Moves the files of a transfer to another folder, also to another file system; after a crash it goes on where it was. */
import { each } from '../../data/each.ts';
import type { Storage, StoredFile } from '../../data/storage.ts';
import type { Disk, DiskFailure, FileHandle } from '../../ports/disk.ts';
import { type Done, type Failure, fail, ok } from '../../protocol/result.ts';

const COPY_BYTES = 1024 * 1024;
/** What is being copied; never anybody else's. */
const COPY_SUFFIX = '.shoal-part';

export type MoveFailure = Failure<DiskFailure['code']>;

/** Where a file is to lie; null where it lies outside the folder and stays. */
export const movedPath = (path: string, from: string, to: string): string | null => {
  const [old, fresh] = [from, to].map((folder) => folder.replace(/[/\\]+$/u, ''));
  return path.startsWith(`${old}/`) ? `${fresh}${path.slice(`${old}`.length)}` : null;
};

/**
 * Moves one file. On one file system it is renamed; to another it is copied under another name, synced, renamed, and only
 * then removed where it was. Both there and the same size: a crash came in between, and what is left is done.
 */
export const moveFile = (disk: Disk, from: string, to: string, done: Done<void, MoveFailure>): void =>
  disk.stat(from, (source) => {
    if (!source.ok) {
      // Moved before a crash, or never begun.
      return done(source.error.code === 'missing' ? ok(undefined) : source);
    }
    return disk.stat(to, (target) => {
      if (target.ok && (target.value.kind !== 'file' || target.value.size !== source.value.size))
        return done(fail('exists', `${to} exists already and is not replaced: move it away first.`));
      if (target.ok) return disk.remove(from, done);
      if (target.error.code !== 'missing') return done(target);
      return disk.makeFolder(folderOf(to), (made) => {
        if (!made.ok) return done(made);
        return disk.rename(from, to, (renamed) => {
          // What cannot be renamed for no reason of the port's lies on another file system.
          if (renamed.ok || renamed.error.code !== 'io') done(renamed);
          else copyAway(disk, from, to, source.value.size, done);
        });
      });
    });
  });

const copyAway = (disk: Disk, from: string, to: string, size: number, done: Done<void, MoveFailure>): void => {
  const copy = `${to}${COPY_SUFFIX}`;
  copyFile(disk, from, copy, size, (copied) => {
    if (!copied.ok) return disk.remove(copy, () => done(copied));
    return disk.rename(copy, to, (renamed) => (renamed.ok ? disk.remove(from, done) : done(renamed)));
  });
};

/** Copies and syncs. The folder of the copy must be there. */
const copyFile = (disk: Disk, from: string, copy: string, size: number, done: Done<void, MoveFailure>): void =>
  disk.open(from, 'read', (source) => {
    if (!source.ok) return done(source);
    return disk.open(copy, 'write', (target) => {
      if (!target.ok) return disk.close(source.value, () => done(target));
      const finish: Done<void, MoveFailure> = (result) =>
        disk.close(source.value, () => disk.close(target.value, (closed) => done(result.ok ? closed : result)));
      return disk.truncate(target.value, 0, (emptied) => {
        if (!emptied.ok) return finish(emptied);
        return copyBytes(disk, { source: source.value, target: target.value, path: from }, size, (copied) =>
          copied.ok ? disk.sync(target.value, finish) : finish(copied),
        );
      });
    });
  });

const copyBytes = (
  disk: Disk,
  files: { readonly source: FileHandle; readonly target: FileHandle; readonly path: string },
  size: number,
  done: Done<void, MoveFailure>,
): void => {
  const memory = new Uint8Array(Math.min(COPY_BYTES, Math.max(1, size)));
  const next = (at: number): void => {
    if (at >= size) return done(ok(undefined));
    const into = memory.subarray(0, Math.min(memory.length, size - at));
    return disk.read(files.source, at, into, (read) => {
      if (!read.ok) return done(read);
      if (read.value < into.length) return done(fail('io', `${files.path} is shorter than it was.`));
      return disk.write(files.target, at, into, (written) => (written.ok ? next(at + into.length) : done(written)));
    });
  };
  next(0);
};

const folderOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')));

export interface Relocation {
  readonly disk: Disk;
  readonly storage: Storage;
  readonly from: string;
  readonly to: string;
  /** After each file. */
  readonly moved: (files: number) => void;
}

/** Whether something stands where files of the transfer are to lie. Errors: `exists` names it; the disk's. */
export const nothingInTheWay = ({ disk, storage, from, to }: Omit<Relocation, 'moved'>, done: Done<void, MoveFailure>): void => {
  const look = (file: StoredFile, next: Done<void, MoveFailure>): void => {
    const path = movedPath(file.path, from, to);
    if (path === null) return next(ok(undefined));
    return disk.stat(path, (found) => {
      if (found.ok) next(fail('exists', `${path} exists already and is not replaced: move it away first.`));
      else next(found.error.code === 'missing' ? ok(undefined) : found);
    });
  };
  each(storage.files, look, done);
};

/** Moves every file that lies below `from`; each has its new path as soon as it is there. The storage is frozen meanwhile. */
export const relocate = ({ disk, storage, from, to, moved }: Relocation, done: Done<void, MoveFailure>): void => {
  let count = 0;
  const move = (file: StoredFile, next: Done<void, MoveFailure>): void => {
    const path = movedPath(file.path, from, to);
    moved(++count);
    if (path === null) return next(ok(undefined));
    return moveFile(disk, file.path, path, (result) => {
      if (!result.ok) return next(result);
      return disk.stat(path, (stat) => {
        file.path = path;
        // A copy is another file with the same bytes: it counts as right from now on.
        if (file.facts !== null && stat.ok)
          file.facts = { size: stat.value.size, modifiedMs: stat.value.modifiedMs, identity: stat.value.identity };
        return next(ok(undefined));
      });
    });
  };
  storage.freeze(() =>
    each(storage.files, move, (result) => {
      storage.thaw();
      done(result);
    }),
  );
};
