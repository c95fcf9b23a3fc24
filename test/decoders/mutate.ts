/** Bends valid inputs into others. The same seed gives the same inputs. */
import type { Decoder, Draw } from './decoder.ts';
import { bytesOf } from './decoder.ts';

/** Inputs are kept below this, but for those that repeat a part of themselves many times. */
const INPUT_BYTES_MAX = 40_000;
const REPEATED_BYTES_MAX = 60_000;
const BENDS_MAX = 5;

/** mulberry32: quick, and good enough to choose by. */
export const drawFrom = (seed: number): Draw => {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return Math.floor((((x ^ (x >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
};

const edges = [0, 1, 2, 0x7f, 0x80, 0xff, 0x30, 0x39, 0x3a, 0x65, 0x64, 0x6c, 0x69, 0x0d, 0x0a, 0x20];
const bigEdges = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x4000, 0x1_0000, 0x10_0000];

type Bend = (input: Uint8Array, draw: Draw, decoder: Decoder) => Uint8Array;

const spliced = (input: Uint8Array, at: number, removed: number, put: Uint8Array): Uint8Array =>
  Buffer.concat([input.subarray(0, at), put, input.subarray(at + removed)]);

const bends: readonly Bend[] = [
  (input, draw) => {
    const bent = new Uint8Array(input);
    if (bent.length > 0) {
      const at = draw(bent.length);
      bent[at] = (bent[at] as number) ^ (1 << draw(8));
    }
    return bent;
  },
  (input, draw) => {
    const bent = new Uint8Array(input);
    if (bent.length > 0) bent[draw(bent.length)] = edges[draw(edges.length)] as number;
    return bent;
  },
  (input, draw) => {
    const at = draw(input.length + 1);
    return spliced(input, at, draw(Math.min(20, input.length - at) + 1), new Uint8Array(0));
  },
  (input, draw) => {
    const at = draw(input.length + 1);
    return spliced(input, draw(input.length + 1), 0, input.subarray(at, at + draw(40)));
  },
  (input, draw, { tokens }) => {
    const at = draw(input.length + 1);
    return spliced(input, at, draw(3) === 0 ? draw(6) : 0, bytesOf(tokens[draw(tokens.length)] ?? ''));
  },
  (input, draw) => input.subarray(0, draw(input.length + 1)),
  (input, draw, { seeds }) => {
    const other = seeds[draw(seeds.length)] ?? input;
    return Buffer.concat([input.subarray(0, draw(input.length + 1)), other.subarray(draw(other.length + 1))]);
  },
  (input, draw) => {
    const bent = new Uint8Array(input);
    if (bent.length >= 4) new DataView(bent.buffer).setUint32(draw(bent.length - 3), bigEdges[draw(bigEdges.length)] as number);
    return bent;
  },
  (input, draw) => {
    const text = Buffer.from(input).toString('latin1');
    const numbers = [...text.matchAll(/\d+/gu)];
    const chosen = numbers[draw(Math.max(1, numbers.length))];
    if (chosen === undefined) return input;
    const put = ['0', '1', '00', '65536', '2147483648', '9007199254740993', '99999999999999999999', '-1'][draw(8)] as string;
    return spliced(input, chosen.index, chosen[0].length, bytesOf(put));
  },
];

/** A part of it again and again: what costs more than its length would show here. */
export const repeated = ({ seeds, tokens }: Decoder, draw: Draw): Uint8Array => {
  const input = seeds[draw(seeds.length)] ?? new Uint8Array(0);
  const at = draw(input.length + 1);
  const part = draw(2) === 0 ? bytesOf(tokens[draw(tokens.length)] ?? 'd') : input.subarray(at, at + 1 + draw(30));
  if (part.length === 0) return input;
  const times = Math.floor(REPEATED_BYTES_MAX / part.length / (1 + draw(50)));
  return spliced(input, at, 0, Buffer.concat(Array.from({ length: times }, () => part)));
};

/** The next input for a decoder: most are near to valid ones. */
export const bend = (decoder: Decoder, draw: Draw): Uint8Array => {
  const { seeds } = decoder;
  let input: Uint8Array = seeds[draw(seeds.length)] ?? new Uint8Array(0);
  if (draw(200) === 0) return repeated(decoder, draw);
  if (draw(40) === 0) return Uint8Array.from({ length: draw(300) }, () => draw(256));
  for (let left = 1 + draw(BENDS_MAX); left > 0; left--) input = (bends[draw(bends.length)] as Bend)(input, draw, decoder);
  return input.length > INPUT_BYTES_MAX ? input.subarray(0, INPUT_BYTES_MAX) : input;
};
