/**
 * Names from torrents, made fit for any file system and for the screen. What no disk should see is written as `%` and
 * two upper-case hexadecimal digits for each byte of its UTF-8, so that `originalName` finds the name again; only a name
 * that is too long loses its middle.
 */
import { sha256, toHex } from '../digest.ts';
import { bytesOfText, textOfBytes } from './text.ts';

/** What file systems allow in one name, in bytes of UTF-8. */
export const diskNameBytesMax = 255;

/** Stands for the empty name. */
const emptyMark = '%-';
/** Between the kept part of a name and the digest of the whole. */
const cutMark = '%~';
const digestCharacters = 16;
const keptExtensionBytesMax = 16;

/** Separators, what Windows forbids, control characters, and marks that turn the direction of text around. */
const forbidden = /[\p{Cc}<>:"/\\|?*\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]/u;
const reservedByWindows = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\..*)?$/iu;
const looksEscaped = /^%[0-9A-F]{2}/u;

const escape = (text: string): string =>
  Array.from(bytesOfText(text), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');

const escapeForbidden = (name: string): string => {
  let clean = '';
  let at = 0;
  for (const character of name) {
    const literal = character === '%' && (looksEscaped.test(name.slice(at, at + 3)) || name[at + 1] === '-' || name[at + 1] === '~');
    clean += literal || forbidden.test(character) ? escape(character) : character;
    at += character.length;
  }
  return clean;
};

const cutToBytes = (text: string, bytesMax: number): string => {
  let kept = '';
  let bytes = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character, 'utf8');
    if (bytes > bytesMax) break;
    kept += character;
  }
  return kept;
};

/**
 * The name with a digest of `original` in it, before the extension, in at most 255 bytes: for names that are too long,
 * and for those that would fall together with another.
 */
export const markedName = (name: string, original: string): string => {
  const mark = cutMark + toHex(sha256(bytesOfText(original))).slice(0, digestCharacters);
  const dot = name.lastIndexOf('.');
  const extension = dot > 0 && Buffer.byteLength(name.slice(dot), 'utf8') <= keptExtensionBytesMax ? name.slice(dot) : '';
  const stem = extension === '' ? name : name.slice(0, dot);
  const room = diskNameBytesMax - mark.length - Buffer.byteLength(extension, 'utf8');
  // A cut must not leave half of an escape behind, which would be read as the name's own.
  return cutToBytes(stem, room).replace(/%[0-9A-F]?$/u, '') + mark + extension;
};

/** One name of a path, fit for any file system; a good name stays as it is (also its Unicode form). Never `.` or `..`. */
export const cleanName = (name: string): string => {
  if (name === '') return emptyMark;
  let clean = escapeForbidden(name);
  if (reservedByWindows.test(clean)) clean = escape(clean.slice(0, 1)) + clean.slice(1);
  clean = clean.replace(/[. ]+$/u, escape);
  return Buffer.byteLength(clean, 'utf8') <= diskNameBytesMax ? clean : markedName(clean, name);
};

/** The name that `cleanName` made this of; null where it was cut or marked, so that only the torrent knows it. */
export const originalName = (clean: string): string | null => {
  if (clean === emptyMark) return '';
  if (clean.includes(cutMark)) return null;
  const parts: Uint8Array[] = [];
  for (const [part] of clean.matchAll(/%[0-9A-F]{2}|[^%]+|%/gu)) {
    parts.push(looksEscaped.test(part) ? Uint8Array.of(Number.parseInt(part.slice(1, 3), 16)) : bytesOfText(part));
  }
  return textOfBytes(new Uint8Array(Buffer.concat(parts)));
};
