import type { PasswordCost } from '../../ports/crypto.ts';

export const SALT_BYTES = 16;

/** OWASP's recommendation for argon2id: 19 MiB, two passes, one lane. */
export const PASSWORD_COST: PasswordCost = { memoryKib: 19_456, passes: 2, lanes: 1 };

/** A password hash taken apart. */
export interface PasswordHash {
  readonly cost: PasswordCost;
  readonly salt: Uint8Array;
  readonly tag: Uint8Array;
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replace(/=+$/u, '');

/** The PHC string of an argon2id hash (RFC 9106, version 0x13). */
export const formatPhc = ({ cost, salt, tag }: PasswordHash): string =>
  `$argon2id$v=19$m=${cost.memoryKib},t=${cost.passes},p=${cost.lanes}$${base64(salt)}$${base64(tag)}`;

const PHC = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{43})$/u;

/** Null for anything but an argon2id hash with a 32-byte tag. */
export const parsePhc = (text: string): PasswordHash | null => {
  const found = PHC.exec(text);
  if (found === null) return null;
  const [, memoryKib, passes, lanes, salt = '', tag = ''] = found;
  return {
    cost: { memoryKib: Number(memoryKib), passes: Number(passes), lanes: Number(lanes) },
    salt: new Uint8Array(Buffer.from(salt, 'base64')),
    tag: new Uint8Array(Buffer.from(tag, 'base64')),
  };
};

/** What a password is hashed with where there is no such account: the same work, and no tag equals it. */
export const dummyHash = (cost: PasswordCost): PasswordHash => ({ cost, salt: new Uint8Array(SALT_BYTES), tag: new Uint8Array(0) });

export const sameCost = (a: PasswordCost, b: PasswordCost): boolean =>
  a.memoryKib === b.memoryKib && a.passes === b.passes && a.lanes === b.lanes;

/** Compares in a time that depends on the lengths only. */
export const sameTag = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
};
