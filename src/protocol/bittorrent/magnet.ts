/** Magnet links (BEP 9, 52, 53). */
import { fromHex, toHex } from '../digest.ts';
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import type { InfoHash } from './ids.ts';
import { infoHash, infoHashBytesV1, infoHashBytesV2 } from './ids.ts';

export interface MagnetPeer {
  /** A name or an address, without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Places of files in the torrent, both ends included (BEP 53). */
export interface FileRange {
  readonly first: number;
  readonly last: number;
}

export interface Magnet {
  /** At least one of `v1` and `v2` is there. */
  readonly v1: InfoHash | null;
  readonly v2: InfoHash | null;
  readonly name: string | null;
  /** Bytes. */
  readonly size: number | null;
  readonly trackers: readonly string[];
  readonly peers: readonly MagnetPeer[];
  /** URLs of the content on web servers (BEP 19). */
  readonly webSeeds: readonly string[];
  /** The files that are wanted; empty for all. */
  readonly files: readonly FileRange[];
}

const magnetCharactersMax = 16_384;
const itemsMax = 256;
const scheme = 'magnet:?';
/** A SHA-256 multihash: the code of the function and the length of the digest. */
const sha256Multihash = '1220';
const base32Alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

const fromBase32 = (text: string): Uint8Array | null => {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const character of text.toUpperCase()) {
    const value = base32Alphabet.indexOf(character);
    if (value < 0) return null;
    held = ((held << 5) | value) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = held >> bits;
  }
  return bytes;
};

const hashOf = (bytes: Uint8Array | null, length: number): InfoHash | null => (bytes?.length === length ? infoHash(bytes) : null);

const readV1 = (text: string): InfoHash | null =>
  hashOf(text.length === 40 ? fromHex(text) : text.length === 32 ? fromBase32(text) : null, infoHashBytesV1);

const readV2 = (text: string): InfoHash | null =>
  text.toLowerCase().startsWith(sha256Multihash) ? hashOf(fromHex(text.slice(sha256Multihash.length)), infoHashBytesV2) : null;

const readPeer = (text: string): MagnetPeer | null => {
  const match = /^(?:\[([0-9a-f:.%]+)\]|([^\s:[\]/]+)):(\d{1,5})$/iu.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  return host !== undefined && port >= 1 && port <= 65_535 ? { host, port } : null;
};

const readRanges = (text: string): FileRange[] | null => {
  const ranges: FileRange[] = [];
  for (const part of text.split(',')) {
    const match = /^(\d{1,9})(?:-(\d{1,9}))?$/u.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (match === null || last < first) return null;
    ranges.push({ first, last });
  }
  return ranges;
};

const decoded = (text: string): string | null => {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
};

/** Parameters by name, without the number that tells several of one name apart (`tr.1`, `xt.2`). */
const readParameters = (text: string): Map<string, string[]> | null => {
  const parameters = new Map<string, string[]>();
  for (const part of text.split('&')) {
    const equals = part.indexOf('=');
    if (equals < 1) continue;
    const name = part
      .slice(0, equals)
      .toLowerCase()
      .replace(/\.\d+$/u, '');
    const raw = part.slice(equals + 1);
    const value = decoded(name === 'dn' ? raw.replaceAll('+', ' ') : raw);
    if (value === null) return null;
    const values = parameters.get(name) ?? [];
    if (values.length < itemsMax) values.push(value);
    parameters.set(name, values);
  }
  return parameters;
};

const bad = (reason: string): Result<never> => fail('magnet-invalid', `not a usable magnet link: ${reason}`);

interface Hashes {
  readonly v1: InfoHash | null;
  readonly v2: InfoHash | null;
}

const readHashes = (topics: readonly string[]): Result<Hashes> => {
  let hashes: Hashes = { v1: null, v2: null };
  for (const topic of topics) {
    const [, kind, text] = /^urn:(btih|btmh):(.*)$/isu.exec(topic) ?? [];
    if (kind === undefined || text === undefined) continue;
    const version = kind.toLowerCase() === 'btih' ? 'v1' : 'v2';
    const hash = version === 'v1' ? readV1(text) : readV2(text);
    if (hash === null) return bad('an info-hash is invalid');
    const before = hashes[version];
    if (before !== null && toHex(before) !== toHex(hash)) return bad('it names two torrents');
    hashes = { ...hashes, [version]: hash };
  }
  return hashes.v1 === null && hashes.v2 === null ? bad('it has no info-hash') : ok(hashes);
};

const readSize = (text: string | undefined): number | null => {
  const size = text !== undefined && /^\d{1,16}$/u.test(text) ? Number(text) : 0;
  return Number.isSafeInteger(size) && size > 0 ? size : null;
};

/** Reads a magnet link. Error: `magnet-invalid`. Peers and sizes that are no such count as absent. Never throws on text. */
export const readMagnet = (text: string): Result<Magnet> => {
  const link = text.trim();
  if (link.length > magnetCharactersMax) return bad(`it is longer than ${magnetCharactersMax} characters`);
  if (link.slice(0, scheme.length).toLowerCase() !== scheme) return bad('it does not begin with magnet:?');
  const parameters = readParameters(link.slice(scheme.length));
  if (parameters === null) return bad('its percent-encoding is broken');
  const all = (name: string): readonly string[] => parameters.get(name) ?? [];
  const hashes = readHashes(all('xt'));
  if (!hashes.ok) return hashes;
  const ranges = all('so').map(readRanges);
  if (ranges.includes(null)) return bad('its selection of files is invalid');
  return ok({
    ...hashes.value,
    name: all('dn')[0] ?? null,
    size: readSize(all('xl')[0]),
    trackers: [...new Set(all('tr'))],
    webSeeds: [...new Set(all('ws'))].filter((url) => /^https?:\/\/./iu.test(url)),
    peers: all('x.pe').flatMap((peer) => readPeer(peer) ?? []),
    files: ranges.flatMap((range) => range ?? []),
  });
};

const printRange = ({ first, last }: FileRange): string => (first === last ? String(first) : `${first}-${last}`);

const printPeer = ({ host, port }: MagnetPeer): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);

/** Prints a magnet link; what is absent is left out. */
export const printMagnet = (magnet: Partial<Magnet>): string => {
  const parts: string[] = [];
  if (magnet.v1) parts.push(`xt=urn:btih:${toHex(magnet.v1)}`);
  if (magnet.v2) parts.push(`xt=urn:btmh:${sha256Multihash}${toHex(magnet.v2)}`);
  // A lone surrogate cannot be percent-encoded.
  if (magnet.name) parts.push(`dn=${encodeURIComponent(magnet.name.toWellFormed())}`);
  if (magnet.size) parts.push(`xl=${magnet.size}`);
  for (const tracker of magnet.trackers ?? []) parts.push(`tr=${encodeURIComponent(tracker.toWellFormed())}`);
  for (const url of magnet.webSeeds ?? []) parts.push(`ws=${encodeURIComponent(url.toWellFormed())}`);
  for (const peer of magnet.peers ?? []) parts.push(`x.pe=${printPeer(peer)}`);
  if (magnet.files?.length) parts.push(`so=${magnet.files.map(printRange).join(',')}`);
  return scheme + parts.join('&');
};
