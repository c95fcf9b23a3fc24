import type { SqlEngine } from '../../ports/database.ts';
import type { ContentSummary, SearchHit, SearchPage } from '../../protocol/control/messages.ts';
import { all, blob, int, one, type Row, run, text, textOrNull } from './sql.ts';
import type { AccountRow, OwnerRow, SessionRow } from './types.ts';

/** Rows of one answer, whatever was asked for. */
const PAGE_ROWS_MAX = 500;
/** Owners named with each hit of a search, and with one content; the asker ranks them and keeps the best. */
const OWNERS_PER_CONTENT_MAX = 1_000;
const WORDS_MAX = 16;

const accountOf = (row: Row): AccountRow => ({
  name: text(row, 'name'),
  folded: text(row, 'folded'),
  passwordHash: text(row, 'password_hash'),
  admin: int(row, 'admin') === 1,
  disabled: int(row, 'disabled') === 1,
  createdMs: int(row, 'created_ms'),
});

export const readAccount = (sql: SqlEngine, folded: string): AccountRow | null => {
  const row = one(sql, 'SELECT * FROM accounts WHERE folded = ?', folded);
  return row === null ? null : accountOf(row);
};

/** Accounts after the folded name `after`, in order. */
export const readAccounts = (sql: SqlEngine, after: string, limit: number): AccountRow[] =>
  all(sql, 'SELECT * FROM accounts WHERE folded > ? ORDER BY folded LIMIT ?', after, rows(limit)).map(accountOf);

export const readSession = (sql: SqlEngine, tokenHash: string): SessionRow | null => {
  const row = one(
    sql,
    'SELECT a.name, a.folded, a.admin, a.disabled, s.expires_ms FROM sessions s JOIN accounts a ON a.folded = s.folded WHERE s.token_hash = ?',
    tokenHash,
  );
  if (row === null) return null;
  return {
    account: text(row, 'name'),
    folded: text(row, 'folded'),
    admin: int(row, 'admin') === 1,
    disabled: int(row, 'disabled') === 1,
    expiresMs: int(row, 'expires_ms'),
  };
};

export const readInvite = (sql: SqlEngine, codeHash: string, nowMs: number): { admin: boolean } | null => {
  const row = one(sql, 'SELECT admin FROM invites WHERE code_hash = ? AND used_by IS NULL AND expires_ms > ?', codeHash, nowMs);
  return row === null ? null : { admin: int(row, 'admin') === 1 };
};

/** Of what was asked for. */
export const rows = (limit: number): number => Math.min(Math.max(0, Math.floor(limit)), PAGE_ROWS_MAX);

const summaryOf = (row: Row): ContentSummary => ({
  id: text(row, 'id'),
  v1: textOrNull(row, 'v1'),
  v2: textOrNull(row, 'v2'),
  name: text(row, 'name'),
  tags: JSON.parse(text(row, 'tags')) as string[],
  size: int(row, 'size'),
  files: int(row, 'files'),
  pieceLength: int(row, 'piece_length'),
});

const ownersOf = (sql: SqlEngine, content: string): OwnerRow[] =>
  all(sql, 'SELECT account, node FROM owners WHERE content = ? ORDER BY account, node LIMIT ?', content, OWNERS_PER_CONTENT_MAX).map(
    (row) => ({
      account: text(row, 'account'),
      node: text(row, 'node'),
    }),
  );

const hitOf = (sql: SqlEngine, row: Row): SearchHit => {
  const summary = summaryOf(row);
  const owners = ownersOf(sql, summary.id).map((owner) => ({ ...owner, uploadedBytes: 0, online: false }));
  return { ...summary, owners, ownerCount: int(row, 'owners'), onlineCount: 0, seeders: 0 };
};

const RANKED = 'ORDER BY owners DESC, folded, id LIMIT ? OFFSET ?';

/** Every word as a quoted prefix: nothing that a user types is FTS5 syntax. */
const matchOf = (words: readonly string[]): string =>
  words
    .slice(0, WORDS_MAX)
    .map((word) => `"${word.replaceAll('"', '""')}" *`)
    .join(' AND ');

/**
 * Contents that have every word (as a prefix of one of theirs), or all of them without words: those with most owners
 * first, then by name. The order depends on the state alone. Upload counts, who is online and seeders are filled in by the asker.
 */
export const search = (sql: SqlEngine, words: readonly string[], offset: number, limit: number): SearchPage => {
  const from = Math.max(0, Math.floor(offset));
  const asked = words.filter((word) => word !== '');
  if (asked.length === 0) {
    const found = all(sql, `SELECT * FROM contents ${RANKED}`, rows(limit), from);
    return {
      hits: found.map((row) => hitOf(sql, row)),
      total: int(one(sql, `SELECT value FROM counts WHERE name = 'contents'`) ?? {}, 'value'),
    };
  }
  const match = matchOf(asked);
  const found = all(
    sql,
    `SELECT * FROM contents WHERE doc IN (SELECT rowid FROM words WHERE words MATCH ?) ${RANKED}`,
    match,
    rows(limit),
    from,
  );
  const total = int(one(sql, 'SELECT count(*) AS total FROM words WHERE words MATCH ?', match) ?? {}, 'total');
  return { hits: found.map((row) => hitOf(sql, row)), total };
};

/** By its identity, or by its v1 info-hash: both name one entry. */
const contentRow = (sql: SqlEngine, id: string): Row | null =>
  one(sql, 'SELECT * FROM contents WHERE id = ?', id) ?? one(sql, 'SELECT * FROM contents WHERE v1 = ? ORDER BY id LIMIT 1', id);

export const readContent = (sql: SqlEngine, id: string): { summary: ContentSummary; owners: OwnerRow[]; ownerCount: number } | null => {
  const row = contentRow(sql, id);
  if (row === null) return null;
  const summary = summaryOf(row);
  return { summary, owners: ownersOf(sql, summary.id), ownerCount: int(row, 'owners') };
};

export const readContentsFrom = (sql: SqlEngine, prefix: string, limit: number): ContentSummary[] => {
  // The letter after the last digit: between the two is what begins with the prefix, and the indexes find it.
  const end = `${prefix}g`;
  return all(
    sql,
    'SELECT * FROM contents WHERE (id >= ? AND id < ?) OR (v1 >= ? AND v1 < ?) ORDER BY id LIMIT ?',
    prefix,
    end,
    prefix,
    end,
    rows(limit),
  ).map(summaryOf);
};

export const readTorrent = (sql: SqlEngine, id: string): Uint8Array | null => {
  const content = contentRow(sql, id);
  const row = content === null ? null : one(sql, 'SELECT bytes FROM torrents WHERE id = ?', text(content, 'id'));
  return row === null ? null : blob(row, 'bytes');
};

export const ownedBy = (sql: SqlEngine, node: string): ContentSummary[] =>
  all(
    sql,
    'SELECT * FROM contents WHERE id IN (SELECT content FROM owners WHERE node = ?) ORDER BY folded, id LIMIT ?',
    node,
    PAGE_ROWS_MAX,
  ).map(summaryOf);

/** After a snapshot: what follows from the rows is made anew. */
export const reindex = (sql: SqlEngine): void => {
  run(sql, 'UPDATE contents SET owners = (SELECT count(*) FROM owners WHERE owners.content = contents.id)');
  run(sql, 'DELETE FROM words');
  run(sql, 'INSERT INTO words (rowid, folded) SELECT doc, folded FROM contents');
};
