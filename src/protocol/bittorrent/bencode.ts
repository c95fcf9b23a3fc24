/** Bencode (BEP 3): decoding to a tree of nodes over the original bytes, and canonical encoding. */
import type { Decoded, Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import { bytesOfText, compareBytes, textOfBytes } from './text.ts';

interface Range {
  /** Offset of the first byte of this value in the decoded bytes. */
  readonly start: number;
  /** Offset after its last byte. */
  readonly end: number;
}

export interface BencodeInteger extends Range {
  readonly kind: 'integer';
  readonly value: bigint;
}

export interface BencodeBytes extends Range {
  readonly kind: 'bytes';
  /** A view of the decoded bytes, not a copy. */
  readonly bytes: Uint8Array;
}

export interface BencodeList extends Range {
  readonly kind: 'list';
  readonly items: readonly BencodeNode[];
}

export interface BencodeDictionary extends Range {
  readonly kind: 'dictionary';
  /** By key, a character for each raw byte (latin1), in the order of the bytes. */
  readonly entries: ReadonlyMap<string, BencodeNode>;
}

/** A decoded value and where it stands in the original bytes. */
export type BencodeNode = BencodeInteger | BencodeBytes | BencodeList | BencodeDictionary;

export interface BencodeLimits {
  readonly bytesMax: number;
  readonly depthMax: number;
  /** Values in all, so that a small file cannot become a large tree. */
  readonly nodesMax: number;
  /** True (the default) refuses dictionaries whose keys are not in order; keys twice are refused always. */
  readonly sortedKeys: boolean;
}

export const bencodeLimits: BencodeLimits = { bytesMax: 8 * 1024 * 1024, depthMax: 64, nodesMax: 1_000_000, sortedKeys: true };

/** Digits of the largest integer: 64 bits need 20. */
const integerDigitsMax = 20;
/** Digits of the largest string length. */
const lengthDigitsMax = 9;

/** Thrown and caught inside this file only: why decoding stopped. */
class Stop {
  readonly kind: 'incomplete' | 'violation';
  readonly reason: string;
  constructor(kind: 'incomplete' | 'violation', reason: string) {
    this.kind = kind;
    this.reason = reason;
  }
}

const minus = 0x2d;
const zero = 0x30;
const nine = 0x39;
const colon = 0x3a;
const letterD = 0x64;
const letterE = 0x65;
const letterI = 0x69;
const letterL = 0x6c;

const isDigit = (byte: number | undefined): byte is number => byte !== undefined && byte >= zero && byte <= nine;

class Reader {
  readonly #bytes: Uint8Array;
  readonly #limits: BencodeLimits;
  #at = 0;
  #nodes = 0;

  constructor(bytes: Uint8Array, limits: BencodeLimits) {
    this.#bytes = bytes;
    this.#limits = limits;
  }

  value(depth: number): BencodeNode {
    if (depth > this.#limits.depthMax) throw this.#bad(`nested deeper than ${this.#limits.depthMax}`);
    if (++this.#nodes > this.#limits.nodesMax) throw this.#bad(`more than ${this.#limits.nodesMax} values`);
    const start = this.#at;
    const byte = this.#peek();
    if (isDigit(byte)) {
      const bytes = this.#string();
      return { kind: 'bytes', bytes, start, end: this.#at };
    }
    this.#at++;
    if (byte === letterI) return { kind: 'integer', value: this.#integer(), start, end: this.#at };
    if (byte === letterL) {
      const items: BencodeNode[] = [];
      while (this.#peek() !== letterE) items.push(this.value(depth + 1));
      this.#at++;
      return { kind: 'list', items, start, end: this.#at };
    }
    if (byte !== letterD) throw this.#bad('no value starts with this byte', start);
    const entries = this.#entries(depth);
    return { kind: 'dictionary', entries, start, end: this.#at };
  }

  #entries(depth: number): Map<string, BencodeNode> {
    const entries = new Map<string, BencodeNode>();
    let last: string | null = null;
    while (this.#peek() !== letterE) {
      const start = this.#at;
      if (!isDigit(this.#bytes[start])) throw this.#bad('a dictionary key is no string', start);
      const bytes = this.#string();
      const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
      if (entries.has(key)) throw this.#bad('a dictionary key stands twice', start);
      if (this.#limits.sortedKeys && last !== null && key < last) throw this.#bad('dictionary keys are not in order', start);
      entries.set(key, this.value(depth + 1));
      last = key;
    }
    this.#at++;
    return entries;
  }

  #string(): Uint8Array {
    const start = this.#at;
    const digits = this.#digits(lengthDigitsMax);
    if (this.#peek() !== colon) throw this.#bad('a string length is not followed by a colon');
    this.#at++;
    const end = this.#at + Number(digits);
    if (end > this.#limits.bytesMax) throw this.#bad('a string is longer than the limit', start);
    if (end > this.#bytes.length) throw new Stop('incomplete', '');
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  #integer(): bigint {
    const start = this.#at;
    const negative = this.#peek() === minus;
    if (negative) this.#at++;
    const digits = this.#digits(integerDigitsMax);
    if (this.#peek() !== letterE) throw this.#bad('an integer does not end');
    this.#at++;
    if (negative && digits === '0') throw this.#bad('an integer is minus zero', start);
    return negative ? -BigInt(digits) : BigInt(digits);
  }

  /** One or more digits without a leading zero. */
  #digits(max: number): string {
    const start = this.#at;
    let text = '';
    for (let byte = this.#peek(); isDigit(byte); byte = this.#peek()) {
      text += String.fromCharCode(byte);
      this.#at++;
      if (text.length > max) throw this.#bad('a number has too many digits', start);
    }
    if (text === '') throw this.#bad('a number has no digits', start);
    if (text.length > 1 && text.startsWith('0')) throw this.#bad('a number has a leading zero', start);
    return text;
  }

  #peek(): number {
    const byte = this.#bytes[this.#at];
    if (byte !== undefined) return byte;
    throw new Stop('incomplete', '');
  }

  #bad(reason: string, at = this.#at): Stop {
    return new Stop('violation', `${reason} (at byte ${at})`);
  }
}

/**
 * The value that the bytes start with; what follows it is left to the caller (BEP 9 puts raw bytes there). Never throws
 * on bytes.
 */
export const decodeBencodePrefix = (bytes: Uint8Array, limits: Partial<BencodeLimits> = {}): Decoded<BencodeNode> => {
  const all = { ...bencodeLimits, ...limits };
  try {
    const value = new Reader(bytes, all).value(0);
    if (value.end > all.bytesMax) return { kind: 'violation', reason: `longer than ${all.bytesMax} bytes` };
    return { kind: 'complete', value, bytesUsed: value.end };
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    return error.kind === 'incomplete' ? { kind: 'incomplete' } : { kind: 'violation', reason: error.reason };
  }
};

/** The one value that the bytes are; trailing bytes are refused. Never throws on bytes. */
export const decodeBencode = (bytes: Uint8Array, limits: Partial<BencodeLimits> = {}): Result<BencodeNode> => {
  const bytesMax = limits.bytesMax ?? bencodeLimits.bytesMax;
  if (bytes.length > bytesMax) return fail('bencode-too-large', `the bencoded data is longer than ${bytesMax} bytes`);
  const decoded = decodeBencodePrefix(bytes, limits);
  if (decoded.kind === 'incomplete') return fail('bencode-cut-off', 'the bencoded data ends in the middle of a value');
  if (decoded.kind === 'violation') return fail('bencode-invalid', `invalid bencoding: ${decoded.reason}`);
  if (decoded.bytesUsed < bytes.length) {
    return fail('bencode-trailing', `invalid bencoding: bytes follow the value (at byte ${decoded.bytesUsed})`);
  }
  return ok(decoded.value);
};

/** The value under a key (ASCII, or a character a raw byte) of a dictionary; undefined for any other node. */
export const entryOf = (node: BencodeNode | undefined, key: string): BencodeNode | undefined =>
  node?.kind === 'dictionary' ? node.entries.get(key) : undefined;

/** The bytes of a string node, a view; undefined for any other node. */
export const bytesOf = (node: BencodeNode | undefined): Uint8Array | undefined => (node?.kind === 'bytes' ? node.bytes : undefined);

/** The text of a string node (see `textOfBytes`); undefined for any other node. */
export const textOf = (node: BencodeNode | undefined): string | undefined => (node?.kind === 'bytes' ? textOfBytes(node.bytes) : undefined);

/** An integer node from 0 to `max` (at most 2^53 - 1); undefined for any other node or number. */
export const countOf = (node: BencodeNode | undefined, max = Number.MAX_SAFE_INTEGER): number | undefined =>
  node?.kind === 'integer' && node.value >= 0n && node.value <= BigInt(max) ? Number(node.value) : undefined;

/** The items of a list node; undefined for any other node. */
export const itemsOf = (node: BencodeNode | undefined): readonly BencodeNode[] | undefined =>
  node?.kind === 'list' ? node.items : undefined;

/** Bytes that are bencoded already, such as an info dictionary as it came: they are written as they are. */
export class Bencoded {
  readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** What can be encoded. Texts and keys are written by `bytesOfText`; entries that are undefined are left out. */
export type BencodeValue =
  | number
  | bigint
  | string
  | Uint8Array
  | Bencoded
  | readonly BencodeValue[]
  | ReadonlyMap<string | Uint8Array, BencodeValue>
  | { readonly [key: string]: BencodeValue | undefined };

const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1');

const pushString = (bytes: Uint8Array, out: Uint8Array[]): void => {
  out.push(ascii(`${bytes.length}:`), bytes);
};

const pushDictionary = (entries: Iterable<readonly [string | Uint8Array, BencodeValue | undefined]>, out: Uint8Array[]): void => {
  const sorted: [Uint8Array, BencodeValue][] = [];
  for (const [key, value] of entries) {
    if (value !== undefined) sorted.push([typeof key === 'string' ? bytesOfText(key) : key, value]);
  }
  sorted.sort(([a], [b]) => compareBytes(a, b));
  out.push(ascii('d'));
  for (const [key, value] of sorted) {
    pushString(key, out);
    push(value, out);
  }
  out.push(ascii('e'));
};

const push = (value: BencodeValue, out: Uint8Array[]): void => {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw new Error('bencode holds integers only');
  if (typeof value === 'number' || typeof value === 'bigint') out.push(ascii(`i${value}e`));
  else if (typeof value === 'string') pushString(bytesOfText(value), out);
  else if (value instanceof Uint8Array) pushString(value, out);
  else if (value instanceof Bencoded) out.push(value.bytes);
  else if (value instanceof Map) pushDictionary((value as ReadonlyMap<string | Uint8Array, BencodeValue>).entries(), out);
  else if (Array.isArray(value)) {
    out.push(ascii('l'));
    for (const item of value as readonly BencodeValue[]) push(item, out);
    out.push(ascii('e'));
  } else pushDictionary(Object.entries(value as { readonly [key: string]: BencodeValue | undefined }), out);
};

/** The canonical encoding: keys in the order of their raw bytes. */
export const encodeBencode = (value: BencodeValue): Uint8Array => {
  const out: Uint8Array[] = [];
  push(value, out);
  return new Uint8Array(Buffer.concat(out));
};
