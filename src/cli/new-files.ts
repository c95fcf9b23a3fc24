import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { NewFile } from '../config/make.ts';
import { fail, ok, type Result } from '../protocol/result.ts';
import { makeFolders } from '../system/make-folders.ts';

/** What went wrong where a file or a folder could not be made. */
export const failureCodeOf = ({ code }: NodeJS.ErrnoException): string => {
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return 'denied';
  return code === 'ENOSPC' ? 'full' : 'cannot-create';
};

/** The files that make a folder a network's or a node's: none of them may be there. Schemas may. */
const matters = ({ path }: NewFile): boolean => !path.startsWith('schema/');

/**
 * Writes the files of something new into `folder`, secret ones with mode 0600 in a folder of mode 0700. Nothing is
 * written where any of them is there already: an existing network is never overwritten.
 */
export const writeNewFiles = (folder: string, files: readonly NewFile[]): Result<void> => {
  const there = files.filter(matters).find(({ path }) => existsSync(join(folder, path)));
  const shown = relative('.', folder) || folder;
  if (there !== undefined)
    return fail('exists', `${join(shown, there.path)} is there already. Nothing was changed; choose another folder.`);
  try {
    for (const { path, text, secret } of files) {
      const full = join(folder, path);
      makeFolders(dirname(full), secret ? 0o700 : 0o777);
      writeFileSync(full, text, { mode: secret ? 0o600 : 0o666, flag: matters({ path, text, secret }) ? 'wx' : 'w' });
    }
    return ok(undefined);
  } catch (error) {
    const failure = error as NodeJS.ErrnoException;
    return fail(failureCodeOf(failure), `Cannot set up ${shown}: ${failure.message}`);
  }
};
