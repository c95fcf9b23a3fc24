import type { DiskFailure } from '../ports/disk.ts';
import { type Failure, fail } from '../protocol/result.ts';
import { errorCode } from './files.ts';

const CODES: { readonly [code: string]: DiskFailure['code'] } = {
  ENOSPC: 'full',
  EDQUOT: 'full',
  ENOENT: 'missing',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  EEXIST: 'exists',
};

const SENTENCES: { readonly [code in Exclude<DiskFailure['code'], 'io'>]: string } = {
  full: 'the disk is full or its quota is used up',
  missing: 'there is no such file or folder',
  denied: 'permission is denied',
  exists: 'something of that name exists already',
};

/** Where the system's own code says more than the port's. */
const BETTER: { readonly [code: string]: string } = {
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EISDIR: 'it is a folder',
  ENAMETOOLONG: 'a name in the path is too long for this file system',
  EMFILE: 'too many files are open in this process',
  ENFILE: 'too many files are open on this machine',
};

/** What people call those operations of the port whose names are no words. */
const WORDS: { readonly [kind: string]: string } = {
  stat: 'look at',
  list: 'list the folder',
  makeFolder: 'make the folder',
  rename: 'move',
  writeFile: 'write',
  sync: 'write',
  truncate: 'change the size of',
};

/** In words, what an operation of the port was to do: "make the folder /a/b". */
export const doingOf = (kind: string, path: string): string => `${WORDS[kind] ?? kind} ${path}`;

/** Makes what `node:fs` reports a failure of the port. `doing` says what was tried: "open /a/b". */
export const diskFailure = (error: unknown, doing: string): { readonly ok: false; readonly error: Failure<DiskFailure['code']> } => {
  const raw = errorCode(error);
  const code = raw === undefined ? 'io' : (CODES[raw] ?? 'io');
  const plain = code === 'io' ? (error instanceof Error ? error.message : String(error)) : SENTENCES[code];
  const why = (raw === undefined ? undefined : BETTER[raw]) ?? plain;
  return fail(code, `Could not ${doing}: ${why}.`);
};
