/** A decoder of bytes from outside, as the fuzzer sees it. */
import { isDeepStrictEqual } from 'node:util';
import type { Result } from '../../src/protocol/result.ts';

/** A number from 0 to `limit` - 1. */
export type Draw = (limit: number) => number;

export interface Decoder {
  readonly name: string;
  /** Valid inputs, from which others are bent. */
  readonly seeds: readonly Uint8Array[];
  /** Pieces of its language, to be put in anywhere. */
  readonly tokens: readonly string[];
  /** Of the inputs of a run: less than 1 for one that does much for each, such as arithmetic with large numbers. Default: 1. */
  readonly weight?: number;
  /** Takes any bytes. True where they were taken for valid. @throws where it does what no decoder may. */
  run(input: Uint8Array, draw: Draw): boolean;
}

export const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1');
export const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
/** What a file or a terminal would hand on: broken UTF-8 becomes U+FFFD. */
export const utf8Of = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

/** A violation of what every decoder promises. */
export class Broken extends Error {}

export const must = (holds: boolean, promise: string): void => {
  if (!holds) throw new Broken(promise);
};

/** A decoder answers with a value, or with an error that has a code and a sentence. */
export const answered = <T>(result: Result<T>): T | undefined => {
  if (result.ok) return result.value;
  must(typeof result.error.code === 'string' && result.error.code !== '', 'an error has a code');
  must(typeof result.error.message === 'string' && result.error.message !== '', 'an error says what is wrong');
  must(result.error.message.length < 2_000, 'a sentence about wrong input does not grow with it');
  return undefined;
};

/** What was read, written and read again, is the same. */
export const sameAgain = <T>(value: T, again: Result<T>): void => {
  must(again.ok && isDeepStrictEqual(again.value, value), 'what was read can be written and read again');
};

/** Cuts the bytes at random places, and sometimes after every byte. */
export const cuts = (input: Uint8Array, draw: Draw): Uint8Array[] => {
  const chunks: Uint8Array[] = [];
  const every = input.length < 200 && draw(4) === 0 ? 1 : 0;
  for (let at = 0; at < input.length;) {
    const length = every === 1 ? 1 : 1 + draw(Math.max(1, Math.min(input.length, 2_000)));
    chunks.push(input.subarray(at, at + length));
    at += length;
  }
  return chunks;
};
