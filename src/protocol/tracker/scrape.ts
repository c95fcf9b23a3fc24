/** Scrape over HTTP (BEP 48). */
import type { BencodeValue } from '../bittorrent/bencode.ts';
import { countOf, encodeBencode, entryOf } from '../bittorrent/bencode.ts';
import type { WireHash } from '../bittorrent/ids.ts';
import { infoHashBytesV1, wireHashFrom } from '../bittorrent/ids.ts';
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import type { TrackerRefusal } from './announce-reply.ts';
import { readRefusal, readTrackerDictionary } from './announce-reply.ts';
import { escapeBytes, readQuery, valueBytes } from './query.ts';

/** How a swarm stands. */
export interface ScrapeCounts {
  readonly seeders: number;
  readonly leechers: number;
  /** How often it was downloaded to the end. */
  readonly completed: number;
}

export interface ScrapedSwarm extends ScrapeCounts {
  readonly infoHash: WireHash;
}

/** As many as fit one UDP packet (BEP 15). HTTP keeps to it too. */
export const scrapeHashesMax = 74;

/** Reads the query of a scrape, without its question mark: 1 to 74 info-hashes. Errors: `malformed-scrape`, `malformed-query`. */
export const readScrapeQuery = (text: string): Result<readonly WireHash[]> => {
  const query = readQuery(text);
  if (!query.ok) return query;
  const values = query.value.get('info_hash') ?? [];
  if (values.length === 0) return fail('malformed-scrape', 'a scrape names its info_hash; this tracker does not list everything');
  if (values.length > scrapeHashesMax) return fail('malformed-scrape', `a scrape is for at most ${scrapeHashesMax} torrents`);
  const hashes: WireHash[] = [];
  for (const value of values) {
    const hash = wireHashFrom(valueBytes(value));
    if (hash === null) return fail('malformed-scrape', `info_hash must be ${infoHashBytesV1} bytes, percent-encoded`);
    hashes.push(hash);
  }
  return ok(hashes);
};

export const printScrapeQuery = (hashes: readonly WireHash[]): string => hashes.map((hash) => `info_hash=${escapeBytes(hash)}`).join('&');

/**
 * Where to scrape a tracker that is announced to at this path and query; null where it cannot be scraped. The rule of BEP 48: what
 * follows the last slash begins with `announce`, and `scrape` takes that word's place.
 */
export const scrapeTarget = (announceTarget: string): string | null => {
  const [path = ''] = announceTarget.split('?', 1);
  const at = path.lastIndexOf('/') + 1;
  const word = 'announce';
  return path.startsWith(word, at) ? `${announceTarget.slice(0, at)}scrape${announceTarget.slice(at + word.length)}` : null;
};

/** `minRequestIntervalSeconds`: clients are asked not to scrape more often. */
export const encodeScrapeReply = (swarms: readonly ScrapedSwarm[], minRequestIntervalSeconds: number | null = null): Uint8Array => {
  const files = new Map<Uint8Array, BencodeValue>();
  for (const swarm of swarms) {
    files.set(swarm.infoHash, { complete: swarm.seeders, incomplete: swarm.leechers, downloaded: swarm.completed });
  }
  return encodeBencode({
    files,
    flags: minRequestIntervalSeconds === null ? undefined : { min_request_interval: minRequestIntervalSeconds },
  });
};

/** Reads a reply; swarms that are no such are left out. Error: `reply-invalid`. Never throws on bytes. */
export const readScrapeReply = (
  bytes: Uint8Array,
): Result<{ readonly kind: 'reply'; readonly swarms: readonly ScrapedSwarm[] } | TrackerRefusal> => {
  const root = readTrackerDictionary(bytes);
  if (!root.ok) return root;
  const refusal = readRefusal(root.value);
  if (refusal !== null) return ok(refusal);
  const files = entryOf(root.value, 'files');
  const swarms: ScrapedSwarm[] = [];
  if (files?.kind !== 'dictionary') return ok({ kind: 'reply', swarms });
  for (const [key, node] of files.entries) {
    const infoHash = wireHashFrom(valueBytes(key));
    if (infoHash === null || swarms.length >= scrapeHashesMax) continue;
    const count = (name: string): number => countOf(entryOf(node, name)) ?? 0;
    swarms.push({ infoHash, seeders: count('complete'), leechers: count('incomplete'), completed: count('downloaded') });
  }
  return ok({ kind: 'reply', swarms });
};
