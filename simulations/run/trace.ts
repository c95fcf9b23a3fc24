/**
 * Traces: one line for each step of each process, in order. As text, fields separated by a tab:
 * number of the step, virtual microseconds, process, port, kind, id within the port, hash of the run up to and with it.
 */
import { writeSync } from 'node:fs';
import type { Cause } from '../../src/bus/reactor.ts';
import type { World } from '../world/index.ts';

/** The real one: while a run is cut off from the real world, its trace is still written. */
const write = writeSync;
const CHUNK_CHARACTERS = 65_536;

/** The header line of a trace file. */
const TRACE_HEADER = '# step\tmicros\tprocess\tport\tkind\tid\thash';

export interface Watch {
  /** The hash after every so many steps. */
  readonly checkpointEvery?: number;
  /** Lines of the steps from this number up to (not with) that one. */
  readonly lines?: { readonly from: number; readonly to: number };
  /** Every line goes to this open file. */
  readonly file?: number;
}

export interface Watched {
  readonly steps: number;
  readonly checkpoints: readonly string[];
  readonly lines: readonly string[];
}

/** Lines kept in memory for a comparison. */
const LINES_MAX = 1_000_000;

/** Watches the steps of a world. The answer says what was seen so far, and must be asked at the end: it empties buffers. */
export const watchTrace = (world: World, { checkpointEvery, lines, file }: Watch): (() => Watched) => {
  const seen = { steps: 0, checkpoints: [] as string[], lines: [] as string[] };
  const names: string[] = [];
  let buffer = file === undefined ? '' : `${TRACE_HEADER}\n`;
  const nameOf = (process: number): string => (names[process] ??= world.processes()[process - 1]?.name ?? String(process));
  const line = (process: number, { port, kind, id }: Cause, hash: string): string =>
    `${seen.steps}\t${world.now()}\t${nameOf(process)}\t${port}\t${kind}\t${id}\t${hash}`;
  const flush = (): void => {
    if (file === undefined || buffer === '') return;
    write(file, buffer);
    buffer = '';
  };
  world.watchSteps = (process, cause, hash) => {
    seen.steps++;
    if (checkpointEvery !== undefined && seen.steps % checkpointEvery === 0) seen.checkpoints.push(hash());
    if (lines !== undefined && seen.steps > lines.from && seen.steps <= lines.to && seen.lines.length < LINES_MAX)
      seen.lines.push(line(process, cause, hash()));
    if (file === undefined) return;
    buffer += `${line(process, cause, hash())}\n`;
    if (buffer.length > CHUNK_CHARACTERS) flush();
  };
  return () => {
    flush();
    return seen;
  };
};
