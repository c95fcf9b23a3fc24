import type { SqlEngine } from '../../ports/database.ts';
import type { ReplyBody } from '../../protocol/control/messages.ts';
import { addToCount, count } from './counts.ts';
import type { LedgerLimits } from './schema.ts';
import { int, one, run, text } from './sql.ts';
import type { Change, TallyRow } from './types.ts';

type Of<K extends Change['kind']> = Extract<Change, { kind: K }>;

/** Sessions that one change forgets at most, of those that are too old. */
const FORGOTTEN_MAX = 1_000;

interface Growth {
  readonly uploaded: number;
  readonly downloaded: number;
  readonly completed: boolean;
}

/**
 * Counts what clients have transferred since they were counted last. A row says where counters are, not by how much they
 * grew: said twice, or by a new primary that has not heard what was said before, it counts once.
 */
export const countTransfers = (sql: SqlEngine, limits: LedgerLimits, { rows }: Of<'tally'>, wallMs: number): ReplyBody => {
  forgetOld(sql, limits, wallMs);
  let counted = 0;
  for (const row of rows) if (countRow(sql, limits, row)) counted++;
  return { ok: true, value: { counted } };
};

const countRow = (sql: SqlEngine, limits: LedgerLimits, row: TallyRow): boolean => {
  const { folded, content } = row;
  if (one(sql, 'SELECT 1 FROM accounts WHERE folded = ?', folded) === null) return false;
  if (one(sql, 'SELECT 1 FROM contents WHERE id = ?', content) === null) return false;
  const growth = countSession(sql, limits, row);
  if (growth === null) return false;
  if (growth.uploaded > 0 || growth.downloaded > 0 || growth.completed) addGrowth(sql, limits, row, growth);
  return true;
};

/** By how much a session has grown; null where there is no room to remember it, because then it would be counted again. */
const countSession = (sql: SqlEngine, limits: LedgerLimits, row: TallyRow): Growth | null => {
  const { content, source, uploadedBytes, downloadedBytes, restart, completed, lastMs } = row;
  const folded = row.shared ? '' : row.folded;
  const where = 'WHERE folded = ? AND content = ? AND source = ?';
  const before = one(sql, `SELECT uploaded, downloaded, completed, last_ms FROM tally_sessions ${where}`, folded, content, source);
  if (before === null && count(sql, 'tally_sessions') >= limits.tallySessionsMax) return null;
  const [up, down] = before === null ? [0, 0] : [int(before, 'uploaded'), int(before, 'downloaded')];
  const now = {
    uploaded: restart?.nowUploadedBytes ?? Math.max(up, uploadedBytes),
    downloaded: restart?.nowDownloadedBytes ?? Math.max(down, downloadedBytes),
    completed: completed || (before !== null && int(before, 'completed') === 1),
    lastMs: Math.max(lastMs, before === null ? 0 : int(before, 'last_ms')),
  };
  run(
    sql,
    'INSERT OR REPLACE INTO tally_sessions VALUES (?, ?, ?, ?, ?, ?, ?)',
    folded,
    content,
    source,
    now.uploaded,
    now.downloaded,
    now.completed ? 1 : 0,
    now.lastMs,
  );
  if (before === null) addToCount(sql, 'tally_sessions', 1);
  return {
    uploaded: Math.max(0, uploadedBytes - up) + (restart?.uploadedBytes ?? 0),
    downloaded: Math.max(0, downloadedBytes - down) + (restart?.downloadedBytes ?? 0),
    completed,
  };
};

const addGrowth = (sql: SqlEngine, limits: LedgerLimits, { folded, content, lastMs }: TallyRow, growth: Growth): void => {
  const max = limits.tallyBytesMax;
  const completed = growth.completed ? 1 : 0;
  const uploaded = Math.min(max, growth.uploaded);
  const downloaded = Math.min(max, growth.downloaded);
  const updated = run(
    sql,
    `UPDATE tallies SET uploaded = min(?, uploaded + ?), downloaded = min(?, downloaded + ?), completed = max(completed, ?),
       last_ms = max(last_ms, ?) WHERE folded = ? AND content = ?`,
    max,
    uploaded,
    max,
    downloaded,
    completed,
    lastMs,
    folded,
    content,
  );
  if (updated > 0) return;
  makeRoom(sql, limits, folded);
  run(sql, 'INSERT INTO tallies VALUES (?, ?, ?, ?, ?, ?)', folded, content, uploaded, downloaded, completed, lastMs);
};

/** An account that has transferred very many contents: the one of longest ago goes to those taken together, under ''. */
const makeRoom = (sql: SqlEngine, limits: LedgerLimits, folded: string): void => {
  const held = one(
    sql,
    `SELECT count(*) AS held FROM (SELECT 1 FROM tallies WHERE folded = ? AND content <> '' LIMIT ?)`,
    folded,
    limits.talliesPerAccountMax,
  );
  if (int(held ?? {}, 'held') < limits.talliesPerAccountMax) return;
  const oldest = one(sql, `SELECT * FROM tallies WHERE folded = ? AND content <> '' ORDER BY last_ms, content LIMIT 1`, folded);
  if (oldest === null) return;
  run(
    sql,
    `INSERT INTO tallies VALUES (?1, '', ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET uploaded = min(?6, uploaded + ?2),
       downloaded = min(?6, downloaded + ?3), completed = completed + ?4, last_ms = max(last_ms, ?5)`,
    folded,
    int(oldest, 'uploaded'),
    int(oldest, 'downloaded'),
    int(oldest, 'completed'),
    int(oldest, 'last_ms'),
    limits.tallyBytesMax,
  );
  run(sql, 'DELETE FROM tallies WHERE folded = ? AND content = ?', folded, text(oldest, 'content'));
};

const forgetOld = (sql: SqlEngine, limits: LedgerLimits, wallMs: number): void => {
  const forgotten = run(
    sql,
    `DELETE FROM tally_sessions WHERE (folded, content, source) IN
       (SELECT folded, content, source FROM tally_sessions WHERE last_ms < ? ORDER BY last_ms, folded, content, source LIMIT ?)`,
    wallMs - limits.tallySessionKeptMs,
    FORGOTTEN_MAX,
  );
  addToCount(sql, 'tally_sessions', -forgotten);
};
