/** A run of the fuzzer: so many inputs on every decoder, what they broke, and what they cost. */
import * as fc from 'fast-check';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Decoder, Draw } from './decoder.ts';
import { bittorrentDecoders } from './bittorrent.ts';
import { corpusOf } from './corpus.ts';
import { inputsFor } from './generators.ts';
import { bend, drawFrom, repeated } from './mutate.ts';
import { ownDecoders } from './own.ts';
import { streamDecoders } from './streams.ts';
import { trackerDecoders } from './trackers.ts';
import { WorkCounter } from './work.ts';

export const decoders: readonly Decoder[] = [...bittorrentDecoders, ...streamDecoders, ...trackerDecoders, ...ownDecoders].map(
  (decoder) => ({
    ...decoder,
    seeds: [...decoder.seeds, ...corpusOf(decoder.name)],
  }),
);

/** Blocks of code that a case may cost whatever it is, and for each byte of it. The dearest is at 6 a byte. */
const WORK_PER_CASE_MAX = 5_000;
const WORK_PER_BYTE_MAX = 20;
/** Of so many inputs a batch comes from fast-check. */
const MADE_EVERY = 1_000;
const MADE_AT_ONCE = 100;

export interface Failed {
  readonly decoder: string;
  /** Hexadecimal digits. */
  readonly input: string;
  readonly message: string;
}

/** Runs one input. Null where the decoder kept what it promises. */
export const tryInput = (decoder: Decoder, input: Uint8Array, draw: Draw): Failed | null => {
  const before = Buffer.from(input);
  try {
    decoder.run(input, draw);
    return before.equals(input) ? null : failed(decoder, before, 'it changed the bytes that it was lent');
  } catch (error) {
    return failed(decoder, before, (error as Error).stack ?? String(error));
  }
};

const failed = ({ name }: Decoder, input: Uint8Array, message: string): Failed => ({
  decoder: name,
  input: Buffer.from(input).toString('hex'),
  message,
});

export interface Tally {
  readonly decoder: string;
  readonly cases: number;
  /** Inputs that were taken for valid. */
  readonly taken: number;
  readonly bytes: number;
}

/** Inputs on one decoder: most of them bent from valid ones, the others made by fast-check. Stops at the first that breaks it. */
export const fuzzDecoder = (decoder: Decoder, cases: number, seed: number): Tally | Failed => {
  const draw = drawFrom(seed);
  let [taken, bytes] = [0, 0];
  const counting: Decoder = {
    ...decoder,
    run: (input, by) => {
      const valid = decoder.run(input, by);
      if (valid) taken++;
      return valid;
    },
  };
  for (let n = 0; n < cases;) {
    const made =
      n % MADE_EVERY === 0 ? fc.sample(inputsFor(decoder.name), { numRuns: Math.min(MADE_AT_ONCE, cases - n), seed: seed + n }) : [];
    for (const input of made.length > 0 ? made : [bend(decoder, draw)]) {
      bytes += input.length;
      const wrong = tryInput(counting, input, drawFrom(seed + n));
      if (wrong !== null) return wrong;
      n++;
    }
  }
  return { decoder: decoder.name, cases, taken, bytes };
};

export interface Costly {
  readonly decoder: string;
  readonly bytes: number;
  readonly work: number;
  /** Hexadecimal digits. */
  readonly input: string;
}

/** The work of inputs, one by one, the long ones above all. Returns those that cost more than their length allows. */
export const weigh = (decoder: Decoder, cases: number, seed: number): Costly[] => {
  const counter = new WorkCounter();
  const draw = drawFrom(seed);
  const costly: Costly[] = [];
  try {
    for (let n = 0; n < cases; n++) {
      const input = n % 2 === 0 ? repeated(decoder, draw) : bend(decoder, draw);
      counter.take();
      decoder.run(input, drawFrom(seed + n));
      const work = counter.take();
      if (work > WORK_PER_CASE_MAX + WORK_PER_BYTE_MAX * input.length)
        costly.push({ decoder: decoder.name, bytes: input.length, work, input: Buffer.from(input).toString('hex') });
    }
  } finally {
    counter.close();
  }
  return costly;
};

/** Bytes that stay in use after everything that is not has been cleared away. */
export const bytesInUse = (): number => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
};
