import type { SqlEngine } from '../../ports/database.ts';
import { int, one, run } from './sql.ts';

/** Tables that have a limit on their rows; counting them anew at each change would read them whole. */
export const COUNTED = ['accounts', 'invites', 'contents', 'clients', 'tally_sessions'] as const;
export type Counted = (typeof COUNTED)[number];

export const count = (sql: SqlEngine, name: Counted): number =>
  int(one(sql, 'SELECT value FROM counts WHERE name = ?', name) ?? {}, 'value');

export const addToCount = (sql: SqlEngine, name: Counted, by: number): void => {
  if (by !== 0) run(sql, 'UPDATE counts SET value = value + ? WHERE name = ?', by, name);
};

/** After a snapshot: the counts follow from the tables. */
export const recount = (sql: SqlEngine): void => {
  for (const name of COUNTED) sql.exec(`UPDATE counts SET value = (SELECT count(*) FROM ${name}) WHERE name = '${name}'`);
};
