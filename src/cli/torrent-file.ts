/** Torrent files as commands are given them: on disk, or behind a URL. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { metainfoLimits } from '../protocol/bittorrent/metainfo-files.ts';
import { CommandError, stopWith } from './exit.ts';
import { formatSize } from './render/format.ts';

const CHUNK_BYTES = 256 * 1024;

/** The whole file, and no more than a torrent may have, whatever size it says it is of. */
const readUpTo = (path: string, bytesMax: number): Uint8Array => {
  const chunks: Buffer[] = [];
  const file = openSync(path, 'r');
  try {
    for (let size = 0; size <= bytesMax;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const length = readSync(file, chunk);
      if (length === 0) return Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, length));
      size += length;
    }
  } finally {
    closeSync(file);
  }
  return stopWith('torrent-invalid', `${path} is too large for a torrent file: more than ${formatSize(bytesMax)}.`);
};

/** The bytes of a torrent file; ends the command where it cannot be read, or cannot be one. */
export const readTorrent = (path: string): Uint8Array => {
  try {
    const found = statSync(path);
    if (!found.isFile()) stopWith('missing', `${path} is ${found.isDirectory() ? 'a folder' : 'a device or a pipe'}, not a torrent file.`);
    return readUpTo(path, metainfoLimits.torrentBytesMax);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const why: Readonly<Record<string, string>> = {
      ENOENT: 'does not exist',
      EACCES: 'may not be read by this user',
      ENOTDIR: 'does not exist',
    };
    return stopWith('missing', `${path} ${why[code] ?? `cannot be read (${code})`}.`);
  }
};

/** Whether a word is the URL of a torrent file. */
export const isUrl = (word: string): boolean => /^https?:\/\//iu.test(word);

const DOWNLOAD_TIMEOUT_MS = 30_000;

/** A URL may hold a passkey: what goes wrong is said of its host. */
const hostOf = (url: string): string => URL.parse(url)?.host ?? 'the URL';

/** The torrent file behind a URL; ends the command where there is none. */
export const downloadTorrent = async (url: string): Promise<Uint8Array> => {
  const host = hostOf(url);
  const { torrentBytesMax } = metainfoLimits;
  const tooLarge = (): never =>
    stopWith('torrent-invalid', `What ${host} sends is too large for a torrent file: more than ${formatSize(torrentBytesMax)}.`);
  try {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS),
      headers: { accept: 'application/x-bittorrent, */*' },
    });
    if (!response.ok) {
      await response.body?.cancel();
      return stopWith('missing', `${host} does not give the torrent file: it answers ${response.status} ${response.statusText}.`);
    }
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > torrentBytesMax) return tooLarge();
      chunks.push(chunk);
    }
    return new Uint8Array(Buffer.concat(chunks));
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const { name, cause } = error as Error & { readonly cause?: { readonly code?: string } };
    const why = name === 'TimeoutError' ? 'it does not answer in time' : (cause?.code ?? 'the connection failed');
    return stopWith('unavailable', `The torrent file cannot be had from ${host}: ${why}.`);
  }
};
