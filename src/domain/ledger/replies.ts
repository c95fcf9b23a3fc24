import type { SqlEngine } from '../../ports/database.ts';
import type { ReplyBody } from '../../protocol/control/messages.ts';
import type { RequestId } from '../replication/types.ts';
import type { LedgerLimits } from './schema.ts';
import { addToCount, count } from './counts.ts';
import { int, one, run, text } from './sql.ts';
import type { StoredReply } from './types.ts';

/** What became of a request id: its reply, or that it is too old to say, or null: never seen. */
export const storedReply = (sql: SqlEngine, requestId: RequestId): StoredReply | { expired: true } | null => {
  const row = one(sql, 'SELECT seq, epoch, body FROM replies WHERE client = ? AND n = ?', requestId.client, requestId.n);
  if (row !== null) return { requestId, seq: int(row, 'seq'), epoch: int(row, 'epoch'), body: JSON.parse(text(row, 'body')) as ReplyBody };
  const client = one(sql, 'SELECT expired_n FROM clients WHERE client = ?', requestId.client);
  return client !== null && requestId.n <= int(client, 'expired_n') ? { expired: true } : null;
};

/**
 * Keeps a reply. Beyond the last `repliesPerClientMax` of a client the lowest n goes and raises the client's watermark;
 * beyond `clientsMax` clients the one whose last entry is oldest goes: both depend on the log alone.
 */
export const storeReply = (sql: SqlEngine, limits: LedgerLimits, reply: StoredReply): void => {
  const { client, n } = reply.requestId;
  if (one(sql, 'SELECT 1 FROM clients WHERE client = ?', client) === null) {
    if (count(sql, 'clients') >= limits.clientsMax) forgetOldestClient(sql);
    run(sql, 'INSERT INTO clients VALUES (?, ?, 0)', client, reply.seq);
    addToCount(sql, 'clients', 1);
  } else run(sql, 'UPDATE clients SET used_seq = ? WHERE client = ?', reply.seq, client);
  run(sql, 'INSERT INTO replies VALUES (?, ?, ?, ?, ?)', client, n, reply.seq, reply.epoch, JSON.stringify(reply.body));
  const beyond = one(sql, 'SELECT n FROM replies WHERE client = ? ORDER BY n DESC LIMIT 1 OFFSET ?', client, limits.repliesPerClientMax);
  if (beyond === null) return;
  run(sql, 'DELETE FROM replies WHERE client = ? AND n <= ?', client, int(beyond, 'n'));
  run(sql, 'UPDATE clients SET expired_n = ? WHERE client = ?', int(beyond, 'n'), client);
};

const forgetOldestClient = (sql: SqlEngine): void => {
  const oldest = one(sql, 'SELECT client FROM clients ORDER BY used_seq LIMIT 1');
  if (oldest === null) return;
  const client = text(oldest, 'client');
  run(sql, 'DELETE FROM replies WHERE client = ?', client);
  run(sql, 'DELETE FROM clients WHERE client = ?', client);
  addToCount(sql, 'clients', -1);
};
