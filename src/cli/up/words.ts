/** What the tour says: chosen by what happened, not by what was meant to happen. */
import type { TransferSummary } from '../../protocol/api.ts';
import { formatRate, formatSize, plural, printable } from '../render/format.ts';
import { sourceName } from '../source-names.ts';
import { type ChildPlan, type Death, titleOf } from './child.ts';

/** From this size on, a download that has two sources takes from both; a smaller one may be over before the second is asked. */
export const SPREAD_BYTES_MIN = 50_000_000;
/** Over a shorter time a rate says nothing. */
const PACE_MS_MIN = 1_000;

export interface Downloaded {
  readonly transfer: Pick<TransferSummary, 'size' | 'sources'>;
  readonly ms: number;
}

/** Those that gave something, by name. */
export const sourcesOf = ({ sources }: Pick<TransferSummary, 'sources'>): { name: string; bytes: number }[] =>
  sources
    .filter(({ bytes }) => bytes > 0)
    .map((source) => ({ name: sourceName(source), bytes: source.bytes }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));

/** "bob downloads it from alice: 127 MB at 28.4 MB/s". */
export const downloadText = (who: string, { transfer, ms }: Downloaded): string => {
  const { size } = transfer;
  const sources = sourcesOf(transfer);
  const amount = `${formatSize(size)}${ms >= PACE_MS_MIN ? ` at ${formatRate(size / (ms / 1000))}` : ''}`;
  const [only] = sources;
  if (only === undefined) return `${who} downloads it: ${amount}`;
  if (sources.length === 1) return `${who} downloads it from ${printable(only.name)}: ${amount}`;
  const each = sources.map(({ name, bytes }) => `${formatSize(bytes)} from ${printable(name)}`);
  return `${who} downloads it from ${sources.length === 2 ? 'both' : plural(sources.length, 'node')} at once: ${amount}, ${each.join(' and ')}`;
};

/** Before the third download, when only the size is known. */
export const thirdHeading = (size: number): string =>
  size >= SPREAD_BYTES_MIN ? 'Download from both, while the main tracker dies' : 'A third download, and the main tracker dies';

/** After it, for the summary. */
export const thirdTitle = ({ transfer }: Downloaded): string => `third node downloads${sourcesOf(transfer).length > 1 ? ' from both' : ''}`;

/**
 * That a process ended by itself. What it said last is added where it ended with a status: one that was killed had no say
 * in it.
 */
export const deathLines = (
  { plan, pid }: { readonly plan: Pick<ChildPlan, 'role' | 'name'>; readonly pid: number },
  { code, signal }: Death,
  lastWords: readonly string[],
): string[] => {
  const head = `${titleOf(plan)} (process ${pid})`;
  if (signal !== null) return [`${head} was ended by ${signal}.`];
  if (code === 0) return [`${head} has stopped.`];
  return [`${head} ended with status ${code}.${lastWords.length > 0 ? ' Its last lines:' : ''}`, ...lastWords];
};
