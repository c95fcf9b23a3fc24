import { type FilePriority, piecePriority } from '../../domain/transfer/file-priorities.ts';
import { type PieceMap, PRIORITY_NORMAL } from '../../domain/transfer/piece-map.ts';
import type { TorrentLayout } from '../../domain/transfer/torrent-layout.ts';
import type { PieceIndex } from '../../protocol/bittorrent/ids.ts';

/** How much each file of a torrent is wanted, and with it each of its pieces. */
export class Selection {
  readonly #layout: TorrentLayout;
  readonly #map: PieceMap;
  readonly #priorities: FilePriority[];
  readonly #files: boolean[];
  #size = 0;

  constructor(layout: TorrentLayout, map: PieceMap, priorities: readonly FilePriority[]) {
    this.#layout = layout;
    this.#map = map;
    this.#priorities = [...priorities];
    this.#files = priorities.map((priority) => priority !== 'skip');
    this.#apply();
  }

  /** Which are wanted at all, by the files' places in the torrent; changes with them. */
  get files(): readonly boolean[] {
    return this.#files;
  }

  get priorities(): readonly FilePriority[] {
    return this.#priorities;
  }

  /** Bytes of the chosen files. */
  get size(): number {
    return this.#size;
  }

  /** These are wanted as well. */
  add(files: readonly number[]): void {
    for (const file of files) if (this.#priorities[file] === 'skip') this.#priorities[file] = 'normal';
    this.#apply();
  }

  set(priorities: readonly FilePriority[]): void {
    for (const file of this.#priorities.keys()) this.#priorities[file] = priorities[file] ?? 'skip';
    this.#apply();
  }

  piecesOf(file: number): readonly PieceIndex[] {
    const { firstPiece = 0, endPiece = 0 } = this.#layout.files[file] ?? {};
    return Array.from({ length: endPiece - firstPiece }, (_, n) => (firstPiece + n) as PieceIndex);
  }

  #apply(): void {
    this.#size = 0;
    for (const { index, size } of this.#layout.files) {
      this.#files[index] = this.#priorities[index] !== 'skip';
      if (this.#files[index]) this.#size += size;
    }
    // Most torrents are wanted as a whole.
    const usual = this.#priorities.every((priority) => priority === 'normal');
    for (let piece = 0 as PieceIndex; piece < this.#layout.pieceCount; piece++) {
      const priority = usual ? PRIORITY_NORMAL : piecePriority(this.#layout, this.#priorities, piece);
      if (this.#map.priority(piece) !== priority) this.#map.setPriority(piece, priority);
    }
  }
}
