/** Reading and writing of the hand-written frame bodies: big-endian integers, short strings, byte strings. */

const TWO_32 = 0x1_0000_0000;

/** Strings of the binary bodies take at most this many bytes of UTF-8. */
export const SHORT_STRING_BYTES_MAX = 255;

/** Short strings of so few plain characters are written and read one by one. */
const PLAIN_CHARACTERS_MAX = 24;

const HEX = /^(?:[0-9a-f]{2})+$/u;

/** Appends to one buffer that grows. Values out of range are a programmer's mistake and throw. */
export class Writer {
  #buffer: Buffer;
  #used = 0;

  constructor(expectedBytes = 256) {
    this.#buffer = Buffer.allocUnsafe(expectedBytes);
  }

  u8(value: number): this {
    if ((value & 0xff) !== value) throw new RangeError(`${value} does not fit a byte`);
    this.#room(1);
    this.#buffer[this.#used++] = value;
    return this;
  }

  u16(value: number): this {
    if ((value & 0xffff) !== value) throw new RangeError(`${value} does not fit two bytes`);
    this.#room(2);
    this.#buffer[this.#used++] = value >>> 8;
    this.#buffer[this.#used++] = value;
    return this;
  }

  u32(value: number): this {
    if (value >>> 0 !== value) throw new RangeError(`${value} does not fit four bytes`);
    this.#room(4);
    this.#buffer[this.#used++] = value >>> 24;
    this.#buffer[this.#used++] = value >>> 16;
    this.#buffer[this.#used++] = value >>> 8;
    this.#buffer[this.#used++] = value;
    return this;
  }

  /** An integer from 0 to 2^53 - 1, in 8 bytes. */
  integer(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is no integer from 0 to 2^53 - 1`);
    return this.u32(Math.floor(value / TWO_32)).u32(value % TWO_32);
  }

  /** A string of at most 255 bytes; an even number of lower-case hexadecimal digits (ids) takes half. */
  short(text: string): this {
    const hex = HEX.test(text);
    if (!hex && this.#plain(text)) return this;
    const bytes = Buffer.from(text, hex ? 'hex' : 'utf8');
    if (bytes.length > SHORT_STRING_BYTES_MAX) throw new RangeError(`A name of ${bytes.length} bytes does not fit a frame`);
    return this.u8(hex ? 1 : 0)
      .u8(bytes.length)
      .raw(bytes);
  }

  /** A string of at most 65,535 bytes of UTF-8: names that people give. */
  text(text: string): this {
    const bytes = Buffer.from(text, 'utf8');
    return this.u16(bytes.length).raw(bytes);
  }

  raw(bytes: Uint8Array): this {
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
    return this;
  }

  /** The bytes written; the writer must not be used afterwards. */
  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#used);
  }

  /** A few letters, such as the name of a voter in every heartbeat, without a buffer of their own. False where it is more. */
  #plain(text: string): boolean {
    const { length } = text;
    if (length > PLAIN_CHARACTERS_MAX) return false;
    this.#room(2 + length);
    const from = this.#used + 2;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) return false;
      this.#buffer[from + i] = unit;
    }
    this.#buffer[this.#used] = 0;
    this.#buffer[this.#used + 1] = length;
    this.#used = from + length;
    return true;
  }

  #room(bytes: number): void {
    if (this.#used + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#used + bytes));
    larger.set(this.#buffer.subarray(0, this.#used));
    this.#buffer = larger;
  }
}

/** Reads what `Writer` wrote. A read past the end, or of a value that cannot be, makes it `bad`; reading on gives zeros. */
export class Reader {
  /** What was wrong first, or null. */
  bad: string | null = null;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#take(1) ? this.#byte(1) : 0;
  }

  u16(): number {
    return this.#take(2) ? (this.#byte(2) << 8) | this.#byte(1) : 0;
  }

  u32(): number {
    return this.#take(4) ? ((this.#byte(4) << 24) | (this.#byte(3) << 16) | (this.#byte(2) << 8) | this.#byte(1)) >>> 0 : 0;
  }

  integer(): number {
    const value = this.u32() * TWO_32 + this.u32();
    if (Number.isSafeInteger(value)) return value;
    return this.fail('an integer over 2^53 - 1');
  }

  flag(): boolean {
    const value = this.u8();
    if (value > 1) this.fail('a flag that is neither 0 nor 1');
    return value === 1;
  }

  short(): string {
    const form = this.u8();
    const length = this.u8();
    if (form > 1) this.fail('a string of an unknown form');
    if (!this.#take(length)) return '';
    const plain = form === 0 ? this.#plain(length) : null;
    if (plain !== null) return plain;
    const text = this.#text(form === 1 ? 'hex' : 'utf8', length);
    // Replacement characters would make it longer: what was read could not be sent on.
    if (form === 0 && Buffer.byteLength(text) !== length) this.fail('a string that is no UTF-8');
    return text;
  }

  /** A string of at most `bytesMax` bytes of UTF-8. */
  text(bytesMax: number): string {
    const length = this.count(this.u16(), bytesMax, 1);
    if (!this.#take(length)) return '';
    const text = this.#text('utf8', length);
    if (Buffer.byteLength(text) !== length) this.fail('a string that is no UTF-8');
    return text;
  }

  /** A copy: what was read may be lent. */
  raw(length: number): Uint8Array {
    if (!this.#take(length)) return new Uint8Array(0);
    return new Uint8Array(this.#bytes.subarray(this.#at - length, this.#at));
  }

  /** A count of things that take at least `bytesEach`, so that a lie cannot make the reader allocate. */
  count(value: number, max: number, bytesEach: number): number {
    if (value <= max && value * bytesEach <= this.left) return value;
    return this.fail(`a count of ${value}`);
  }

  fail(what: string): 0 {
    this.bad ??= what;
    return 0;
  }

  /** The byte that many before the place up to which was read. */
  #byte(before: number): number {
    return this.#bytes[this.#at - before] as number;
  }

  #text(encoding: 'hex' | 'utf8', length: number): string {
    const { buffer, byteOffset } = this.#bytes;
    return Buffer.from(buffer, byteOffset + this.#at - length, length).toString(encoding);
  }

  /** The last so many bytes as text, if they are few and plain. */
  #plain(length: number): string | null {
    if (length > PLAIN_CHARACTERS_MAX) return null;
    let text = '';
    for (let before = length; before > 0; before--) {
      const byte = this.#byte(before);
      if (byte > 0x7f) return null;
      text += String.fromCharCode(byte);
    }
    return text;
  }

  #take(length: number): boolean {
    if (this.bad !== null) return false;
    if (this.left < length) {
      this.bad = 'a body that is cut off';
      return false;
    }
    this.#at += length;
    return true;
  }
}
