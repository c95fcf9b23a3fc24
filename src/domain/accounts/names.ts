import { fail, ok, type Failure, type Result } from '../../protocol/result.ts';

export const NAME_CHARACTERS_MAX = 64;
/** Before anything is normalised: a bound on the work. */
const NAME_UNITS_MAX = 1_024;
const PASSWORD_CHARACTERS_MIN = 8;
const PASSWORD_BYTES_MAX = 1_024;

/** A name as it is shown, and what must be unique among all. */
export interface AccountName {
  /** NFC. */
  readonly name: string;
  readonly folded: string;
}

/** NFKC and full case folding, repeated until nothing changes, so that folding twice is folding once. */
export const foldName = (name: string): string => {
  let folded = name;
  for (let round = 0; round < 4; round++) {
    const next = folded.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC');
    if (next === folded) break;
    folded = next;
  }
  return folded;
};

/** Control, format, unassigned and private characters, invisible ones (fillers, selectors), and spaces that are not U+0020. */
const FORBIDDEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/u;

const invalid = (message: string): Result<never, Failure<'name-invalid'>> => fail('name-invalid', message);

/**
 * Whether a name may be an account's: 1 to 64 characters, nothing invisible, no space at its ends or twice in a row. Names
 * that differ only in case or Unicode form have the same `folded`.
 */
export const checkName = (raw: string): Result<AccountName, Failure<'name-invalid'>> => {
  const tooLong = `A name has at most ${NAME_CHARACTERS_MAX} characters`;
  if (raw.length > NAME_UNITS_MAX) return invalid(tooLong);
  if (!raw.isWellFormed()) return invalid('A name must be valid Unicode');
  const name = raw.normalize('NFC');
  const folded = foldName(name);
  if (name === '') return invalid('A name must not be empty');
  if ([...name].length > NAME_CHARACTERS_MAX || [...folded].length > NAME_CHARACTERS_MAX) return invalid(tooLong);
  if (FORBIDDEN.test(name) || FORBIDDEN.test(folded)) return invalid('A name must not contain control or invisible characters');
  if (/^ | $| {2}/u.test(name) || /^ | $/u.test(folded)) return invalid('A name must not begin or end with a space, or have two in a row');
  if (/^\p{M}/u.test(name)) return invalid('A name must not begin with an accent that stands on nothing');
  if (!/[\p{L}\p{N}]/u.test(name)) return invalid('A name needs at least one letter or digit');
  return ok({ name, folded });
};

/** A password as it is hashed: NFC, because keyboards differ in how they compose letters. Null when it is not valid Unicode or too long. */
export const normalPassword = (raw: string): string | null => {
  if (raw.length > PASSWORD_BYTES_MAX || !raw.isWellFormed()) return null;
  const password = raw.normalize('NFC');
  return new TextEncoder().encode(password).length > PASSWORD_BYTES_MAX ? null : password;
};

/** Whether a new password is good enough: 8 characters or more, at most 1,024 bytes as UTF-8. */
export const checkNewPassword = (raw: string): Result<string, Failure<'password-weak'>> => {
  const password = normalPassword(raw);
  if (password === null) return fail('password-weak', `A password has at most ${PASSWORD_BYTES_MAX} bytes of valid Unicode`);
  if ([...password].length < PASSWORD_CHARACTERS_MIN)
    return fail('password-weak', `A password needs at least ${PASSWORD_CHARACTERS_MIN} characters`);
  return ok(password);
};
