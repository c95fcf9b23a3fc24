/** The receiving side of the peer wire: from chunks cut anywhere to messages. */
import { bitfieldBytes, isBitfield } from './bitfield.ts';
import type { Handshake } from './handshake.ts';
import { decodeHandshake, handshakeBytes } from './handshake.ts';
import type { PieceIndex } from './ids.ts';
import type { BlockRange, HashRange, WireMessage } from './wire.ts';
import { hashRangeBytes, hashesMax, lengthPrefixBytes, pieceHeaderBytes, proofLayersMax, standardBlockBytes, wireId } from './wire.ts';

/** Who takes what the decoder finds. Any call may `stop` the decoder. */
export interface WireSink {
  /** First of all, once. Before it returns, `setTorrent` must have been called, or `stop`. */
  handshake(handshake: Handshake): void;
  message(message: WireMessage): void;
  /** A block begins; its bytes follow, and then `pieceEnd`, unless the connection ends before. */
  pieceStart(range: BlockRange): void;
  /** The next bytes of the block, lent for the time of the call: not empty, together exactly the block's length. */
  pieceBytes(chunk: Uint8Array): void;
  pieceEnd(): void;
}

export interface WireLimits {
  /** The largest block that was agreed on. */
  readonly blockBytesMax: number;
  readonly extendedBytesMax: number;
  /** A message of an unknown kind is skipped up to this length. */
  readonly unknownBytesMax: number;
}

export const wireLimits: WireLimits = {
  blockBytesMax: standardBlockBytes,
  extendedBytesMax: 1024 * 1024,
  unknownBytesMax: 1024 * 1024,
};

export interface WireViolation {
  readonly kind: 'violation';
  readonly reason: string;
}

const bytesOfNumber = 4;
const hashBytes = 32;
/** Memory for collecting that stays with a connection between messages. */
const heldBytesKept = 4096;

const fixedBytes = new Map<number, number>([
  [wireId.choke, 0],
  [wireId.unchoke, 0],
  [wireId.interested, 0],
  [wireId['not-interested'], 0],
  [wireId.have, 4],
  [wireId.request, 12],
  [wireId.cancel, 12],
  [wireId.port, 2],
  [wireId.suggest, 4],
  [wireId['have-all'], 0],
  [wireId['have-none'], 0],
  [wireId.reject, 12],
  [wireId['allowed-fast'], 4],
  [wireId['hash-request'], hashRangeBytes],
  [wireId['hash-reject'], hashRangeBytes],
]);

const nameOfId = new Map<number, string>(Object.entries(wireId).map(([name, id]) => [id, name]));

type State =
  /** Collecting bytes of the handshake, or of a message's prefix, id and (for a piece) header. */
  | { readonly kind: 'handshake' }
  | { readonly kind: 'head' }
  /** Collecting a whole message, id included, of `length` bytes. */
  | { readonly kind: 'body'; readonly length: number }
  /** Passing on a block. */
  | { readonly kind: 'block'; left: number }
  /** Dropping an unknown message. */
  | { readonly kind: 'skip'; readonly id: number; left: number }
  | { readonly kind: 'stopped' };

const headState: State = { kind: 'head' };

/**
 * Decodes one peer's bytes. `push` never throws on bytes: it answers null, or a violation, after which the decoder is
 * stopped. Bytes of blocks go to the sink without a copy; everything else is collected within the limits.
 */
export class WireDecoder {
  readonly #sink: WireSink;
  #limits: WireLimits;
  #pieceCount: number | null = 0;
  #state: State = { kind: 'handshake' };
  /** Bytes of the part that is being collected; grows to the size of one message at most. */
  #held = new Uint8Array(handshakeBytes);
  #heldBytes = 0;
  #violation: WireViolation | null = null;

  constructor(sink: WireSink, limits: Partial<WireLimits> = {}) {
    this.#sink = sink;
    this.#limits = { ...wireLimits, ...limits };
  }

  /**
   * Which torrent the connection is about; piece numbers and bitfields are checked against its piece count. Null where
   * that is not known yet: then no number is refused, and bitfields are passed over as messages of an unknown kind.
   */
  setTorrent(pieceCount: number | null): void {
    this.#pieceCount = pieceCount;
  }

  /** Changes limits from the next message on, such as a larger block that was agreed on. */
  setLimits(limits: Partial<WireLimits>): void {
    this.#limits = { ...this.#limits, ...limits };
  }

  /** Nothing more is told to the sink, not even from the chunk that is being decoded. */
  stop(): void {
    this.#state = { kind: 'stopped' };
    this.#held = new Uint8Array(0);
  }

  /** Takes the next bytes; they are not kept. */
  push(chunk: Uint8Array): WireViolation | null {
    let at = 0;
    while (at < chunk.length && this.#state.kind !== 'stopped') at = this.#step(chunk, at);
    return this.#violation;
  }

  /** Uses some of the chunk, at least one byte, and answers where it stands then. */
  #step(chunk: Uint8Array, at: number): number {
    const state = this.#state;
    switch (state.kind) {
      case 'handshake':
        return this.#handshake(chunk, at);
      case 'head':
        return this.#head(chunk, at);
      case 'body':
        return this.#body(chunk, at, state.length);
      case 'block':
        return this.#block(chunk, at, state);
      case 'skip': {
        const taken = Math.min(state.left, chunk.length - at);
        state.left -= taken;
        if (state.left === 0) this.#deliver({ kind: 'unknown', id: state.id });
        return at + taken;
      }
      case 'stopped':
        return chunk.length;
    }
  }

  #handshake(chunk: Uint8Array, at: number): number {
    const next = this.#collect(chunk, at, handshakeBytes);
    const decoded = decodeHandshake(this.#held.subarray(0, this.#heldBytes));
    if (decoded.kind === 'violation') this.#fail(decoded.reason);
    if (decoded.kind === 'complete') {
      this.#begin(headState);
      this.#sink.handshake(decoded.value);
    }
    return next;
  }

  #head(chunk: Uint8Array, at: number): number {
    if (this.#heldBytes < lengthPrefixBytes) {
      const next = this.#collect(chunk, at, lengthPrefixBytes);
      if (this.#heldBytes === lengthPrefixBytes && this.#number(0) === 0) this.#deliver({ kind: 'keep-alive' });
      return next;
    }
    if (this.#heldBytes === lengthPrefixBytes) {
      const next = this.#collect(chunk, at, lengthPrefixBytes + 1);
      this.#kind(this.#number(0), this.#held[lengthPrefixBytes] as number);
      return next;
    }
    const next = this.#collect(chunk, at, pieceHeaderBytes);
    if (this.#heldBytes === pieceHeaderBytes) this.#startBlock();
    return next;
  }

  /** Length and id of a message are known: is that a message, and how is it taken? */
  #kind(length: number, id: number): void {
    const body = length - 1;
    if (id === wireId.piece) {
      const data = length - (pieceHeaderBytes - lengthPrefixBytes);
      if (data < 1) this.#fail('a piece message carries no data');
      else if (data > this.#limits.blockBytesMax) this.#tooLong(id, length);
      return;
    }
    const max = this.#bodyBytesMax(id);
    if (max === undefined) {
      if (body > this.#limits.unknownBytesMax) this.#tooLong(id, length);
      else if (body === 0) this.#deliver({ kind: 'unknown', id });
      else this.#begin({ kind: 'skip', id, left: body });
      return;
    }
    const fixed = fixedBytes.get(id);
    if (body > max) this.#tooLong(id, length);
    else if (fixed !== undefined && body !== fixed) this.#fail(`a ${nameOfId.get(id)} message of ${length} bytes`);
    else if (body === 0) this.#message(id, new Uint8Array(0));
    else this.#begin({ kind: 'body', length: body }, id);
  }

  #bodyBytesMax(id: number): number | undefined {
    if (id === wireId.bitfield) return this.#pieceCount === null ? undefined : bitfieldBytes(this.#pieceCount);
    if (id === wireId.extended) return this.#limits.extendedBytesMax;
    if (id === wireId.hashes) return hashRangeBytes + (hashesMax + proofLayersMax) * hashBytes;
    return fixedBytes.get(id);
  }

  #body(chunk: Uint8Array, at: number, length: number): number {
    // The id stays in front of the body.
    const next = this.#collect(chunk, at, 1 + length);
    if (this.#heldBytes === 1 + length) this.#message(this.#held[0] as number, this.#held.subarray(1, 1 + length));
    return next;
  }

  #block(chunk: Uint8Array, at: number, state: { left: number }): number {
    const taken = Math.min(state.left, chunk.length - at);
    state.left -= taken;
    this.#sink.pieceBytes(chunk.subarray(at, at + taken));
    if (state.left === 0 && this.#state.kind === 'block') {
      this.#begin(headState);
      this.#sink.pieceEnd();
    }
    return at + taken;
  }

  #startBlock(): void {
    const piece = this.#number(5);
    const begin = this.#number(9);
    const length = this.#number(0) - (pieceHeaderBytes - lengthPrefixBytes);
    if (!this.#isPiece(piece)) return;
    this.#begin({ kind: 'block', left: length });
    this.#sink.pieceStart({ piece: piece as PieceIndex, begin, length });
  }

  /** A whole message is there; the body is a view of what is held. */
  #message(id: number, body: Uint8Array): void {
    const view = new DataView(body.buffer, body.byteOffset, body.length);
    switch (id) {
      case wireId.have:
      case wireId.suggest:
      case wireId['allowed-fast']: {
        const piece = view.getUint32(0);
        const kind = id === wireId.have ? 'have' : id === wireId.suggest ? 'suggest' : 'allowed-fast';
        return this.#isPiece(piece) ? this.#deliver({ kind, piece: piece as PieceIndex }) : undefined;
      }
      case wireId.request:
      case wireId.cancel:
      case wireId.reject:
        return this.#blockMessage(id, view);
      case wireId.bitfield:
        if (!isBitfield(body, this.#pieceCount ?? 0)) return this.#fail('a bitfield of the wrong length, or with spare bits set');
        return this.#deliver({ kind: 'bitfield', bits: body.slice() });
      case wireId.port:
        return this.#deliver({ kind: 'port', port: view.getUint16(0) });
      case wireId.extended:
        if (body.length === 0) return this.#fail('an extended message without an id');
        return this.#deliver({ kind: 'extended', id: body[0] as number, payload: body.slice(1) });
      case wireId['hash-request']:
      case wireId.hashes:
      case wireId['hash-reject']:
        return this.#hashMessage(id, body, view);
      default:
        return this.#deliver({
          kind: nameOfId.get(id) as 'choke' | 'unchoke' | 'interested' | 'not-interested' | 'have-all' | 'have-none',
        });
    }
  }

  #blockMessage(id: number, view: DataView): void {
    const kind = id === wireId.request ? 'request' : id === wireId.cancel ? 'cancel' : 'reject';
    const piece = view.getUint32(0);
    if (!this.#isPiece(piece)) return;
    this.#deliver({ kind, piece: piece as PieceIndex, begin: view.getUint32(4), length: view.getUint32(8) });
  }

  #hashMessage(id: number, body: Uint8Array, view: DataView): void {
    if (body.length < hashRangeBytes) return this.#fail('a hashes message cut short');
    const range: HashRange = {
      piecesRoot: body.slice(0, hashBytes),
      baseLayer: view.getUint32(hashBytes),
      index: view.getUint32(hashBytes + bytesOfNumber),
      length: view.getUint32(hashBytes + 2 * bytesOfNumber),
      proofLayers: view.getUint32(hashBytes + 3 * bytesOfNumber),
    };
    if (id === wireId['hash-request']) return this.#deliver({ kind: 'hash-request', ...range });
    if (id === wireId['hash-reject']) return this.#deliver({ kind: 'hash-reject', ...range });
    const hashes = body.slice(hashRangeBytes);
    if (hashes.length % hashBytes !== 0) return this.#fail('a hashes message that is no whole number of hashes');
    return this.#deliver({ kind: 'hashes', ...range, hashes });
  }

  #isPiece(piece: number): boolean {
    if (this.#pieceCount === null || piece < this.#pieceCount) return true;
    this.#fail(`piece ${piece} of a torrent of ${this.#pieceCount}`);
    return false;
  }

  #deliver(message: WireMessage): void {
    this.#begin(headState);
    this.#sink.message(message);
  }

  /** Starts to collect anew; a message's body keeps its id in front. */
  #begin(state: State, id?: number): void {
    this.#state = state;
    this.#heldBytes = 0;
    // A rare large message must not leave its memory with the connection.
    if (this.#held.length > heldBytesKept) this.#held = new Uint8Array(handshakeBytes);
    if (id === undefined) return;
    this.#held[0] = id;
    this.#heldBytes = 1;
  }

  /** Takes bytes until `wanted` are held. */
  #collect(chunk: Uint8Array, at: number, wanted: number): number {
    const taken = Math.min(wanted - this.#heldBytes, chunk.length - at);
    const needed = this.#heldBytes + taken;
    if (this.#held.length < needed) {
      // Grows with what has come, not with what was announced: a length prefix alone costs no memory.
      const larger = new Uint8Array(Math.min(Math.max(needed, this.#held.length * 2), Math.max(wanted, handshakeBytes)));
      larger.set(this.#held.subarray(0, this.#heldBytes));
      this.#held = larger;
    }
    this.#held.set(chunk.subarray(at, at + taken), this.#heldBytes);
    this.#heldBytes = needed;
    return at + taken;
  }

  #number(at: number): number {
    const held = this.#held;
    return (
      (((held[at] as number) << 24) | ((held[at + 1] as number) << 16) | ((held[at + 2] as number) << 8) | (held[at + 3] as number)) >>> 0
    );
  }

  #tooLong(id: number, length: number): void {
    this.#fail(`a ${nameOfId.get(id) ?? `message ${id}`} of ${length} bytes is over the limit`);
  }

  #fail(reason: string): void {
    this.#violation = { kind: 'violation', reason };
    this.stop();
  }
}
