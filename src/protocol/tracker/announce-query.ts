/** What a client tells a tracker: BEP 3, 7, 21, 23, 27 over HTTP, BEP 15 over UDP (`udp.ts`). */
import type { PeerId, WireHash } from '../bittorrent/ids.ts';
import { infoHashBytesV1, peerIdBytes, peerIdFrom, wireHashFrom } from '../bittorrent/ids.ts';
import { bytesOfText, textOfBytes } from '../bittorrent/text.ts';
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import type { Query } from './query.ts';
import { escapeBytes, readQuery, valueBytes } from './query.ts';

/** `paused`: upload only, of a partial seed (BEP 21). */
export type AnnounceEvent = 'none' | 'started' | 'completed' | 'stopped' | 'paused';

export interface AnnounceRequest {
  readonly infoHash: WireHash;
  readonly peerId: PeerId;
  /** Where the client listens, 0 to 65535; 0 is usual with `stopped` and means that it cannot be reached. */
  readonly port: number;
  /** Bytes since `started`. */
  readonly uploadedBytes: number;
  readonly downloadedBytes: number;
  /** Bytes; null where the client does not know yet (a magnet without its metadata). */
  readonly leftBytes: number | null;
  readonly event: AnnounceEvent;
  /** Tells clients behind one address apart. A 32-bit number as UDP has it is 8 hexadecimal digits in lower case, by HTTP too. */
  readonly key: string | null;
  /** Peers that the client wants; null for the tracker's default, 0 for none. */
  readonly numwant: number | null;
  /** False only where the client said `compact=0` (BEP 23). */
  readonly compact: boolean;
  readonly noPeerId: boolean;
  /** An address that the client claims; to be believed of trusted forwarders only. */
  readonly ip: string | null;
  /** What the tracker gave as `tracker id`, back again. */
  readonly trackerId: string | null;
}

const u32Max = 0xffff_ffff;
const keyCharactersMax = 32;
const trackerIdCharactersMax = 256;
const ipCharactersMax = 64;
const EVENTS: ReadonlyMap<string, AnnounceEvent> = new Map([
  ['', 'none'],
  ['empty', 'none'],
  ['started', 'started'],
  ['completed', 'completed'],
  ['stopped', 'stopped'],
  ['paused', 'paused'],
]);

/** The key as both HTTP and UDP spell it; null where there is none. */
const readKey = (text: string | undefined): string | null => {
  if (text === undefined || text === '' || text.length > keyCharactersMax) return null;
  return /^[0-9a-f]{1,8}$/iu.test(text) ? text.toLowerCase().padStart(8, '0') : textOfBytes(valueBytes(text));
};

const bad = (message: string): Result<never> => fail('malformed-announce', message);

/** A count of bytes; more than 2^53 - 1 counts as that, for clients say so when they do not know. */
const readBytes = (text: string | undefined): number | null =>
  text !== undefined && /^\d{1,20}$/u.test(text) ? Math.min(Number(text), Number.MAX_SAFE_INTEGER) : null;

const readLeft = (text: string | undefined): number | null => {
  const bytes = readBytes(text);
  return bytes === Number.MAX_SAFE_INTEGER ? null : bytes;
};

/** Absent, negative or no number: the default. */
const readNumwant = (text: string | undefined): number | null =>
  text !== undefined && /^\d{1,10}$/u.test(text) ? Math.min(Number(text), u32Max) : null;

const short = (text: string | undefined, charactersMax: number): string | null =>
  text === undefined || text === '' || text.length > charactersMax ? null : text;

const readRequest = (query: Query): Result<AnnounceRequest> => {
  const first = (name: string): string | undefined => query.get(name)?.[0];
  if ((query.get('info_hash')?.length ?? 0) > 1) return bad('an announce is for one info_hash');
  const infoHash = wireHashFrom(valueBytes(first('info_hash') ?? ''));
  if (infoHash === null) return bad(`info_hash must be ${infoHashBytesV1} bytes, percent-encoded`);
  const peerId = peerIdFrom(valueBytes(first('peer_id') ?? ''));
  if (peerId === null) return bad(`peer_id must be ${peerIdBytes} bytes, percent-encoded`);
  const port = /^\d{1,5}$/u.test(first('port') ?? '') ? Number(first('port')) : -1;
  if (port < 0 || port > 65_535) return bad('port must be a number from 0 to 65535');
  const counters = { uploaded: first('uploaded') ?? '0', downloaded: first('downloaded') ?? '0' };
  const [uploadedBytes, downloadedBytes] = [readBytes(counters.uploaded), readBytes(counters.downloaded)];
  if (uploadedBytes === null) return bad('uploaded must be a number of bytes');
  if (downloadedBytes === null) return bad('downloaded must be a number of bytes');
  const event = EVENTS.get(first('event') ?? '');
  if (event === undefined) return bad('event must be started, completed, stopped, paused or empty');
  const trackerId = short(first('trackerid'), trackerIdCharactersMax);
  return ok({
    infoHash,
    peerId,
    port,
    uploadedBytes,
    downloadedBytes,
    leftBytes: readLeft(first('left')),
    event,
    key: readKey(first('key')),
    numwant: readNumwant(first('numwant')),
    compact: first('compact') !== '0',
    noPeerId: first('no_peer_id') === '1',
    ip: short(first('ip'), ipCharactersMax),
    trackerId: trackerId === null ? null : textOfBytes(valueBytes(trackerId)),
  });
};

/**
 * Reads the query of an announce, without its question mark. Errors: `malformed-announce`, `malformed-query`, with a sentence for the
 * client's user. What a tracker can do without (numwant, key, left, counters that are absent) is never a reason to refuse.
 */
export const readAnnounceQuery = (text: string): Result<AnnounceRequest> => {
  const query = readQuery(text);
  return query.ok ? readRequest(query.value) : query;
};

/** The query of an announce, to follow a question mark or an ampersand, in the order in which clients write it. */
export const printAnnounceQuery = (request: AnnounceRequest): string => {
  const parts = [
    `info_hash=${escapeBytes(request.infoHash)}`,
    `peer_id=${escapeBytes(request.peerId)}`,
    `port=${request.port}`,
    `uploaded=${request.uploadedBytes}`,
    `downloaded=${request.downloadedBytes}`,
    // What is not known must not look like a seed.
    `left=${request.leftBytes ?? Number.MAX_SAFE_INTEGER}`,
    `compact=${request.compact ? 1 : 0}`,
  ];
  if (request.noPeerId) parts.push('no_peer_id=1');
  if (request.event !== 'none') parts.push(`event=${request.event}`);
  if (request.numwant !== null) parts.push(`numwant=${request.numwant}`);
  if (request.key !== null) parts.push(`key=${escapeBytes(bytesOfText(request.key))}`);
  if (request.ip !== null) parts.push(`ip=${escapeBytes(bytesOfText(request.ip))}`);
  if (request.trackerId !== null) parts.push(`trackerid=${escapeBytes(bytesOfText(request.trackerId))}`);
  return parts.join('&');
};
