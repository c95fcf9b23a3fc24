import type { Output } from '../output.ts';
import { displayWidth, fit, formatDuration, formatPercent, formatRate, formatSize, plural, printable } from './format.ts';

export interface ProgressFacts {
  readonly label: string;
  readonly doneBytes: number;
  /** Null while nobody knows it. */
  readonly size: number | null;
  /** Bytes a second. */
  readonly rate: number;
  readonly secondsLeft: number | null;
  readonly sources: readonly { readonly name: string; readonly bytes: number }[];
  /** Why nothing moves, if so. */
  readonly reason: string | null;
}

const BAR_COLUMNS_MIN = 10;
const BAR_COLUMNS_MAX = 30;
/** A name is never cut to less, but for a terminal that is narrower still. */
const NAME_COLUMNS_MIN = 8;
/** Where nothing can be drawn over: milliseconds between two lines. */
const LINE_INTERVAL_MS = 3_000;
/** And between two lines that say the same. */
const SAME_INTERVAL_MS = 60_000;
const GAP = '  ';

const bar = (part: number, whole: number, columns: number): string => {
  const filled = whole === 0 ? columns : Math.min(columns, Math.floor((part / whole) * columns));
  return `${'█'.repeat(filled)}${'░'.repeat(columns - filled)}`;
};

const percentText = ({ doneBytes, size }: ProgressFacts): string => (size === null ? '' : formatPercent(doneBytes, size)).padStart(4);

const movingText = ({ reason, rate, secondsLeft }: ProgressFacts): string =>
  reason !== null
    ? printable(reason)
    : [formatRate(rate), ...(secondsLeft === null ? [] : [`${formatDuration(secondsLeft)} left`])].join(GAP);

const numbersText = (facts: ProgressFacts): string =>
  facts.size === null
    ? movingText(facts)
    : [percentText(facts), `${formatSize(facts.doneBytes)} of ${formatSize(facts.size)}`, movingText(facts)].join(GAP);

/** By name: a source keeps its place while its bytes grow. */
const activeSources = ({ sources }: ProgressFacts): { name: string; bytes: number }[] =>
  sources
    .filter(({ bytes }) => bytes > 0)
    .map(({ name, bytes }) => ({ name: printable(name), bytes }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));

/** All of the sources in at most `columns`: long names give way first; where that is not enough, the last are summed up. */
const sourcesText = (facts: ProgressFacts, columns: number): string => {
  const sources = activeSources(facts);
  const textOf = (shown: number, nameColumns: number): string => {
    const rest = sources.slice(shown);
    const parts = sources.slice(0, shown).map(({ name, bytes }) => `${fit(name, nameColumns)} ${formatSize(bytes)}`);
    if (rest.length > 0) parts.push(`${rest.length} more ${formatSize(rest.reduce((sum, { bytes }) => sum + bytes, 0))}`);
    return `from ${parts.join(', ')}`;
  };
  if (sources.length === 0) return '';
  let nameColumns = Math.max(NAME_COLUMNS_MIN, ...sources.map(({ name }) => displayWidth(name)));
  let shown = Math.min(sources.length, Math.max(1, Math.ceil(columns / NAME_COLUMNS_MIN)));
  while (nameColumns > NAME_COLUMNS_MIN && displayWidth(textOf(shown, nameColumns)) > columns) nameColumns--;
  while (shown > 1 && displayWidth(textOf(shown, nameColumns)) > columns) shown--;
  const text = textOf(shown, nameColumns);
  if (shown === 1 && sources.length > 1 && displayWidth(text) > columns)
    return fit(`from ${plural(sources.length, 'source')} ${formatSize(sources.reduce((sum, { bytes }) => sum + bytes, 0))}`, columns);
  return fit(text, columns);
};

/** Label, bar and numbers in at most `columns`. To make room: a shorter bar, a shorter label, fewer numbers, no bar. */
const barLine = (facts: ProgressFacts, columns: number): string => {
  const label = printable(facts.label);
  const begin = (shown: string): string => (shown === '' ? '' : `${shown}${GAP}`);
  for (const numbers of [numbersText(facts), [percentText(facts), movingText(facts)].join(GAP), percentText(facts)]) {
    const room = columns - displayWidth(numbers) - GAP.length;
    const labelColumns = room - BAR_COLUMNS_MIN - GAP.length;
    if (label !== '' && labelColumns < Math.min(NAME_COLUMNS_MIN, displayWidth(label))) continue;
    if (room < BAR_COLUMNS_MIN) continue;
    const head = begin(fit(label, labelColumns));
    return `${head}${bar(facts.doneBytes, facts.size ?? 1, Math.min(BAR_COLUMNS_MAX, room - displayWidth(head)))}${GAP}${numbers}`;
  }
  return fit(`${begin(label)}${numbersText(facts)}`, columns);
};

/** Progress in one line of at most `columns`, without a bar: for a log. */
export const progressText = (facts: ProgressFacts, columns: number): string => {
  const label = printable(facts.label).trimStart();
  const head = `${label === '' ? '' : `${label}${GAP}`}${numbersText(facts).trimStart()}`;
  const sources = sourcesText(facts, columns - displayWidth(head) - GAP.length);
  return fit(sources === '' ? head : `${head}${GAP}${sources}`, columns);
};

/** Progress with a bar, for a terminal: one line where all of it fits into `columns`, else the sources on a second one. */
export const progressLines = (facts: ProgressFacts, columns: number): string[] => {
  const sources = sourcesText(facts, Number.POSITIVE_INFINITY);
  if (sources === '') return [barLine(facts, columns)];
  const room = columns - displayWidth(sources) - GAP.length;
  const label = printable(facts.label);
  const needed = displayWidth(numbersText(facts)) + BAR_COLUMNS_MIN + GAP.length + (label === '' ? 0 : displayWidth(label) + GAP.length);
  if (room >= needed) return [`${barLine(facts, room)}${GAP}${sources}`];
  const indent = ' '.repeat(Math.min(displayWidth(/^ */u.exec(label)?.[0] ?? '') + GAP.length, Math.max(0, columns - 1)));
  return [barLine(facts, columns), `${indent}${sourcesText(facts, columns - indent.length)}`];
};

/** When the last line of something was written, and how far it was then seen to be. */
interface Gate {
  lineMs: number;
  doneBytes: number;
  line: string;
}

/**
 * Shows progress: on a terminal a line or two that are drawn over themselves, elsewhere a line every few seconds, or each
 * minute where nothing changes (none for what is over before the first is due). `clear` takes what is drawn away, so that others can be written.
 */
export class ProgressView {
  readonly #output: Output;
  readonly #now: () => number;
  readonly #gates = new Map<string, Gate>();
  #drawn: readonly string[] = [];

  constructor(output: Output, now: () => number = () => performance.now()) {
    this.#output = output;
    this.#now = now;
  }

  show(facts: ProgressFacts): void {
    if (this.#output.live) this.#draw(progressLines(facts, this.#output.errorColumns - 1));
    else this.#showLine(facts, progressText(facts, this.#output.errorColumns));
  }

  clear(): void {
    if (this.#drawn.length > 0) this.#output.draw(`${this.#home()}\u001b[J`);
    this.#drawn = [];
  }

  /** Where it is due. What has fewer bytes than before is another thing of the same name. */
  #showLine({ label, doneBytes }: ProgressFacts, line: string): void {
    const now = this.#now();
    const gate = this.#gates.get(label);
    if (gate === undefined || doneBytes < gate.doneBytes) {
      this.#gates.set(label, { lineMs: now, doneBytes, line: '' });
      return;
    }
    gate.doneBytes = doneBytes;
    if (now - gate.lineMs < (line === gate.line ? SAME_INTERVAL_MS : LINE_INTERVAL_MS)) return;
    Object.assign(gate, { lineMs: now, line });
    this.#output.note(line);
  }

  /** To the beginning of the first drawn line. */
  #home(): string {
    const up = this.#drawn.length - 1;
    return up > 0 ? `\r\u001b[${up}A` : '\r';
  }

  #draw(lines: readonly string[]): void {
    if (lines.length === this.#drawn.length && lines.every((line, i) => line === this.#drawn[i])) return;
    // One write, the old lines overwritten before the rest is erased: no flicker.
    this.#output.draw(`${this.#home()}${lines.map((line) => `${line}\u001b[K`).join('\n')}\u001b[J`);
    this.#drawn = lines;
  }
}
