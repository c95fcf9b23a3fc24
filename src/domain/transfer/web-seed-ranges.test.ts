import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { PieceIndex } from '../../protocol/bittorrent/ids.ts';
import { UNIT_BYTES } from './partial-piece.ts';
import type { LayoutFile, PieceSegment } from './torrent-layout.ts';
import { type PiecePlaces, rangesOf, runBytes } from './web-seed-ranges.ts';

/** Files and padding in a row, as in a v1 torrent: padding where the size is negative. */
const places = (sizes: readonly number[], pieceLength: number): PiecePlaces => {
  const total = sizes.reduce((sum, size) => sum + Math.abs(size), 0);
  return {
    pieceBytes: (piece) => Math.min(pieceLength, total - piece * pieceLength),
    segments: (piece) => {
      const segments: PieceSegment[] = [];
      let offset = 0;
      let index = -1;
      for (const size of sizes) {
        if (size >= 0) index++;
        const from = Math.max(offset, piece * pieceLength);
        const to = Math.min(offset + Math.abs(size), (piece + 1) * pieceLength);
        const file = { index } as LayoutFile;
        if (size >= 0 && to > from)
          segments.push({ file, fileOffset: from - offset, pieceOffset: from - piece * pieceLength, length: to - from });
        offset += Math.abs(size);
      }
      return segments;
    },
  };
};
const at = (piece: number, unit: number, units: number) => ({ piece: piece as PieceIndex, unit, units });

test('runs that follow each other in a file are one range; padding is asked of nobody', () => {
  const torrent = places([100_000, -31_072, 40_000], 65_536);
  assert.deepEqual(
    rangesOf(torrent, [at(0, 0, 4), at(1, 0, 4), at(2, 0, 3)]).map(({ file, from, length }) => [file, from, length]),
    [
      [0, 0, 100_000],
      [null, 0, 31_072],
      [1, 0, 40_000],
    ],
  );
});

test('ranges bring every byte of the runs once, in order, and from where it lies', () => {
  fc.assert(
    fc.property(
      fc
        .array(fc.integer({ min: -90_000, max: 200_000 }), { minLength: 1, maxLength: 8 })
        .filter((sizes) => sizes.some((size) => size > 0)),
      fc.integer({ min: 10_000, max: 150_000 }),
      fc.array(fc.nat(99), { maxLength: 6 }),
      (sizes, pieceLength, picks) => {
        const torrent = places(sizes, pieceLength);
        const whole: string[] = [];
        let index = -1;
        const total = sizes.reduce((sum, size) => sum + Math.abs(size), 0);
        for (const size of sizes) {
          if (size >= 0) index++;
          whole.push(size >= 0 ? `${index}` : '-');
        }
        const pieces = Math.ceil(total / pieceLength);
        const runs = picks.map((pick) => {
          const piece = pick % pieces;
          const units = Math.ceil(torrent.pieceBytes(piece as PieceIndex) / UNIT_BYTES);
          const unit = (pick * 7) % units;
          return at(piece, unit, 1 + (pick % (units - unit)));
        });
        /** Which file, and which byte of it, lies at a byte of the torrent. */
        const lies = (byte: number): readonly [number | null, number] => {
          let offset = 0;
          for (const [n, size] of sizes.entries()) {
            if (byte < offset + Math.abs(size)) return size < 0 ? [null, 0] : [Number(whole[n]), byte - offset];
            offset += Math.abs(size);
          }
          throw new Error('beyond the end');
        };
        const done = runs.map(() => 0);
        for (const range of rangesOf(torrent, runs)) {
          let from = range.from;
          for (const part of range.parts) {
            assert.equal(part.offset, done[part.run]);
            const run = runs[part.run] as (typeof runs)[number];
            const start = run.piece * pieceLength + runBytes(torrent, run).begin + part.offset;
            for (const n of [0, part.length - 1]) {
              const [file, byte] = lies(start + n);
              assert.equal(file, range.file);
              if (file !== null) assert.equal(byte, from + n);
            }
            from += part.length;
            done[part.run] = part.offset + part.length;
          }
          assert.equal(
            range.parts.reduce((sum, { length }) => sum + length, 0),
            range.length,
          );
        }
        assert.deepEqual(
          done,
          runs.map((run) => runBytes(torrent, run).length),
        );
      },
    ),
  );
});
