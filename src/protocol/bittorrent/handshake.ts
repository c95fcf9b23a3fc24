/** The first 68 bytes of a peer connection (BEP 3). */
import type { Decoded } from '../result.ts';
import type { PeerId, WireHash } from './ids.ts';
import { peerIdFrom, wireHashFrom } from './ids.ts';

export interface Handshake {
  readonly infoHash: WireHash;
  readonly peerId: PeerId;
  /** BEP 6: fast extension. */
  readonly fast: boolean;
  /** BEP 10: extension protocol. */
  readonly extended: boolean;
  /** BEP 52: the sender also takes v2; in the answer to a v1 hash of a hybrid torrent it may change to the v2 hash. */
  readonly v2: boolean;
}

export const handshakeBytes = 68;

const protocolName = Uint8Array.of(19, ...Buffer.from('BitTorrent protocol', 'latin1'));
const reservedAt = protocolName.length;
const infoHashAt = reservedAt + 8;
const peerIdAt = infoHashAt + 20;

const extendedBit = { byte: reservedAt + 5, mask: 0x10 };
const fastBit = { byte: reservedAt + 7, mask: 0x04 };
const v2Bit = { byte: reservedAt + 7, mask: 0x10 };

export const encodeHandshake = (handshake: Handshake): Uint8Array => {
  const bytes = new Uint8Array(handshakeBytes);
  bytes.set(protocolName);
  const set = ({ byte, mask }: typeof fastBit): void => {
    bytes[byte] = (bytes[byte] as number) | mask;
  };
  if (handshake.extended) set(extendedBit);
  if (handshake.fast) set(fastBit);
  if (handshake.v2) set(v2Bit);
  bytes.set(handshake.infoHash, infoHashAt);
  bytes.set(handshake.peerId, peerIdAt);
  return bytes;
};

/** Reads a handshake from the start of the bytes, which may be a part of it; what it answers does not refer to them. */
export const decodeHandshake = (bytes: Uint8Array): Decoded<Handshake> => {
  const known = Math.min(bytes.length, protocolName.length);
  for (let at = 0; at < known; at++) {
    if (bytes[at] !== protocolName[at]) return { kind: 'violation', reason: 'the other side does not speak the BitTorrent protocol' };
  }
  if (bytes.length < handshakeBytes) return { kind: 'incomplete' };
  const has = ({ byte, mask }: typeof fastBit): boolean => ((bytes[byte] as number) & mask) !== 0;
  const infoHash = wireHashFrom(new Uint8Array(bytes.subarray(infoHashAt, peerIdAt)));
  const peerId = peerIdFrom(new Uint8Array(bytes.subarray(peerIdAt, handshakeBytes)));
  if (infoHash === null || peerId === null) return { kind: 'violation', reason: 'the handshake is cut short' };
  return {
    kind: 'complete',
    value: { infoHash, peerId, extended: has(extendedBit), fast: has(fastBit), v2: has(v2Bit) },
    bytesUsed: handshakeBytes,
  };
};
