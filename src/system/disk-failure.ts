import { type Failure, fail } from '../protocol/result.ts';
import type { DiskFailure } from '../ports/disk.ts';

const CODES: { readonly [code: string]: DiskFailure['code'] } = {
  ENOSPC: 'full',
  EDQUOT: 'full',
  ENOENT: 'missing',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  EEXIST: 'exists',
};

const SENTENCES: { readonly [code in DiskFailure['code']]: string } = {
  full: 'the disk is full or its quota is used up',
  missing: 'there is no such file or folder',
  denied: 'permission is denied',
  exists: 'it exists already',
  io: 'the system reported an error',
};

/** Makes what `node:fs` reports a failure of the port. `doing` says what was tried: "open /a/b". */
export const diskFailure = (error: unknown, doing: string): { readonly ok: false; readonly error: DiskFailure } => {
  const raw = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
  const code = CODES[raw] ?? 'io';
  return fail(code, `Could not ${doing}: ${SENTENCES[code]} (${raw}).`);
};

export const ioFailure = (message: string): { readonly ok: false; readonly error: Failure<'io'> } => fail('io', message);
