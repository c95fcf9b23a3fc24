import type { SqlEngine } from '../../ports/database.ts';
import type { ContentSummary, ErrorCode, ReplyBody } from '../../protocol/control/messages.ts';
import { addToCount, count } from './counts.ts';
import type { LedgerLimits } from './schema.ts';
import { int, one, run } from './sql.ts';
import type { Change } from './types.ts';

type Of<K extends Change['kind']> = Extract<Change, { kind: K }>;

const refused = (code: ErrorCode, message: string): ReplyBody => ({ ok: false, code, message });

/** Puts a content's words into the search index, under the row number of this database. */
export const indexContent = (sql: SqlEngine, doc: number, folded: string): void => {
  run(sql, 'INSERT INTO words (rowid, folded) VALUES (?, ?)', doc, folded);
};

const insertContent = (sql: SqlEngine, content: ContentSummary, folded: string, torrent: Uint8Array): void => {
  run(
    sql,
    'INSERT INTO contents (id, v1, v2, name, tags, size, files, piece_length, folded, owners) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)',
    content.id,
    content.v1,
    content.v2,
    content.name,
    JSON.stringify(content.tags),
    content.size,
    content.files,
    content.pieceLength,
    folded,
  );
  indexContent(sql, int(one(sql, 'SELECT doc FROM contents WHERE id = ?', content.id) ?? {}, 'doc'), folded);
  run(sql, 'INSERT INTO torrents VALUES (?, ?)', content.id, torrent);
  addToCount(sql, 'contents', 1);
};

/** An owner more; the first one brings the torrent. Owning twice is owning. */
export const putOwner = (sql: SqlEngine, limits: LedgerLimits, change: Of<'own.put'>, torrent: Uint8Array): ReplyBody => {
  const { content, account, node } = change;
  const there = one(sql, 'SELECT owners FROM contents WHERE id = ?', content.id);
  const held = one(sql, 'SELECT count(*) AS held FROM (SELECT 1 FROM owners WHERE node = ? LIMIT ?)', node, limits.contentsPerNodeMax);
  if (one(sql, 'SELECT 1 FROM owners WHERE content = ? AND account = ? AND node = ?', content.id, account, node) !== null)
    return { ok: true, value: { id: content.id, first: false } };
  if (there === null && !change.hasTorrent)
    return refused('torrent-wanted', 'The catalog does not have this content yet: send its torrent');
  if (int(held ?? {}, 'held') >= limits.contentsPerNodeMax)
    return refused('too-large', `A node may share ${limits.contentsPerNodeMax} contents`);
  if (there === null && torrent.length > limits.torrentBytesMax)
    return refused('too-large', `A torrent may have ${limits.torrentBytesMax} bytes`);
  if (there === null && count(sql, 'contents') >= limits.contentsMax) return refused('too-large', 'The catalog is full');
  if (there !== null && int(there, 'owners') >= limits.ownersPerContentMax)
    return refused('too-large', `A content may have ${limits.ownersPerContentMax} owners`);
  if (there === null) insertContent(sql, content, change.foldedText, torrent);
  run(sql, 'INSERT INTO owners VALUES (?, ?, ?)', content.id, account, node);
  run(sql, 'UPDATE contents SET owners = owners + 1 WHERE id = ?', content.id);
  return { ok: true, value: { id: content.id, first: there === null } };
};

/** An owner fewer. With its last owner a content leaves the catalog, torrent and all: nobody could serve it. */
export const removeOwner = (sql: SqlEngine, change: Of<'own.remove'>): ReplyBody => {
  const { content, account, node } = change;
  if (run(sql, 'DELETE FROM owners WHERE content = ? AND account = ? AND node = ?', content, account, node) === 0)
    return refused('not-found', 'This node does not own such a content');
  run(sql, 'UPDATE contents SET owners = owners - 1 WHERE id = ?', content);
  const orphan = one(sql, 'SELECT doc FROM contents WHERE id = ? AND owners = 0', content);
  if (orphan !== null) {
    run(sql, 'DELETE FROM words WHERE rowid = ?', int(orphan, 'doc'));
    run(sql, 'DELETE FROM contents WHERE id = ?', content);
    run(sql, 'DELETE FROM torrents WHERE id = ?', content);
    addToCount(sql, 'contents', -1);
  }
  return { ok: true, value: { id: content } };
};
