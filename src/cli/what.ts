/** What the words of `get` and `inspect` name: words of the catalog, a magnet link, or a torrent file. */
import { existsSync } from 'node:fs';
import { type Magnet, readMagnet } from '../protocol/bittorrent/magnet.ts';
import { readMetainfo } from '../protocol/bittorrent/metainfo.ts';
import { stopWith } from './exit.ts';
import { downloadTorrent, isUrl, readTorrent } from './torrent-file.ts';

export const isMagnet = (text: string): boolean => /^magnet:/iu.test(text);

/** A magnet link that can be used; ends the command where it is none. */
export const magnetOf = (text: string): Magnet => {
  const magnet = readMagnet(text);
  return magnet.ok ? magnet.value : stopWith('magnet-invalid', `This is ${magnet.error.message}. In a shell a link stands in quotes.`);
};

/** Whether a single word names a torrent file: one that is there, or could only be meant as one. */
export const isTorrentFile = (word: string): boolean => /\.torrent$/iu.test(word) && (existsSync(word) || /[/\\]/u.test(word));

const checked = (name: string, bytes: Uint8Array): Uint8Array => {
  const read = readMetainfo(bytes);
  return read.ok ? bytes : stopWith('torrent-invalid', `${name} is no valid torrent file: ${read.error.message}.`);
};

/** The torrent file that a word names; null where it names none. */
export const torrentOf = async (word: string): Promise<Uint8Array | null> => {
  if (isUrl(word)) return checked('What the URL gives', await downloadTorrent(word));
  return isTorrentFile(word) ? checked(word, readTorrent(word)) : null;
};

/** As the node is asked for it. What can be seen to be wrong ends the command before the node is asked. */
export const meant = async (words: readonly string[]): Promise<{ readonly what: string; readonly torrent?: string }> => {
  const text = words.join(' ').trim();
  if (isMagnet(text)) {
    magnetOf(text);
    return { what: text };
  }
  const torrent = words.length === 1 ? await torrentOf(text) : null;
  return torrent === null ? { what: text } : { what: '', torrent: Buffer.from(torrent).toString('base64') };
};
