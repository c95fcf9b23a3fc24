/** The terminal, or what stands in its place: where a command writes. */
import type { Failure } from '../protocol/result.ts';
import { printable } from './render/format.ts';
import { type Column, renderTable } from './render/table.ts';
import { wrap } from './render/text.ts';

/** Lines are fitted to this where output is no terminal. */
const PLAIN_COLUMNS = 160;

export interface Sink {
  write(text: string | Uint8Array): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  green(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

const paint =
  (on: boolean, open: number, close: number) =>
  (text: string): string =>
    on ? `\u001b[${open}m${text}\u001b[${close}m` : text;

export const makeStyle = (colors: boolean): Style => ({
  bold: paint(colors, 1, 22),
  dim: paint(colors, 2, 22),
  green: paint(colors, 32, 39),
  red: paint(colors, 31, 39),
  yellow: paint(colors, 33, 39),
  cyan: paint(colors, 36, 39),
});

/** Null where the width is not known: a terminal that nobody gave a size says 0 (`docker exec -t`, `script`). */
const widthOf = ({ columns = 0 }: Sink): number | null => (columns > 0 ? columns : null);

/** Results go to standard output, everything about them (progress, hints, errors) to standard error. */
export class Output {
  readonly json: boolean;
  readonly style: Style;
  /** For the other stream, which may be a terminal when this is none. */
  readonly errorStyle: Style;
  /** Whether progress may be drawn over itself. */
  readonly live: boolean;
  readonly #out: Sink;
  readonly #err: Sink;

  constructor(options: {
    readonly out: Sink;
    readonly err: Sink;
    readonly json: boolean;
    readonly env: Readonly<Record<string, string | undefined>>;
  }) {
    const { out, err, json, env } = options;
    const plain = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
    this.json = json;
    this.style = makeStyle(out.isTTY === true && !plain && !json);
    this.errorStyle = makeStyle(err.isTTY === true && !plain);
    this.live = err.isTTY === true && env['TERM'] !== 'dumb' && !json;
    this.#out = out;
    this.#err = err;
  }

  get columns(): number {
    return widthOf(this.#out) ?? PLAIN_COLUMNS;
  }

  /** The width that sentences are broken at; null where no terminal shows them. */
  get wrapColumns(): number | null {
    return this.#out.isTTY === true ? widthOf(this.#out) : null;
  }

  get errorColumns(): number {
    return widthOf(this.#err) ?? PLAIN_COLUMNS;
  }

  /** Whether people look at the result, rather than a file or a program. */
  get isTerminal(): boolean {
    return this.#out.isTTY === true;
  }

  /** A result that is no text; nothing with `--json`. */
  bytes(bytes: Uint8Array): void {
    if (!this.json) this.#out.write(bytes);
  }

  /** A line of the result, for people; nothing with `--json`. */
  line(text = ''): void {
    if (!this.json) this.#out.write(`${text}\n`);
  }

  /** A long line for people: on a terminal broken at spaces, and what follows the break begins with `indent` spaces. */
  sentence(text: string, indent = 0): void {
    const columns = this.wrapColumns;
    for (const line of columns === null ? [text] : wrap(text, columns, indent)) this.line(line);
  }

  /** The result for programs; nothing without `--json`. */
  value(value: unknown): void {
    if (this.json) this.#out.write(`${JSON.stringify(value)}\n`);
  }

  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void {
    for (const line of renderTable(columns, rows, this.columns, this.style.bold)) this.line(line);
  }

  /** A line beside the result, for people. */
  note(text: string): void {
    if (!this.json) this.#err.write(`${text}\n`);
  }

  /** Raw text for a terminal. */
  draw(text: string): void {
    if (this.live) this.#err.write(text);
  }

  error(failure: Failure): void {
    if (this.json) this.#err.write(`${JSON.stringify({ error: { code: failure.code, message: failure.message } })}\n`);
    else this.#err.write(`${this.errorStyle.red('error:')} ${failure.message.split('\n').map(printable).join('\n')}\n`);
  }
}
