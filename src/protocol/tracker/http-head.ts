/** The head of an HTTP/1.1 message (RFC 9112): a start line and fields, up to an empty line. */

/** Fields by name in lower case; of several with one name, the values joined by a comma. Values are latin1. */
export type HttpFields = ReadonlyMap<string, string>;

export interface HttpHead {
  readonly startLine: string;
  readonly fields: HttpFields;
  /** Of the head with its empty line. */
  readonly bytesUsed: number;
}

const fieldsMax = 64;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const fieldName = /^[\w!#$%&'*+.^`|~-]+$/u;

/** Where the empty line ends that ends the head, or -1. A lone line feed ends a line too (RFC 9112, 2.2). */
const endOfHead = (bytes: Uint8Array): number => {
  for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed, at + 1)) {
    if (bytes[at + 1] === lineFeed) return at + 2;
    if (bytes[at + 1] === carriageReturn && bytes[at + 2] === lineFeed) return at + 3;
  }
  return -1;
};

/** Line breaks before a message are skipped, as a robust server does (RFC 9112, 2.2). */
const startOfHead = (bytes: Uint8Array): number => {
  let at = 0;
  while (bytes[at] === carriageReturn || bytes[at] === lineFeed) at++;
  return at;
};

/** Reads a head from the start of the bytes; null where it is not there yet, a sentence where it is none. Never throws on bytes. */
export const readHttpHead = (bytes: Uint8Array): HttpHead | string | null => {
  const start = startOfHead(bytes);
  const end = endOfHead(bytes.subarray(start));
  if (end < 0) return null;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end).toString('latin1');
  const [startLine = '', ...lines] = text.trimEnd().split(/\r?\n/u);
  const fields = readFields(lines);
  return typeof fields === 'string' ? fields : { startLine, fields, bytesUsed: start + end };
};

const readFields = (lines: readonly string[]): Map<string, string> | string => {
  if (lines.length > fieldsMax) return `more than ${fieldsMax} header fields`;
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    // A line that begins with a space continues the one before in old messages; RFC 9112 (5.2) lets a server refuse it.
    if (!fieldName.test(name)) return 'a header field is malformed';
    const value = line.slice(colon + 1).trim();
    const before = fields.get(name);
    fields.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return fields;
};

/** Whether a list such as that of `Connection` has this word. */
export const hasWord = (value: string | undefined, word: string): boolean =>
  value !== undefined &&
  value
    .toLowerCase()
    .split(',')
    .some((each) => each.trim() === word);

/** The length of the body: null where there is no such field, `invalid` where it is none. The same length twice counts as one. */
export const contentLength = (fields: HttpFields): number | null | 'invalid' => {
  const value = fields.get('content-length');
  if (value === undefined) return null;
  const [first = '', ...others] = value.split(',').map((each) => each.trim());
  return /^\d{1,15}$/u.test(first) && others.every((other) => other === first) ? Number(first) : 'invalid';
};

/** A field's value holds no line break, whatever it was made of. */
const printValue = (value: string | number): string => String(value).replaceAll(/[\p{Cc}]+/gu, ' ');

/** The head of a message. Names are written as they are given. */
export const printHttpHead = (startLine: string, fields: Readonly<Record<string, string | number>>): Uint8Array => {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${printValue(value)}\r\n`);
  return new Uint8Array(Buffer.from(`${startLine}\r\n${lines.join('')}\r\n`, 'latin1'));
};
