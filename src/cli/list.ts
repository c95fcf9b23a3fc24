/** Tables of what there is: only the columns that say something and that the terminal has room for. */
import type { Output } from './output.ts';
import { displayWidth, printable } from './render/format.ts';
import { type Column, renderTable } from './render/table.ts';
import { wrap } from './render/text.ts';

export interface ListColumn<Row> extends Column<Row> {
  /** What stands for nothing: the column is left out where no row has more. */
  readonly blank?: string;
  /** Where the terminal is too narrow, the column of the highest rank is left out first; one without a rank stays. */
  readonly rank?: number;
}

const INDENT = 4;

const fitted = <Row>(
  columns: readonly ListColumn<Row>[],
  rows: readonly Row[],
  available: number,
  bold: (text: string) => string,
): string[] => {
  const lines = renderTable(columns, rows, available, bold);
  if (lines.every((line) => displayWidth(line) <= available)) return lines;
  const last = columns.reduce<ListColumn<Row> | null>((worst, column) => ((column.rank ?? 0) > (worst?.rank ?? 0) ? column : worst), null);
  return last === null
    ? lines
    : fitted(
        columns.filter((column) => column !== last),
        rows,
        available,
        bold,
      );
};

/** Writes `rows` as a table; `below` is a sentence about a row, which stands under it. */
export const showList = <Row>(
  output: Output,
  columns: readonly ListColumn<Row>[],
  rows: readonly Row[],
  below: (row: Row) => string | null = () => null,
): void => {
  if (output.json) return;
  const filled = columns.filter(({ blank, of }) => blank === undefined || rows.some((row) => of(row) !== blank));
  const [heading = '', ...lines] = fitted(filled, rows, output.columns, output.style.bold);
  output.line(heading);
  for (const [at, row] of rows.entries()) {
    output.line(lines[at]);
    const sentence = below(row);
    if (sentence === null) continue;
    for (const line of wrap(' '.repeat(INDENT) + printable(sentence), output.wrapColumns ?? Number.POSITIVE_INFINITY, INDENT))
      output.line(output.style.dim(line));
  }
};
