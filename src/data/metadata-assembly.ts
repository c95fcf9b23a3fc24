import { metadataPieceBytes, metadataPieceCount } from '../protocol/bittorrent/metadata-message.ts';

/** An info dictionary of a certain length on its way in: which pieces are here, who sent them, and who owes one. */
export class MetadataAssembly {
  readonly bytes: Uint8Array;
  readonly pieceCount: number;
  readonly #sources: (string | null)[];
  readonly #asked: (number | null)[];
  #missing: number;

  constructor(totalBytes: number) {
    this.bytes = new Uint8Array(totalBytes);
    this.pieceCount = metadataPieceCount(totalBytes);
    this.#sources = Array.from({ length: this.pieceCount }, () => null);
    this.#asked = Array.from({ length: this.pieceCount }, () => null);
    this.#missing = this.pieceCount;
  }

  get whole(): boolean {
    return this.#missing === 0;
  }

  /** Bytes that are here. */
  get doneBytes(): number {
    return this.#sources.reduce((sum, source, piece) => sum + (source === null ? 0 : this.#bytesOf(piece)), 0);
  }

  /** Names of those that sent a part of it. */
  get sources(): readonly string[] {
    return [...new Set(this.#sources.filter((source) => source !== null))];
  }

  /** A piece that nobody has been asked for; marked as asked of that peer. */
  take(peer: number): number | null {
    const piece = this.#sources.findIndex((source, n) => source === null && this.#asked[n] === null);
    if (piece === -1) return null;
    this.#asked[piece] = peer;
    return piece;
  }

  /** The peer owes the piece no more. */
  release(peer: number, piece: number): void {
    if (this.#asked[piece] === peer) this.#asked[piece] = null;
  }

  /** Takes a piece that came. False: it is not of the right length. */
  add(piece: number, data: Uint8Array, source: string): boolean {
    if (piece >= this.pieceCount || data.length !== this.#bytesOf(piece)) return false;
    if (this.#sources[piece] !== null) return true;
    this.bytes.set(data, piece * metadataPieceBytes);
    this.#sources[piece] = source;
    this.#missing--;
    return true;
  }

  #bytesOf(piece: number): number {
    return Math.min(metadataPieceBytes, this.bytes.length - piece * metadataPieceBytes);
  }
}
