/** Long lists, a page at a time: what was asked for, and what is said below a page. */
import type { Staleness } from '../protocol/api.ts';
import type { Context } from './command.ts';
import { stopWith } from './exit.ts';
import { commandLine } from './hints.ts';
import type { Output } from './output.ts';

/** Options as typed. */
export interface PageOptions {
  readonly page: string;
  readonly limit?: string;
}

export interface Page {
  /** From 1. */
  readonly number: number;
  readonly offset: number;
  readonly limit: number;
}

const PAGES_MAX = 1_000_000;

const wholeNumber = (text: string, option: string, max: number): number => {
  const value = Number(text);
  return Number.isInteger(value) && value >= 1 && value <= max
    ? value
    : stopWith('usage', `--${option} must be a whole number from 1 to ${max}, not "${text}".`);
};

export const pageOf = (options: PageOptions, limits: { readonly preset: number; readonly max: number }): Page => {
  const limit = options.limit === undefined ? limits.preset : wholeNumber(options.limit, 'limit', limits.max);
  const number = wholeNumber(options.page, 'page', PAGES_MAX);
  return { number, offset: (number - 1) * limit, limit };
};

/** `21 to 40 of 77.  Next: shoal search --page 3`: what was typed, and the next page. */
export const notePage = (
  context: Context,
  command: string,
  words: readonly string[],
  options: PageOptions,
  shown: {
    readonly page: Page;
    readonly count: number;
    readonly total: number;
    /** Other options that were typed. */ readonly flags?: readonly string[];
  },
): void => {
  const { page, count, total, flags: typed = [] } = shown;
  const last = page.offset + count;
  const flags = [...typed, '--page', String(page.number + 1), ...(options.limit === undefined ? [] : ['--limit', options.limit])];
  const next = last < total ? `  Next: ${commandLine(context, command, words, flags)}` : '';
  context.output.note(`${page.offset + 1} to ${last} of ${total}.${next}`);
};

/** A person is told where a follower answered, for what was found and for what was not. */
export const noteStaleness = (output: Output, { stale }: Staleness): void => {
  if (stale) output.note('The network has no tracker that leads right now: the newest changes may be missing here.');
};
