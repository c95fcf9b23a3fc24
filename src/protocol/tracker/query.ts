/** The query of an announce or a scrape: names with values that are raw bytes (BEP 3), not text. */
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';

/** Values by name, in order; each character is a byte (latin1). */
export type Query = ReadonlyMap<string, readonly string[]>;

/** A scrape of a member with many torrents is the longest that is sensible. */
const parametersMax = 256;

const bad = (message: string): Result<never> => fail('malformed-query', message);

const escape = /%([0-9a-f]{2})?/giu;

/** The bytes behind percent signs, a character each. A plus sign is a space, as forms write it. Null where an escape is broken. */
const unescapeBytes = (text: string): string | null => {
  let broken = false;
  const bytes = text.replaceAll('+', ' ').replace(escape, (_, digits: string | undefined) => {
    if (digits === undefined) broken = true;
    return String.fromCharCode(Number.parseInt(digits ?? '0', 16));
  });
  return broken ? null : bytes;
};

/** Reads what follows the question mark. Error: `malformed-query`. Never throws. */
export const readQuery = (text: string): Result<Query> => {
  const query = new Map<string, string[]>();
  let count = 0;
  for (const part of text.split('&')) {
    if (part === '') continue;
    if (++count > parametersMax) return bad(`the query has more than ${parametersMax} parameters`);
    const equals = part.indexOf('=');
    const name = unescapeBytes(equals < 0 ? part : part.slice(0, equals));
    const value = equals < 0 ? '' : unescapeBytes(part.slice(equals + 1));
    if (name === null || value === null) return bad('the percent-encoding of the query is broken');
    const values = query.get(name);
    if (values === undefined) query.set(name, [value]);
    else values.push(value);
  }
  return ok(query);
};

/** The bytes of a value. */
export const valueBytes = (value: string): Uint8Array => new Uint8Array(Buffer.from(value, 'latin1'));

/** Percent-codes every byte but the unreserved ones of RFC 3986. */
export const escapeBytes = (bytes: Uint8Array): string => {
  let text = '';
  for (const byte of bytes) {
    const character = String.fromCharCode(byte);
    text += /[\w.~-]/u.test(character) ? character : `%${byte.toString(16).padStart(2, '0').toUpperCase()}`;
  }
  return text;
};
