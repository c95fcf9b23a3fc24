import { displayWidth, fit, padEnd, padStart, printable } from './format.ts';

export interface Column<Row> {
  readonly title: string;
  readonly of: (row: Row) => string;
  /** Numbers stand to the right. */
  readonly right?: boolean;
  /** Is cut first, and down to this many columns, when the terminal is too narrow. */
  readonly shrinksTo?: number;
}

const GAP = '  ';

const widths = <Row>(columns: readonly Column<Row>[], cells: readonly string[][], available: number): number[] => {
  const natural = columns.map((column, i) => Math.max(displayWidth(column.title), ...cells.map((row) => displayWidth(row[i] ?? ''))));
  let excess = natural.reduce((sum, width) => sum + width, GAP.length * (columns.length - 1)) - available;
  while (excess > 0) {
    const candidates = columns.flatMap(({ shrinksTo }, i) => (shrinksTo !== undefined && (natural[i] ?? 0) > shrinksTo ? [i] : []));
    const widest = candidates.sort((a, b) => (natural[b] ?? 0) - (natural[a] ?? 0))[0];
    if (widest === undefined) break;
    natural[widest] = (natural[widest] ?? 0) - 1;
    excess--;
  }
  return natural;
};

/** Lines of a table, fitted to `available` columns where its columns can shrink. Cells are made printable. */
export const renderTable = <Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  available: number,
  heading: (text: string) => string,
): string[] => {
  const cells = rows.map((row) => columns.map((column) => printable(column.of(row))));
  const width = widths(columns, cells, available);
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, i) => (columns[i]?.right === true ? padStart : padEnd)(fit(text, width[i] ?? 0), width[i] ?? 0))
      .join(GAP)
      .trimEnd();
  return [heading(line(columns.map(({ title }) => title))), ...cells.map(line)];
};
