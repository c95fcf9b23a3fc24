import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Whether a folder is there. @throws what the system says of the path, save that nothing is there. */
const isFolder = (path: string): boolean => {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined && !found.isDirectory()) throw Object.assign(new Error(`${path} is a file, not a folder`), { code: 'EEXIST' });
  return found !== undefined;
};

/**
 * Makes a folder and those above it that are missing, one after the other. Node's own recursive way never comes back
 * where the system refuses a folder as "not found" though its parent is there, as below `/proc`.
 * @throws what the system says.
 */
export const makeFolders = (path: string, mode = 0o777): void => {
  const missing: string[] = [];
  for (let at = path; !isFolder(at); at = dirname(at)) {
    missing.unshift(at);
    // A disk that is not there has nothing above it.
    if (dirname(at) === at) break;
  }
  for (const folder of missing) {
    try {
      mkdirSync(folder, { mode });
    } catch (error) {
      // Another process may have made it meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !isFolder(folder)) throw error;
    }
  }
};
