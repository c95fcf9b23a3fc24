import type { PieceMap } from '../../domain/transfer/piece-map.ts';
import type { TorrentLayout } from '../../domain/transfer/torrent-layout.ts';
import type { PieceIndex } from '../../protocol/bittorrent/ids.ts';

/** Which files of a torrent are wanted, and with them which pieces. It only grows. */
export class Selection {
  readonly #layout: TorrentLayout;
  readonly #map: PieceMap;
  readonly #files: boolean[];
  #size: number;

  constructor(layout: TorrentLayout, map: PieceMap, files: readonly boolean[]) {
    this.#layout = layout;
    this.#map = map;
    this.#files = [...files];
    this.#size = layout.files.reduce((sum, file) => sum + (files[file.index] === true ? file.size : 0), 0);
    for (let piece = 0; piece < layout.pieceCount; piece++) if (!this.#wants(piece as PieceIndex)) map.setPriority(piece as PieceIndex, 0);
  }

  /** By the files' places in the torrent. */
  get files(): readonly boolean[] {
    return this.#files;
  }

  /** Bytes of the chosen files. */
  get size(): number {
    return this.#size;
  }

  add(files: readonly number[]): void {
    for (const file of files) {
      if (this.#files[file] !== true) this.#size += this.#layout.files[file]?.size ?? 0;
      this.#files[file] = true;
      for (const piece of this.piecesOf(file)) if (this.#map.priority(piece) === 0) this.#map.setPriority(piece, 1);
    }
  }

  piecesOf(file: number): readonly PieceIndex[] {
    const { firstPiece = 0, endPiece = 0 } = this.#layout.files[file] ?? {};
    return Array.from({ length: endPiece - firstPiece }, (_, n) => (firstPiece + n) as PieceIndex);
  }

  #wants(piece: PieceIndex): boolean {
    return this.#layout.segments(piece).some(({ file }) => this.#files[file.index] === true);
  }
}
