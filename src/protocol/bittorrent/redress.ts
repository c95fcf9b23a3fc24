/** The same torrent with other trackers: everything else, the info dictionary above all, keeps its bytes. */
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import { type BencodeValue, Bencoded, bencodeLimits, decodeBencode, encodeBencode } from './bencode.ts';
import { withoutLineEnd } from './metainfo.ts';

/** What is written beside the info dictionary; what is left out stays as it is. */
export interface Dress {
  /** Announce URLs by tier (BEP 12); none: the torrent names no tracker. */
  readonly trackers: readonly (readonly string[])[];
  readonly comment?: string;
  /** BEP 19; in place of those that are there. */
  readonly webSeeds?: readonly string[];
}

/** Where a torrent may be announced: trackers, and nodes of the DHT (BEP 5). */
const ANNOUNCED = new Set(['announce', 'announce-list', 'nodes']);

/**
 * A torrent file with these trackers in place of its own. Its info-hashes stay. Errors: those of `decodeBencode`,
 * `metainfo-invalid` (no dictionary). The torrent is expected to have passed `readMetainfo`.
 */
export const redress = (torrent: Uint8Array, dress: Dress, bytesMax = bencodeLimits.bytesMax): Result<Uint8Array> => {
  const bytes = withoutLineEnd(torrent);
  const decoded = decodeBencode(bytes, { bytesMax });
  if (!decoded.ok) return decoded;
  if (decoded.value.kind !== 'dictionary') return fail('metainfo-invalid', 'the torrent file is no dictionary');
  const entries = new Map<string | Uint8Array, BencodeValue>();
  for (const [key, node] of decoded.value.entries) {
    if (ANNOUNCED.has(key)) continue;
    entries.set(isAscii(key) ? key : Buffer.from(key, 'latin1'), new Bencoded(bytes.subarray(node.start, node.end)));
  }
  const tiers = dress.trackers.filter((tier) => tier.length > 0);
  const first = tiers[0]?.[0];
  if (first !== undefined) {
    entries.set('announce', first);
    entries.set('announce-list', tiers);
  }
  if (dress.comment !== undefined) entries.set('comment', dress.comment);
  if (dress.webSeeds !== undefined && dress.webSeeds.length > 0) entries.set('url-list', dress.webSeeds);
  return ok(encodeBencode(entries));
};

const isAscii = (key: string): boolean => /^[\0-\x7f]*$/u.test(key);
