import type { SqlEngine } from '../../ports/database.ts';
import { rows } from './queries.ts';
import { all, int, one, text, textOrNull } from './sql.ts';
import type { LedgerTransactions, TalliedAccount, TallySession } from './types.ts';

/** Sessions in one answer. */
const SESSIONS_PAGE_MAX = 2_000;
const COMPLETIONS_PAGE_MAX = 5_000;
/** Sums of many accounts stay numbers that every part of the program can hold. */
const SUM_MAX = Number.MAX_SAFE_INTEGER;

export const readTallySessions = (
  sql: SqlEngine,
  after: LedgerTransactions['tallySessions']['args']['after'],
  limit: number,
): TallySession[] =>
  all(
    sql,
    `SELECT * FROM tally_sessions WHERE (folded, content, source) > (?, ?, ?) ORDER BY folded, content, source LIMIT ?`,
    after?.folded ?? '',
    after?.content ?? '',
    after?.source ?? '',
    Math.min(Math.max(0, Math.floor(limit)), SESSIONS_PAGE_MAX),
  ).map((row) => ({
    folded: text(row, 'folded'),
    content: text(row, 'content'),
    source: text(row, 'source'),
    uploadedBytes: int(row, 'uploaded'),
    downloadedBytes: int(row, 'downloaded'),
    completed: int(row, 'completed') === 1,
    lastMs: int(row, 'last_ms'),
  }));

/** Contents that left the catalog are not told of. */
export const readCompletions = (
  sql: SqlEngine,
  asked: LedgerTransactions['completions']['args'],
): LedgerTransactions['completions']['result'] => {
  const select = 'SELECT content, count(*) AS accounts FROM tallies WHERE completed > 0 AND content';
  if ('contents' in asked)
    return asked.contents.flatMap((content) => {
      const accounts = int(one(sql, `${select} = ?`, content) ?? {}, 'accounts');
      return accounts === 0 ? [] : [{ content, accounts }];
    });
  return all(
    sql,
    `${select} > ? AND content IN (SELECT id FROM contents) GROUP BY content ORDER BY content LIMIT ?`,
    asked.after,
    Math.min(Math.max(0, Math.floor(asked.limit)), COMPLETIONS_PAGE_MAX),
  ).map((row) => ({ content: text(row, 'content'), accounts: int(row, 'accounts') }));
};

export const readTallies = (sql: SqlEngine, folded: string, offset: number, limit: number): TalliedAccount => {
  const total = one(
    sql,
    `SELECT CAST(min(total(uploaded), ?1) AS INTEGER) AS uploaded, CAST(min(total(downloaded), ?1) AS INTEGER) AS downloaded,
       CAST(total(completed) AS INTEGER) AS completed, count(*) AS contents FROM tallies WHERE folded = ?2`,
    SUM_MAX,
    folded,
  );
  const page = all(
    sql,
    `SELECT t.*, c.name FROM tallies t LEFT JOIN contents c ON c.id = t.content WHERE t.folded = ?
       ORDER BY t.content = '', t.last_ms DESC, t.content LIMIT ? OFFSET ?`,
    folded,
    rows(limit),
    Math.max(0, Math.floor(offset)),
  );
  return {
    uploadedBytes: int(total ?? {}, 'uploaded'),
    downloadedBytes: int(total ?? {}, 'downloaded'),
    completed: int(total ?? {}, 'completed'),
    contents: int(total ?? {}, 'contents'),
    rows: page.map((row) => ({
      content: text(row, 'content'),
      name: textOrNull(row, 'name'),
      uploadedBytes: int(row, 'uploaded'),
      downloadedBytes: int(row, 'downloaded'),
      completed: int(row, 'completed'),
      lastMs: int(row, 'last_ms'),
    })),
  };
};
