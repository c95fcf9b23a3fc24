/** What lies at a path that a user shares: files only; links are not followed. */
import { each } from '../../data/each.ts';
import type { Disk, FileStat } from '../../ports/disk.ts';
import { type Done, type Failure, fail, ok } from '../../protocol/result.ts';
import { isPartName, joinPath } from '../transfer/placement.ts';

export interface FoundFile {
  /** Absolute. */
  readonly path: string;
  /** Names below what was given; empty where that is the file itself. */
  readonly names: readonly string[];
  readonly stat: FileStat;
}

export interface Found {
  readonly files: readonly FoundFile[];
  /** Links, devices and the like that were passed over. */
  readonly skipped: number;
}

const FILES_MAX = 100_000;
const DEPTH_MAX = 48;

/** The last name of a path. */
export const baseName = (path: string): string =>
  path
    .replace(/[/\\]+$/u, '')
    .split(/[/\\]/u)
    .at(-1) ?? '';

export const isAbsolute = (path: string): boolean => path.startsWith('/') || /^[A-Za-z]:[/\\]/u.test(path);

/** Names of other encodings come with this character for what is no UTF-8, and so name nothing. */
const REPLACED = '\ufffd';

const notThere = (path: string): { readonly ok: false; readonly error: Failure } =>
  path.includes(REPLACED)
    ? fail('name-invalid', `${path} has a name that is not valid UTF-8: rename it, then share again.`)
    : fail('not-found', `There is nothing at ${path}.`);

/**
 * All files at or below `root`. Errors: `not-found`, `denied`, `link` (the root is a symbolic link), `too-many-files`,
 * `not-a-file`, and what the disk says of a folder that cannot be read.
 */
export const walk = (disk: Disk, root: string, done: Done<Found>): void => {
  const files: FoundFile[] = [];
  let skipped = 0;
  const visit = (path: string, names: readonly string[], next: Done<void, Failure>): void =>
    disk.stat(path, (stat) => {
      if (!stat.ok) return next(stat.error.code === 'missing' ? notThere(path) : stat);
      if (stat.value.kind === 'folder') return visitFolder(path, names, next);
      if (stat.value.kind === 'file') files.push({ path, names, stat: stat.value });
      else if (names.length === 0)
        return next(
          fail('link', `${path} is ${stat.value.kind === 'link' ? 'a symbolic link; share what it points to' : 'no file and no folder'}.`),
        );
      else skipped++;
      return next(files.length > FILES_MAX ? fail('too-many-files', `${root} holds more than ${FILES_MAX} files.`) : ok(undefined));
    });
  const visitFolder = (path: string, names: readonly string[], next: Done<void, Failure>): void => {
    if (names.length >= DEPTH_MAX) return next(fail('too-deep', `${path} is more than ${DEPTH_MAX} folders deep.`));
    return disk.list(path, (listed) => {
      if (!listed.ok) return next(listed);
      const entries = listed.value.filter((entry) => !isPartName(entry.name)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
      return each<(typeof entries)[number], Failure>(
        entries,
        (entry, after) => visit(joinPath(path, entry.name), [...names, entry.name], after),
        next,
      );
    });
  };
  visit(root, [], (result) => done(result.ok ? ok({ files, skipped }) : result));
};
