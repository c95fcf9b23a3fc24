/**
 * Names in torrents should be UTF-8, but old ones hold any bytes. A byte that is no part of valid UTF-8 becomes the lone
 * surrogate U+DC80 to U+DCFF that holds it (as Python's `surrogateescape` does), so that text and bytes convert both
 * ways without loss.
 */

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** How many bytes of valid UTF-8 start at `at`: 1 to 4, or 0 where the byte there starts none. */
const sequenceLength = (bytes: Uint8Array, at: number): number => {
  const lead = bytes[at] as number;
  const length = lead < 0x80 ? 1 : lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
  if (length <= 1) return length;
  try {
    decoder.decode(bytes.subarray(at, at + length));
    return length;
  } catch {
    return 0;
  }
};

/** The text of raw bytes; never fails. `bytesOfText` gives the same bytes back. */
export const textOfBytes = (bytes: Uint8Array): string => {
  try {
    return decoder.decode(bytes);
  } catch {
    let text = '';
    for (let at = 0; at < bytes.length;) {
      const length = sequenceLength(bytes, at);
      text += length === 0 ? String.fromCharCode(0xdc00 + (bytes[at] as number)) : decoder.decode(bytes.subarray(at, at + length));
      at += length === 0 ? 1 : length;
    }
    return text;
  }
};

const escapedByte = /[\udc80-\udcff]/u;

/** The raw bytes of a text: UTF-8, and the held byte for each escaped one. */
export const bytesOfText = (text: string): Uint8Array => {
  if (!escapedByte.test(text)) return new Uint8Array(Buffer.from(text, 'utf8'));
  const parts: Uint8Array[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    parts.push(code >= 0xdc80 && code <= 0xdcff ? Uint8Array.of(code - 0xdc00) : Buffer.from(character, 'utf8'));
  }
  return new Uint8Array(Buffer.concat(parts));
};

/** Order of raw bytes, as bencode sorts keys and BEP 52 sorts files. */
export const compareBytes = (a: Uint8Array, b: Uint8Array): number => Buffer.compare(a, b);
