/** The checked identities of BitTorrent (house rule 7): they come from these constructors and from parsers only. */
import { toHex } from '../digest.ts';

declare const brand: unique symbol;

/** A full info-hash: 20 bytes (SHA-1, v1) or 32 bytes (SHA-256, v2). */
export type InfoHash = Uint8Array & { readonly [brand]: 'InfoHash' };

/** What handshakes and announces carry, always 20 bytes: the v1 info-hash, or the v2 one cut short (BEP 52). */
export type WireHash = Uint8Array & { readonly [brand]: 'WireHash' };

/** The identity of a content: its v2 info-hash in lower-case hexadecimal, the v1 one where there is no v2. */
export type TorrentId = string & { readonly [brand]: 'TorrentId' };

/** 20 bytes, by the convention of BEP 20. */
export type PeerId = Uint8Array & { readonly [brand]: 'PeerId' };

/** A piece's place in its torrent: 0 to the piece count minus 1. */
export type PieceIndex = number & { readonly [brand]: 'PieceIndex' };

export const infoHashBytesV1 = 20;
export const infoHashBytesV2 = 32;
export const peerIdBytes = 20;

/** The bytes as an info-hash, or null where they are neither 20 nor 32. */
export const infoHash = (bytes: Uint8Array): InfoHash | null =>
  bytes.length === infoHashBytesV1 || bytes.length === infoHashBytesV2 ? (bytes as InfoHash) : null;

/** The 20 bytes that stand for an info-hash on the wire. */
export const wireHash = (hash: InfoHash): WireHash => hash.subarray(0, infoHashBytesV1) as Uint8Array as WireHash;

/** 20 bytes as they came in a handshake or an announce, or null where they are not 20. */
export const wireHashFrom = (bytes: Uint8Array): WireHash | null => (bytes.length === infoHashBytesV1 ? (bytes as WireHash) : null);

/** The identity of a content with these hashes; at least one of them is there. */
export const torrentId = (v1: InfoHash | null, v2: InfoHash | null): TorrentId => {
  const hash = v2 ?? v1;
  if (hash === null) throw new Error('a torrent has a v1 or a v2 info-hash');
  return toHex(hash) as TorrentId;
};

/** 20 bytes as they came from a peer or a tracker, or null where they are not 20. */
export const peerIdFrom = (bytes: Uint8Array): PeerId | null => (bytes.length === peerIdBytes ? (bytes as PeerId) : null);

const peerIdPrefix = '-SH0100-';

/** How many random bytes `makePeerId` wants. */
export const peerIdRandomBytes = peerIdBytes - peerIdPrefix.length;

/** This program's peer id (BEP 20): `-SH0100-` and 12 random bytes, which the caller supplies. */
export const makePeerId = (random: Uint8Array): PeerId => {
  if (random.length !== peerIdRandomBytes) throw new Error(`a peer id takes ${peerIdRandomBytes} random bytes`);
  const id = new Uint8Array(peerIdBytes);
  id.set(Buffer.from(peerIdPrefix, 'latin1'));
  id.set(random, peerIdPrefix.length);
  return id as PeerId;
};
