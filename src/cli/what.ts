import { readMagnet } from '../protocol/bittorrent/magnet.ts';
import { toHex } from '../protocol/digest.ts';
import { stopWith } from './exit.ts';

/**
 * What the words of `get` name, as the node is asked for it: of a magnet link the id, that of version 2 where there are
 * both. Trackers, peers and a choice of files that the link names are no use in a private network.
 */
export const meant = (words: readonly string[]): string => {
  const text = words.join(' ').trim();
  if (!/^magnet:/iu.test(text)) return text;
  const magnet = readMagnet(text);
  if (!magnet.ok) return stopWith('magnet-invalid', `This is ${magnet.error.message}. In a shell a link stands in quotes.`);
  const hash = magnet.value.v2 ?? magnet.value.v1;
  return hash === null ? stopWith('magnet-invalid', 'This magnet link has no info-hash.') : toHex(hash);
};
