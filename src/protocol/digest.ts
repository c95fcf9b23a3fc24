import { createHmac, hash } from 'node:crypto';

/** SHA-1 (20 bytes): BitTorrent v1 info-hashes and pieces. */
export const sha1 = (bytes: Uint8Array): Uint8Array => hash('sha1', bytes, 'buffer');

/** SHA-256 (32 bytes). */
export const sha256 = (bytes: Uint8Array | string): Uint8Array => hash('sha256', bytes, 'buffer');

/** HMAC-SHA-256 (32 bytes). */
export const hmacSha256 = (key: Uint8Array, message: string): Uint8Array => createHmac('sha256', key).update(message).digest();

export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');

/** The bytes of a string of hexadecimal digits, or null where it is none. */
export const fromHex = (text: string): Uint8Array | null =>
  text.length % 2 === 0 && /^[0-9a-f]*$/iu.test(text) ? new Uint8Array(Buffer.from(text, 'hex')) : null;

export const equalBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
