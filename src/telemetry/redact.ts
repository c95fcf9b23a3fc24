/** What may not stand in a log, and how much of anything may. */

const REDACTED = '[redacted]';

/**
 * Fields that hold a secret, by how their names end (`sessionToken`, `new_password`), without case, `-` and `_`. A plural
 * such as `tokens` is a count.
 */
const SECRET_NAME =
  /(?:token|password|passkey|secrets?|authorization|cookie|^key|(?:api|network|cluster|token)key|(?:admin|invite|join)code|(?:password|token|code|passkey)hash)$/u;

const DEPTH_MAX = 6;
const ITEMS_MAX = 50;
const STRING_LENGTH_MAX = 2_000;

/**
 * `passkey=…`, `"password":"…"`, `Authorization: Bearer …` inside a text: what stands before the secret, and its quote.
 * The quote may be escaped, as in JSON within JSON; a secret in quotes ends where they do, or with the text.
 */
const SIGNED_SECRET =
  /((?:password|passkey|token|secret|authorization|cookie|(?:api|network|cluster|token)[-_]?key|(?:admin|invite|join)[-_]?code)(?:[-_]?hash)?\\*["']?\s{0,8}(?:[=:]|%3[ad])\s{0,8}(?:(?:bearer|basic|token)\s+){0,2})(?:(\\*["'])(?:(?!\2)(?:\\[^]|[^]))*|[^\s&,;"']+)/giu;

/** The same where only a space stands between. */
const SPACED_SECRET = /\b((?:passkey|password|token|authorization|bearer)\s+(?:(?:bearer|basic|token)\s+){0,2})[^\s&,;"']+/giu;

/**
 * The segment before `/announce` and `/scrape` is a passkey; not the host, and not the folder of a source file. In a magnet
 * link, and in other URLs' parameters, the slashes are percent-encoded.
 */
const SECRET_IN_PATH = /(?<!\/)(\/)[^\s/?#"']+(?=\/(?:announce|scrape)(?![\w/-]|\.[jt]s\b))/giu;
const SECRET_IN_ENCODED_PATH = /(?<!%2f)(%2f)(?:(?!%2f)[^\s/?#"'&])+(?=%2f(?:announce|scrape)(?![\w/-]|%2f))/giu;

/**
 * `code` names both what an error carries and what registers an account. It is kept where it looks like an error's
 * (`name-taken`, `ECONNREFUSED`, an exit status) in an object that is no request and no invitation.
 */
const isSecretCode = (value: unknown, holder: object): boolean => {
  if ('password' in holder || 'op' in holder || 'expiresMs' in holder) return true;
  return typeof value === 'string' && !/^(?:[a-z]+(?:-[a-z]+)*|[A-Z][A-Z_]*)$/u.test(value);
};

const isSecret = (name: string, value: unknown, holder: object): boolean => {
  if (value === null || value === undefined || typeof value === 'boolean') return false;
  const plain = name.toLowerCase().replaceAll(/[-_]/gu, '');
  return SECRET_NAME.test(plain) || (plain === 'code' && isSecretCode(value, holder));
};

const cleanText = (text: string): string => {
  const cut = text.length > STRING_LENGTH_MAX ? `${text.slice(0, STRING_LENGTH_MAX)}… (${text.length} characters)` : text;
  return cut
    .replaceAll(SIGNED_SECRET, (_all, before: string, quote = '') => `${before}${quote}${REDACTED}`)
    .replaceAll(SPACED_SECRET, (_all, before: string) => `${before}${REDACTED}`)
    .replaceAll(SECRET_IN_PATH, `$1${REDACTED}`)
    .replaceAll(SECRET_IN_ENCODED_PATH, `$1${REDACTED}`);
};

const cleanFields = (holder: object, depth: number): Record<string, unknown> => {
  const clean: Record<string, unknown> = {};
  let left = ITEMS_MAX;
  for (const [name, value] of Object.entries(holder)) {
    if (left-- === 0) break;
    clean[name] = isSecret(name, value, holder) ? REDACTED : cleanValue(value, depth);
  }
  return clean;
};

const cleanError = (error: Error, depth: number): Record<string, unknown> => ({
  type: error.name,
  message: cleanText(error.message),
  stack: cleanText(error.stack ?? ''),
  ...cleanFields(error, depth),
  ...(error.cause === undefined ? {} : { cause: cleanValue(error.cause, depth) }),
});

const cleanValue = (value: unknown, depth: number): unknown => {
  if (typeof value === 'string') return cleanText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth >= DEPTH_MAX) return Array.isArray(value) ? `[${value.length} items]` : '[object]';
  if (value instanceof Error) return cleanError(value, depth + 1);
  if (Array.isArray(value)) return value.slice(0, ITEMS_MAX).map((item) => cleanValue(item, depth + 1));
  return cleanFields(value, depth + 1);
};

/**
 * A copy of a log line's fields without passwords, tokens, passkeys, keys and codes at any depth, with raw bytes as
 * their length, and bounded: 6 levels, 50 items a level, 2,000 characters a text.
 */
export const redact = (fields: object): Record<string, unknown> =>
  fields instanceof Error ? { err: cleanError(fields, 1) } : cleanFields(fields, 0);

/** The same for a text that is shown on its own. */
export const redactText = cleanText;
