/** The table of what was proven with whom, as Markdown. */
import type { CellOutcome } from './record.ts';

export interface MatrixRun {
  /** ISO 8601, the day. */
  readonly date: string;
  readonly commit: string;
  /** Version of Node.js. */
  readonly node: string;
  /** By program; null where it was not there. */
  readonly versions: Readonly<Record<string, string | null>>;
  readonly cells: readonly CellOutcome[];
}

const marks = { passed: 'yes', failed: '**FAILED**', skipped: 'not run' } as const;

const distinct = (words: readonly string[]): string[] => [...new Set(words)];

const escaped = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const shown = ({ outcome, note }: CellOutcome): string => escaped(note === '' ? marks[outcome] : `${marks[outcome]}: ${note}`);

/** In the order in which the tests stand in their file. */
const tableText = (title: string, found: readonly CellOutcome[]): string => {
  const cells = found.toSorted((a, b) => a.place - b.place);
  const rows = distinct(cells.map(({ row }) => row));
  const columns = distinct(cells.map(({ column }) => column));
  const of = (row: string, column: string): string => {
    const there = cells.filter((cell) => cell.row === row && cell.column === column);
    return there.map(shown).join('; ');
  };
  return [
    `## ${title}`,
    '',
    `| | ${columns.map(escaped).join(' | ')} |`,
    `|---|${columns.map(() => '---').join('|')}|`,
    ...rows.map((row) => `| ${escaped(row)} | ${columns.map((column) => of(row, column)).join(' | ')} |`),
    '',
  ].join('\n');
};

/** One table for each subject, with the versions of all programs, the day and the commit. */
export const matrixText = ({ date, commit, node, versions, cells }: MatrixRun): string => {
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version ?? '(not installed)'}`);
  const count = (outcome: CellOutcome['outcome']): number => cells.filter((cell) => cell.outcome === outcome).length;
  return [
    '# What was proven with programs of others',
    '',
    `Written by \`npm run test:interop -- --record\` on ${date} at ${commit}, with Node.js ${node.slice(1)} and ${programs.join(', ')}.`,
    'Each cell is a test that starts the real program in a network namespace; all bytes were compared by SHA-256.',
    `${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} not run.`,
    '',
    ...distinct(cells.map(({ table }) => table))
      .sort()
      .map((table) =>
        tableText(
          table,
          cells.filter((cell) => cell.table === table),
        ),
      ),
  ].join('\n');
};
