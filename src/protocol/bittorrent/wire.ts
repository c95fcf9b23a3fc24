/** Messages of the peer wire: BEP 3, fast extension (BEP 6), extension protocol (BEP 10), hash requests (BEP 52). */
import type { PieceIndex } from './ids.ts';

/** A block of a piece: `begin` and `length` in bytes. */
export interface BlockRange {
  readonly piece: PieceIndex;
  readonly begin: number;
  readonly length: number;
}

/** A run of hashes of one layer of a file's merkle tree (BEP 52). */
export interface HashRange {
  /** The file's pieces root, 32 bytes. */
  readonly piecesRoot: Uint8Array;
  /** 0 is the layer of 16 KiB leaves. */
  readonly baseLayer: number;
  /** A multiple of `length`. */
  readonly index: number;
  /** A power of two, 2 to `hashesMax`. */
  readonly length: number;
  /** How many layers above the base layer the proof covers. */
  readonly proofLayers: number;
}

export type WireMessage =
  | { readonly kind: 'keep-alive' }
  | { readonly kind: 'choke' }
  | { readonly kind: 'unchoke' }
  | { readonly kind: 'interested' }
  | { readonly kind: 'not-interested' }
  | { readonly kind: 'have'; readonly piece: PieceIndex }
  /** The bytes are checked: right length, spare bits zero. */
  | { readonly kind: 'bitfield'; readonly bits: Uint8Array }
  | ({ readonly kind: 'request' } & BlockRange)
  | ({ readonly kind: 'cancel' } & BlockRange)
  | { readonly kind: 'port'; readonly port: number }
  | { readonly kind: 'suggest'; readonly piece: PieceIndex }
  | { readonly kind: 'have-all' }
  | { readonly kind: 'have-none' }
  | ({ readonly kind: 'reject' } & BlockRange)
  | { readonly kind: 'allowed-fast'; readonly piece: PieceIndex }
  /** `id` 0 is the extension handshake; others are ids that the receiver gave out in its own. */
  | { readonly kind: 'extended'; readonly id: number; readonly payload: Uint8Array }
  | ({ readonly kind: 'hash-request' } & HashRange)
  /** `hashes`: 32 bytes each, the run first, then the proof from below upwards. */
  | ({ readonly kind: 'hashes'; readonly hashes: Uint8Array } & HashRange)
  | ({ readonly kind: 'hash-reject' } & HashRange)
  /** A message of a kind that is not known here; it was skipped. */
  | { readonly kind: 'unknown'; readonly id: number };

/** What ordinary clients ask for and answer at most. */
export const standardBlockBytes = 16 * 1024;
/** The most hashes in one hash request. */
export const hashesMax = 512;
/** Levels of the largest merkle tree that a hash request can name. */
export const proofLayersMax = 40;

/** Message ids on the wire. */
export const wireId = {
  choke: 0,
  unchoke: 1,
  interested: 2,
  'not-interested': 3,
  have: 4,
  bitfield: 5,
  request: 6,
  piece: 7,
  cancel: 8,
  port: 9,
  suggest: 13,
  'have-all': 14,
  'have-none': 15,
  reject: 16,
  'allowed-fast': 17,
  extended: 20,
  'hash-request': 21,
  hashes: 22,
  'hash-reject': 23,
} as const;

/** Length of a message's length prefix, which counts what follows it. */
export const lengthPrefixBytes = 4;
/** Bytes of a piece message before its data: length prefix, id, piece, begin. */
export const pieceHeaderBytes = 13;
const blockMessageBytes = 17;
/** Bytes of a hash range on the wire: root and four numbers. */
export const hashRangeBytes = 48;

const message = (id: number, bodyBytes: number): { bytes: Uint8Array; view: DataView } => {
  const bytes = new Uint8Array(lengthPrefixBytes + 1 + bodyBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 1 + bodyBytes);
  bytes[lengthPrefixBytes] = id;
  return { bytes, view };
};

const withNumber = (id: number, value: number): Uint8Array => {
  const { bytes, view } = message(id, 4);
  view.setUint32(5, value);
  return bytes;
};

const withBytes = (id: number, body: Uint8Array): Uint8Array => {
  const { bytes } = message(id, body.length);
  bytes.set(body, 5);
  return bytes;
};

const writeBlock = (view: DataView, at: number, id: number, { piece, begin, length }: BlockRange): void => {
  view.setUint32(at, blockMessageBytes - lengthPrefixBytes);
  view.setUint8(at + 4, id);
  view.setUint32(at + 5, piece);
  view.setUint32(at + 9, begin);
  view.setUint32(at + 13, length);
};

const withBlock = (id: number, range: BlockRange): Uint8Array => {
  const bytes = new Uint8Array(blockMessageBytes);
  writeBlock(new DataView(bytes.buffer), 0, id, range);
  return bytes;
};

const withHashRange = (id: number, range: HashRange, hashes: Uint8Array): Uint8Array => {
  const { bytes, view } = message(id, hashRangeBytes + hashes.length);
  bytes.set(range.piecesRoot, 5);
  view.setUint32(37, range.baseLayer);
  view.setUint32(41, range.index);
  view.setUint32(45, range.length);
  view.setUint32(49, range.proofLayers);
  bytes.set(hashes, 53);
  return bytes;
};

const none = new Uint8Array(0);

/** A whole message with its length prefix, in a buffer of its own. A message of kind `unknown` cannot be sent. */
export const encodeMessage = (m: Exclude<WireMessage, { kind: 'unknown' }>): Uint8Array => {
  switch (m.kind) {
    case 'keep-alive':
      return new Uint8Array(lengthPrefixBytes);
    case 'have':
    case 'suggest':
    case 'allowed-fast':
      return withNumber(wireId[m.kind], m.piece);
    case 'bitfield':
      return withBytes(wireId.bitfield, m.bits);
    case 'request':
    case 'cancel':
    case 'reject':
      return withBlock(wireId[m.kind], m);
    case 'port':
      return withBytes(wireId.port, Uint8Array.of(m.port >> 8, m.port & 0xff));
    case 'extended':
      return withBytes(wireId.extended, Buffer.concat([Uint8Array.of(m.id), m.payload]));
    case 'hash-request':
    case 'hash-reject':
      return withHashRange(wireId[m.kind], m, none);
    case 'hashes':
      return withHashRange(wireId.hashes, m, m.hashes);
    default:
      return message(wireId[m.kind], 0).bytes;
  }
};

/** Several requests in one buffer, for one `send`. */
export const encodeRequests = (ranges: readonly BlockRange[]): Uint8Array => {
  const bytes = new Uint8Array(ranges.length * blockMessageBytes);
  const view = new DataView(bytes.buffer);
  for (const [n, range] of ranges.entries()) writeBlock(view, n * blockMessageBytes, wireId.request, range);
  return bytes;
};

/** What goes before the block's bytes, so that they can be sent as they are. */
export const encodePieceHeader = ({ piece, begin, length }: BlockRange): Uint8Array => {
  const bytes = new Uint8Array(pieceHeaderBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, pieceHeaderBytes - lengthPrefixBytes + length);
  bytes[4] = wireId.piece;
  view.setUint32(5, piece);
  view.setUint32(9, begin);
  return bytes;
};
