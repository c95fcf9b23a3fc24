import type { Output } from '../output.ts';
import { fit, formatDuration, formatPercent, formatRate, formatSize, printable } from './format.ts';

export interface ProgressFacts {
  readonly label: string;
  readonly doneBytes: number;
  readonly size: number;
  /** Bytes a second. */
  readonly rate: number;
  readonly secondsLeft: number | null;
  readonly sources: readonly { readonly name: string; readonly bytes: number }[];
  /** Why nothing moves, if so. */
  readonly reason: string | null;
}

const BAR_COLUMNS_MIN = 10;
const BAR_COLUMNS_MAX = 30;
/** Where nothing can be drawn over: milliseconds between two lines. */
const LINE_INTERVAL_MS = 3_000;

const bar = (part: number, whole: number, columns: number): string => {
  const filled = whole === 0 ? columns : Math.min(columns, Math.floor((part / whole) * columns));
  return `${'█'.repeat(filled)}${'░'.repeat(columns - filled)}`;
};

const sourcesText = (sources: ProgressFacts['sources']): string =>
  sources
    .filter(({ bytes }) => bytes > 0)
    .sort((a, b) => b.bytes - a.bytes)
    .map(({ name, bytes }) => `${printable(name)} ${formatSize(bytes)}`)
    .join(', ');

/** One line of progress, in at most `columns`: the bar first gives way, then the tail is cut. */
export const progressLine = (facts: ProgressFacts, columns: number, withBar: boolean): string => {
  const { doneBytes, size, rate, secondsLeft, reason } = facts;
  const numbers = `${formatPercent(doneBytes, size).padStart(4)}  ${formatSize(doneBytes)} of ${formatSize(size)}`;
  const moving = reason === null ? `${formatRate(rate)}  ${formatDuration(secondsLeft)} left` : printable(reason);
  const sources = sourcesText(facts.sources);
  const text = [numbers, moving, ...(sources === '' ? [] : [`from ${sources}`])].join('  ');
  const label = printable(facts.label);
  const room = columns - label.length - text.length - 4;
  const drawn = withBar && room >= BAR_COLUMNS_MIN ? `${bar(doneBytes, size, Math.min(BAR_COLUMNS_MAX, room))}  ` : '';
  return fit(`${label === '' ? '' : `${label}  `}${drawn}${text}`, columns);
};

/**
 * Shows progress: on a terminal one line that is drawn over itself, elsewhere a line every few seconds. `clear` takes
 * the drawn line away, so that others can be written.
 */
export class ProgressView {
  readonly #output: Output;
  readonly #now: () => number;
  #drawn = '';
  #lastLineMs = Number.NEGATIVE_INFINITY;

  constructor(output: Output, now: () => number = () => performance.now()) {
    this.#output = output;
    this.#now = now;
  }

  show(facts: ProgressFacts): void {
    if (this.#output.live) return this.#draw(progressLine(facts, this.#output.errorColumns - 1, true));
    if (this.#now() - this.#lastLineMs < LINE_INTERVAL_MS) return;
    this.#lastLineMs = this.#now();
    this.#output.note(progressLine(facts, this.#output.errorColumns, false).trimStart());
  }

  clear(): void {
    if (this.#drawn !== '') this.#output.draw('\r\u001b[K');
    this.#drawn = '';
  }

  #draw(line: string): void {
    if (line === this.#drawn) return;
    // One write, the old line overwritten before the rest is erased: no flicker.
    this.#output.draw(`\r${line}\u001b[K`);
    this.#drawn = line;
  }
}
