/**
 * What a proxy asks a replica for ordinary BitTorrent clients, which have no node and no link of their own: announces (BEP
 * 3, 7, 15, 21, 23) and scrapes (BEP 48). Binary: they have a rate.
 */
import { fromHex, toHex } from '../digest.ts';
import type { Reader } from './binary.ts';
import { Writer } from './binary.ts';
import { GUEST_HASHES_MAX, GUEST_PEERS_MAX } from './limits.ts';

/** `paused`: it has all that it wants, and uploads only (BEP 21). */
export type GuestEvent = 'none' | 'started' | 'completed' | 'stopped' | 'paused';
/** Which addresses fit the answer: one over UDP has those of one family only (BEP 15). */
export type GuestFamily = 'any' | 'v4' | 'v6';

export interface GuestAnnounceFrame {
  readonly kind: 'guestAnnounce';
  /** The proxy's: the answer has it. Of a replay, which is not answered, 0. */
  readonly nonce: number;
  /** SHA-256 of the passkey in the announce URL, 64 hexadecimal digits; null where there was none. */
  readonly passkeyHash: string | null;
  /** 40 hexadecimal digits: the v1 info-hash, or the v2 one cut to 20 bytes. */
  readonly infoHash: string;
  /** 40 hexadecimal digits. */
  readonly peerId: string;
  /** What the client says to be told apart by (BEP 7); '' where it said nothing. Not relied on: some say another each time. */
  readonly key: string;
  /** The client's address as the proxy sees it, and the port that it says. */
  readonly host: string;
  readonly port: number;
  readonly event: GuestEvent;
  /** Null where the client does not know yet. */
  readonly leftBytes: number | null;
  readonly uploadedBytes: number;
  readonly downloadedBytes: number;
  /** Peers wanted; 0 for none. */
  readonly want: number;
  readonly family: GuestFamily;
  /** The proxy repeats to a new primary what it told the one before. */
  readonly replay: boolean;
  /** Milliseconds since the client said it, 0 to 2^32 - 1. */
  readonly silentMs: number;
}

export interface GuestPeer {
  /** 40 hexadecimal digits; null of a node of the network, whose peer id the tracker does not know. */
  readonly peerId: string | null;
  /** An IP address. */
  readonly host: string;
  readonly port: number;
  readonly seeder: boolean;
}

/** `passkey`: nobody has it (any more). `closed`: there was none, and the network demands one. */
export type GuestRefusal = 'passkey' | 'disabled' | 'closed' | 'unregistered';
const REFUSALS: readonly [GuestRefusal, ...GuestRefusal[]] = ['passkey', 'disabled', 'closed', 'unregistered'];

interface Refused {
  readonly kind: 'refused';
  readonly why: GuestRefusal;
}

/** The replica cannot say now, and never guesses: to be asked again. */
interface Later {
  readonly kind: 'later';
}

export interface GuestAnswer {
  readonly kind: 'peers';
  /** Not before `minIntervalSeconds`, and after `intervalSeconds`, the client should announce again. */
  readonly intervalSeconds: number;
  readonly minIntervalSeconds: number;
  readonly seeders: number;
  readonly leechers: number;
  /** How often the content was downloaded to its end. */
  readonly completed: number;
  readonly peers: readonly GuestPeer[];
}

export interface GuestAnnouncedFrame {
  readonly kind: 'guestAnnounced';
  readonly nonce: number;
  readonly outcome: GuestAnswer | Refused | Later;
}

export interface GuestScrapeFrame {
  readonly kind: 'guestScrape';
  readonly nonce: number;
  readonly passkeyHash: string | null;
  /** At most 74. */
  readonly infoHashes: readonly string[];
}

/** How a swarm stands; null where the catalog does not have the content. */
export type GuestCounts = { readonly seeders: number; readonly leechers: number; readonly completed: number } | null;

export interface GuestScrapedFrame {
  readonly kind: 'guestScraped';
  readonly nonce: number;
  /** In the order of the question. */
  readonly outcome: { readonly kind: 'counts'; readonly swarms: readonly GuestCounts[] } | Refused | Later;
}

export type GuestFrame = GuestAnnounceFrame | GuestAnnouncedFrame | GuestScrapeFrame | GuestScrapedFrame;

const EVENTS: readonly [GuestEvent, ...GuestEvent[]] = ['none', 'started', 'completed', 'stopped', 'paused'];
const FAMILIES: readonly [GuestFamily, ...GuestFamily[]] = ['any', 'v4', 'v6'];
const OUTCOMES = ['answer', 'refused', 'later'] as const;
const HASH_BYTES = 20;
const PASSKEY_HASH_BYTES = 32;
/** Smallest encodings, to bound counts. */
const PEER_BYTES_MIN = 1 + 2 + 2;
const COUNTS_BYTES_MIN = 1;

const digits = (hex: string, bytes: number): Uint8Array => {
  const raw = fromHex(hex);
  if (raw === null || raw.length !== bytes) throw new RangeError(`${bytes} bytes in hexadecimal digits are wanted`);
  return raw;
};

const writePasskey = (w: Writer, hash: string | null): Writer => (hash === null ? w.u8(0) : w.u8(1).raw(digits(hash, PASSKEY_HASH_BYTES)));
const readPasskey = (r: Reader): string | null => (r.flag() ? toHex(r.raw(PASSKEY_HASH_BYTES)) : null);

const oneOf = <T>(r: Reader, words: readonly [T, ...T[]]): T => {
  const word = words[r.u8()];
  if (word === undefined) r.fail('an unknown word');
  return word ?? words[0];
};

const list = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

export const encodeGuest = (frame: GuestFrame): Uint8Array => {
  switch (frame.kind) {
    case 'guestAnnounce':
      return encodeAnnounce(frame);
    case 'guestAnnounced':
      return encodeAnnounced(frame);
    case 'guestScrape': {
      const w = writePasskey(new Writer(1_600).integer(frame.nonce), frame.passkeyHash).u8(frame.infoHashes.length);
      for (const hash of frame.infoHashes) w.raw(digits(hash, HASH_BYTES));
      return w.finish();
    }
    case 'guestScraped':
      return encodeScraped(frame);
  }
};

/** Never throws; what is wrong is in the reader. */
export const readGuest = (kind: GuestFrame['kind'], r: Reader): GuestFrame => {
  switch (kind) {
    case 'guestAnnounce':
      return readAnnounce(r);
    case 'guestAnnounced':
      return { kind, nonce: r.integer(), outcome: readOutcome(r, () => readAnswer(r)) };
    case 'guestScrape': {
      const nonce = r.integer();
      const passkeyHash = readPasskey(r);
      return { kind, nonce, passkeyHash, infoHashes: list(r.count(r.u8(), GUEST_HASHES_MAX, HASH_BYTES), () => toHex(r.raw(HASH_BYTES))) };
    }
    case 'guestScraped':
      return { kind, nonce: r.integer(), outcome: readOutcome(r, () => ({ kind: 'counts', swarms: readSwarms(r) })) };
  }
};

const encodeAnnounce = (frame: GuestAnnounceFrame): Uint8Array => {
  const w = writePasskey(new Writer(192).integer(frame.nonce), frame.passkeyHash);
  w.raw(digits(frame.infoHash, HASH_BYTES)).raw(digits(frame.peerId, HASH_BYTES)).short(frame.key).short(frame.host).u16(frame.port);
  w.u8(EVENTS.indexOf(frame.event)).u8(frame.leftBytes === null ? 0 : 1);
  w.integer(frame.leftBytes ?? 0)
    .integer(frame.uploadedBytes)
    .integer(frame.downloadedBytes)
    .u16(frame.want);
  return w
    .u8(FAMILIES.indexOf(frame.family))
    .u8(frame.replay ? 1 : 0)
    .u32(frame.silentMs)
    .finish();
};

const readAnnounce = (r: Reader): GuestAnnounceFrame => {
  const nonce = r.integer();
  const passkeyHash = readPasskey(r);
  const infoHash = toHex(r.raw(HASH_BYTES));
  const peerId = toHex(r.raw(HASH_BYTES));
  const [key, host, port, event] = [r.short(), r.short(), r.u16(), oneOf(r, EVENTS)];
  const known = r.flag();
  const left = r.integer();
  return {
    kind: 'guestAnnounce',
    nonce,
    passkeyHash,
    infoHash,
    peerId,
    key,
    host,
    port,
    event,
    leftBytes: known ? left : null,
    uploadedBytes: r.integer(),
    downloadedBytes: r.integer(),
    want: r.u16(),
    family: oneOf(r, FAMILIES),
    replay: r.flag(),
    silentMs: r.u32(),
  };
};

const writeOutcome = (w: Writer, outcome: Refused | Later): Writer =>
  outcome.kind === 'later' ? w.u8(OUTCOMES.indexOf('later')) : w.u8(OUTCOMES.indexOf('refused')).u8(REFUSALS.indexOf(outcome.why));

const readOutcome = <T>(r: Reader, answer: () => T): T | Refused | Later => {
  const kind = oneOf(r, OUTCOMES);
  if (kind === 'answer') return answer();
  return kind === 'later' ? { kind } : { kind, why: oneOf(r, REFUSALS) };
};

const encodeAnnounced = ({ nonce, outcome }: GuestAnnouncedFrame): Uint8Array => {
  const w = new Writer(1_024).integer(nonce);
  if (outcome.kind !== 'peers') return writeOutcome(w, outcome).finish();
  w.u8(OUTCOMES.indexOf('answer')).u32(outcome.intervalSeconds).u32(outcome.minIntervalSeconds);
  w.u32(outcome.seeders).u32(outcome.leechers).integer(outcome.completed).u16(outcome.peers.length);
  for (const { peerId, host, port, seeder } of outcome.peers) {
    w.u8((peerId === null ? 0 : 1) + (seeder ? 2 : 0));
    if (peerId !== null) w.raw(digits(peerId, HASH_BYTES));
    w.short(host).u16(port);
  }
  return w.finish();
};

const readAnswer = (r: Reader): GuestAnswer => ({
  kind: 'peers',
  intervalSeconds: r.u32(),
  minIntervalSeconds: r.u32(),
  seeders: r.u32(),
  leechers: r.u32(),
  completed: r.integer(),
  peers: list(r.count(r.u16(), GUEST_PEERS_MAX, PEER_BYTES_MIN), () => readPeer(r)),
});

const readPeer = (r: Reader): GuestPeer => {
  const flags = r.u8();
  if (flags > 3) r.fail('unknown flags');
  return { peerId: (flags & 1) === 0 ? null : toHex(r.raw(HASH_BYTES)), host: r.short(), port: r.u16(), seeder: (flags & 2) !== 0 };
};

const encodeScraped = ({ nonce, outcome }: GuestScrapedFrame): Uint8Array => {
  const w = new Writer(1_200).integer(nonce);
  if (outcome.kind !== 'counts') return writeOutcome(w, outcome).finish();
  w.u8(OUTCOMES.indexOf('answer')).u8(outcome.swarms.length);
  for (const counts of outcome.swarms) {
    if (counts === null) w.u8(0);
    else w.u8(1).u32(counts.seeders).u32(counts.leechers).integer(counts.completed);
  }
  return w.finish();
};

const readSwarms = (r: Reader): GuestCounts[] =>
  list(r.count(r.u8(), GUEST_HASHES_MAX, COUNTS_BYTES_MIN), () =>
    r.flag() ? { seeders: r.u32(), leechers: r.u32(), completed: r.integer() } : null,
  );
