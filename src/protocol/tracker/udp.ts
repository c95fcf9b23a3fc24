/** The packets of the UDP tracker protocol (BEP 15), with options (BEP 41) and IPv6 peers. All integers are big-endian. */
import type { PeerAddress } from '../bittorrent/compact-peers.ts';
import {
  bytesOfIp,
  compactPeerBytesV4,
  compactPeerBytesV6,
  compactPeers,
  ipOfBytes,
  readCompactPeers,
} from '../bittorrent/compact-peers.ts';
import type { PeerId, WireHash } from '../bittorrent/ids.ts';
import { bytesOfText } from '../bittorrent/text.ts';
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import type { AnnounceEvent, AnnounceRequest } from './announce-query.ts';
import type { ScrapeCounts } from './scrape.ts';
import { scrapeHashesMax } from './scrape.ts';

export type UdpRequest =
  | { readonly kind: 'connect'; readonly transactionId: number }
  | {
      readonly kind: 'announce';
      /** 8 bytes. */
      readonly connectionId: Uint8Array;
      readonly transactionId: number;
      readonly announce: AnnounceRequest;
      /** Path and query of the tracker's URL (BEP 41), a character a byte; empty where the client sent none. */
      readonly urlData: string;
    }
  | {
      readonly kind: 'scrape';
      readonly connectionId: Uint8Array;
      readonly transactionId: number;
      /** 1 to 74. */
      readonly infoHashes: readonly WireHash[];
    };

export type UdpReply =
  | { readonly kind: 'connect'; readonly transactionId: number; readonly connectionId: Uint8Array }
  | {
      readonly kind: 'announce';
      readonly transactionId: number;
      readonly intervalSeconds: number;
      readonly leechers: number;
      readonly seeders: number;
      readonly peers: readonly PeerAddress[];
    }
  | { readonly kind: 'scrape'; readonly transactionId: number; readonly swarms: readonly ScrapeCounts[] }
  | { readonly kind: 'error'; readonly transactionId: number; readonly message: string };

export type IpFamily = 'v4' | 'v6';

export const connectionIdBytes = 8;
/** Packets that are longer are cut into fragments on many ways, and lost. */
const datagramBytesMax = 1_400;
const announceBytesMin = 98;
const headBytes = 16;
const announceReplyBytesMin = 20;
const swarmBytes = 12;
const hashBytes = 20;
const urlDataBytesMax = 2_048;
const optionBytesMax = 255;
const errorCharactersMax = 512;
const protocolId = 0x0000_0417_2710_1980n;
const leftUnknown = 0x7fff_ffff_ffff_ffffn;

const actions = { connect: 0, announce: 1, scrape: 2, error: 3 } as const;
const options = { end: 0, nothing: 1, urlData: 2 } as const;
/** In the order of their numbers. `paused` is what libtorrent sends for partial seeds. */
const EVENTS: readonly AnnounceEvent[] = ['none', 'completed', 'started', 'stopped', 'paused'];

/** Peers that fit one packet. */
export const udpPeersMax = (family: IpFamily): number =>
  Math.floor((datagramBytesMax - announceReplyBytesMin) / (family === 'v4' ? compactPeerBytesV4 : compactPeerBytesV6));

const bad = (message: string): Result<never> => fail('malformed-packet', message);

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const copy = (bytes: Uint8Array, from: number, to: number): Uint8Array => new Uint8Array(bytes.subarray(from, to));

const count64 = (view: DataView, at: number): number | null => {
  const value = view.getBigUint64(at);
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(value);
};

/** The transaction id of a request, even one that makes no sense otherwise; null where the packet is too short for one. */
export const udpTransactionOf = (bytes: Uint8Array): number | null => (bytes.length < headBytes ? null : viewOf(bytes).getUint32(12));

/** Reads a client's packet; what it answers does not refer to the bytes. Error: `malformed-packet`. Never throws on bytes. */
export const decodeUdpRequest = (bytes: Uint8Array): Result<UdpRequest> => {
  if (bytes.length < headBytes) return bad(`a request has at least ${headBytes} bytes`);
  const view = viewOf(bytes);
  const action = view.getUint32(8);
  const head = { connectionId: copy(bytes, 0, connectionIdBytes), transactionId: view.getUint32(12) };
  if (action === actions.connect) {
    return view.getBigUint64(0) === protocolId
      ? ok({ kind: 'connect', transactionId: head.transactionId })
      : bad('a connect request begins with the protocol id');
  }
  if (action === actions.scrape) {
    const infoHashes = readHashes(bytes);
    return infoHashes === null ? bad(`a scrape has 1 to ${scrapeHashesMax} info-hashes`) : ok({ kind: 'scrape', ...head, infoHashes });
  }
  if (action !== actions.announce) return bad('the action is none of connect, announce, scrape');
  if (bytes.length < announceBytesMin) return bad(`an announce has at least ${announceBytesMin} bytes`);
  const urlData = readUrlData(bytes);
  return urlData === null
    ? bad('the options of the announce are cut off')
    : ok({ kind: 'announce', ...head, announce: readAnnounce(bytes), urlData });
};

const readHashes = (bytes: Uint8Array): WireHash[] | null => {
  const count = Math.floor((bytes.length - headBytes) / hashBytes);
  if (count < 1 || count > scrapeHashesMax) return null;
  return Array.from(
    { length: count },
    (_, place) => copy(bytes, headBytes + place * hashBytes, headBytes + (place + 1) * hashBytes) as WireHash,
  );
};

const readAnnounce = (bytes: Uint8Array): AnnounceRequest => {
  const view = viewOf(bytes);
  const numwant = view.getInt32(92);
  const ip = view.getUint32(84);
  return {
    infoHash: copy(bytes, 16, 36) as WireHash,
    peerId: copy(bytes, 36, 56) as PeerId,
    downloadedBytes: count64(view, 56) ?? Number.MAX_SAFE_INTEGER,
    leftBytes: count64(view, 64),
    uploadedBytes: count64(view, 72) ?? Number.MAX_SAFE_INTEGER,
    event: EVENTS[view.getUint32(80)] ?? 'none',
    ip: ip === 0 ? null : ipOfBytes(bytes.subarray(84, 88)),
    key: view.getUint32(88).toString(16).padStart(8, '0'),
    numwant: numwant < 0 ? null : numwant,
    port: view.getUint16(96),
    compact: true,
    noPeerId: false,
    trackerId: null,
  };
};

/** The URL data of all options together; null where an option is cut off. Unknown options have a length too (BEP 41). */
const readUrlData = (bytes: Uint8Array): string | null => {
  let text = '';
  for (let at = announceBytesMin; at < bytes.length;) {
    const option = bytes[at++];
    if (option === options.end) break;
    if (option === options.nothing) continue;
    const length = bytes[at++];
    if (length === undefined || at + length > bytes.length) return null;
    if (option === options.urlData) text += Buffer.from(bytes.subarray(at, at + length)).toString('latin1');
    if (text.length > urlDataBytesMax) return null;
    at += length;
  }
  return text;
};

/** Encodes a client's packet. The key is sent where it is 8 hexadecimal digits; URL data longer than 2,048 bytes is cut. */
export const encodeUdpRequest = (request: UdpRequest): Uint8Array => {
  if (request.kind === 'announce') return encodeAnnounce(request);
  const hashes = request.kind === 'scrape' ? request.infoHashes : [];
  const bytes = new Uint8Array(headBytes + hashes.length * hashBytes);
  const view = viewOf(bytes);
  if (request.kind === 'connect') view.setBigUint64(0, protocolId);
  else bytes.set(request.connectionId);
  view.setUint32(8, actions[request.kind]);
  view.setUint32(12, request.transactionId);
  for (const [place, hash] of hashes.entries()) bytes.set(hash, headBytes + place * hashBytes);
  return bytes;
};

const encodeAnnounce = ({ connectionId, transactionId, announce, urlData }: Extract<UdpRequest, { kind: 'announce' }>): Uint8Array => {
  const packed = packUrlData(urlData);
  const bytes = new Uint8Array(announceBytesMin + packed.length);
  const view = viewOf(bytes);
  bytes.set(connectionId);
  view.setUint32(8, actions.announce);
  view.setUint32(12, transactionId);
  bytes.set(announce.infoHash, 16);
  bytes.set(announce.peerId, 36);
  view.setBigUint64(56, BigInt(announce.downloadedBytes));
  view.setBigUint64(64, announce.leftBytes === null ? leftUnknown : BigInt(announce.leftBytes));
  view.setBigUint64(72, BigInt(announce.uploadedBytes));
  view.setUint32(80, EVENTS.indexOf(announce.event));
  const ip = announce.ip === null ? null : bytesOfIp(announce.ip);
  if (ip?.length === 4) bytes.set(ip, 84);
  if (announce.key !== null && /^[0-9a-f]{8}$/u.test(announce.key)) view.setUint32(88, Number.parseInt(announce.key, 16));
  view.setInt32(92, announce.numwant === null ? -1 : Math.min(announce.numwant, 0x7fff_ffff));
  view.setUint16(96, announce.port);
  bytes.set(packed, announceBytesMin);
  return bytes;
};

const packUrlData = (text: string): Uint8Array => {
  const data = Buffer.from(text, 'latin1').subarray(0, urlDataBytesMax);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < data.length; at += optionBytesMax) {
    const part = data.subarray(at, at + optionBytesMax);
    parts.push(Uint8Array.of(options.urlData, part.length), part);
  }
  return Buffer.concat(parts);
};

/** Reads a tracker's packet, which came over IPv4 or IPv6: that decides how its peers are written. Error: `malformed-packet`. */
export const decodeUdpReply = (bytes: Uint8Array, family: IpFamily, peersMax: number): Result<UdpReply> => {
  if (bytes.length < 8) return bad('a reply has at least 8 bytes');
  const view = viewOf(bytes);
  const action = view.getUint32(0);
  const transactionId = view.getUint32(4);
  if (action === actions.error) {
    const message = Buffer.from(bytes.subarray(8, 8 + errorCharactersMax))
      .toString('utf8')
      .replaceAll(/\p{Cc}+/gu, ' ')
      .trim();
    return ok({ kind: 'error', transactionId, message });
  }
  if (action === actions.connect) {
    return bytes.length < headBytes
      ? bad('a reply to connect has 16 bytes')
      : ok({ kind: 'connect', transactionId, connectionId: copy(bytes, 8, headBytes) });
  }
  if (action === actions.scrape) return ok({ kind: 'scrape', transactionId, swarms: readSwarms(bytes) });
  if (action !== actions.announce) return bad('the action of the reply is unknown');
  if (bytes.length < announceReplyBytesMin) return bad(`a reply to announce has at least ${announceReplyBytesMin} bytes`);
  return ok({
    kind: 'announce',
    transactionId,
    intervalSeconds: view.getUint32(8),
    leechers: view.getUint32(12),
    seeders: view.getUint32(16),
    peers: readCompactPeers(bytes.subarray(announceReplyBytesMin), family, peersMax),
  });
};

const readSwarms = (bytes: Uint8Array): ScrapeCounts[] => {
  const view = viewOf(bytes);
  const swarms: ScrapeCounts[] = [];
  for (let at = 8; at + swarmBytes <= bytes.length && swarms.length < scrapeHashesMax; at += swarmBytes) {
    swarms.push({ seeders: view.getUint32(at), completed: view.getUint32(at + 4), leechers: view.getUint32(at + 8) });
  }
  return swarms;
};

/** Encodes a tracker's packet. Peers of the other family are left out, and those that do not fit the packet. */
export const encodeUdpReply = (reply: UdpReply, family: IpFamily): Uint8Array => {
  const body = replyBody(reply, family);
  const bytes = new Uint8Array(8 + body.length);
  const view = viewOf(bytes);
  view.setUint32(0, actions[reply.kind]);
  view.setUint32(4, reply.transactionId);
  bytes.set(body, 8);
  return bytes;
};

const u32s = (...values: readonly number[]): Uint8Array => {
  const bytes = new Uint8Array(values.length * 4);
  const view = viewOf(bytes);
  for (const [place, value] of values.entries()) view.setUint32(place * 4, Math.min(value, 0xffff_ffff));
  return bytes;
};

const replyBody = (reply: UdpReply, family: IpFamily): Uint8Array => {
  switch (reply.kind) {
    case 'connect':
      return reply.connectionId;
    case 'error':
      return bytesOfText(reply.message.slice(0, errorCharactersMax));
    case 'scrape':
      return u32s(...reply.swarms.flatMap(({ seeders, completed, leechers }) => [seeders, completed, leechers]));
    case 'announce': {
      const peers = compactPeers(reply.peers)[family].subarray(
        0,
        udpPeersMax(family) * (family === 'v4' ? compactPeerBytesV4 : compactPeerBytesV6),
      );
      return Buffer.concat([u32s(reply.intervalSeconds, reply.leechers, reply.seeders), peers]);
    }
  }
};
