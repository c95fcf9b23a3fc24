/** From blocks of pieces to ranges of files, as web seeds are asked for them. */
import type { PieceIndex } from '../../protocol/bittorrent/ids.ts';
import { type Run, UNIT_BYTES } from './partial-piece.ts';
import type { PieceSegment } from './torrent-layout.ts';

/** Bytes of a run of units: from where in the run, and how many. */
export interface RangePart {
  /** Place among the runs that were given. */
  readonly run: number;
  /** In bytes from the start of the run. */
  readonly offset: number;
  readonly length: number;
}

/** What one request brings, or, without a file, zeros that nobody is asked for: padding. The parts follow each other. */
export interface FileRange {
  /** Place among the layout's files; null for padding. */
  readonly file: number | null;
  /** Where in the file, in bytes. */
  readonly from: number;
  readonly length: number;
  readonly parts: readonly RangePart[];
}

/** How pieces lie in files: `TorrentLayout` without what does not matter here. */
export interface PiecePlaces {
  pieceBytes(piece: PieceIndex): number;
  segments(piece: PieceIndex): readonly PieceSegment[];
}

interface Stretch {
  readonly file: number | null;
  readonly from: number;
  readonly length: number;
}

/** Bytes from `begin` to `end` of a piece by file, padding between and behind. */
const stretchesOf = (segments: readonly PieceSegment[], begin: number, end: number): Stretch[] => {
  const stretches: Stretch[] = [];
  let at = begin;
  for (const { file, fileOffset, pieceOffset, length } of segments) {
    const from = Math.max(at, pieceOffset);
    const to = Math.min(end, pieceOffset + length);
    if (to <= from) continue;
    if (from > at) stretches.push({ file: null, from: 0, length: from - at });
    stretches.push({ file: file.index, from: fileOffset + from - pieceOffset, length: to - from });
    at = to;
  }
  if (at < end) stretches.push({ file: null, from: 0, length: end - at });
  return stretches;
};

/** Bytes of a run: where it begins in its piece, and how many. */
export const runBytes = (places: Pick<PiecePlaces, 'pieceBytes'>, run: Run): { readonly begin: number; readonly length: number } => {
  const begin = run.unit * UNIT_BYTES;
  return { begin, length: Math.min(run.units * UNIT_BYTES, places.pieceBytes(run.piece) - begin) };
};

/** What to ask for to get these runs, in their order; ranges that follow each other in a file are one. */
export const rangesOf = (places: PiecePlaces, runs: readonly Run[]): FileRange[] => {
  const ranges: { file: number | null; from: number; length: number; parts: RangePart[] }[] = [];
  for (const [n, run] of runs.entries()) {
    const { begin, length: bytes } = runBytes(places, run);
    let offset = 0;
    for (const { file, from, length } of stretchesOf(places.segments(run.piece), begin, begin + bytes)) {
      const last = ranges.at(-1);
      const part = { run: n, offset, length };
      if (last !== undefined && last.file === file && (file === null || last.from + last.length === from)) {
        last.length += length;
        last.parts.push(part);
      } else ranges.push({ file, from, length, parts: [part] });
      offset += length;
    }
  }
  return ranges;
};
