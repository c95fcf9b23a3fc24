import { DatabaseError, type SqlEngine, type SqlValue } from '../../ports/database.ts';

export type Row = Record<string, SqlValue>;

export const run = (sql: SqlEngine, text: string, ...values: SqlValue[]): number => Number(sql.prepare(text).run(...values).changes);

export const one = (sql: SqlEngine, text: string, ...values: SqlValue[]): Row | null => sql.prepare(text).get(...values) ?? null;

export const all = (sql: SqlEngine, text: string, ...values: SqlValue[]): Row[] => sql.prepare(text).all(...values);

const wrong = (row: Row, column: string): never => {
  throw new DatabaseError('corrupt', `Column ${column} of the ledger holds a ${row[column] === null ? 'null' : typeof row[column]}`);
};

export const int = (row: Row, column: string): number => {
  const value = row[column];
  if (typeof value === 'number') return value;
  return typeof value === 'bigint' ? Number(value) : wrong(row, column);
};

export const text = (row: Row, column: string): string => {
  const value = row[column];
  return typeof value === 'string' ? value : wrong(row, column);
};

export const textOrNull = (row: Row, column: string): string | null => (row[column] === null ? null : text(row, column));

export const blob = (row: Row, column: string): Uint8Array => {
  const value = row[column];
  return value instanceof Uint8Array ? value : wrong(row, column);
};
