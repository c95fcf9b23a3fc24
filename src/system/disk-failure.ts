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

/** Makes what `node:fs` reports a failure of the port. `doing` says what was tried: "open /a/b". */
export const diskFailure = (error: unknown, doing: string): { readonly ok: false; readonly error: Failure<DiskFailure['code']> } => {
  const raw = errorCode(error);
  const code = raw === undefined ? 'io' : (CODES[raw] ?? 'io');
  const why = code === 'io' ? (error instanceof Error ? error.message : String(error)) : SENTENCES[code];
  return fail(code, `Could not ${doing}: ${why}.`);
};
