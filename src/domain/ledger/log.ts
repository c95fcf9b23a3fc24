import { DatabaseError, type SqlEngine } from '../../ports/database.ts';
import { equalBytes, sha256 } from '../../protocol/digest.ts';
import type { LogEntry, LogPosition } from '../replication/types.ts';
import { all, blob, int, one, type Row, run, textOrNull } from './sql.ts';
import type { LogState } from './types.ts';

/** What an entry counts beside its payload when a reader limits bytes. */
const ENTRY_OVERHEAD_BYTES = 128;
/** Rows whose sizes are looked at together. */
const MEASURED_ROWS = 256;

/** The hash that follows `before` when an entry with this payload is appended. */
export const chainHash = (before: Uint8Array, payload: Uint8Array): Uint8Array => {
  const joined = new Uint8Array(before.length + payload.length);
  joined.set(before);
  joined.set(payload, before.length);
  return sha256(joined);
};

const positionOf = (row: Row): LogPosition => ({ seq: int(row, 'seq'), epoch: int(row, 'epoch'), hash: blob(row, 'hash') });

const entryOf = (row: Row): LogEntry => {
  const client = textOrNull(row, 'client');
  return {
    ...positionOf(row),
    requestId: client === null ? null : { client, n: int(row, 'n') },
    payload: blob(row, 'payload'),
    wallMs: int(row, 'wall_ms'),
  };
};

const corrupt = (what: string): never => {
  throw new DatabaseError('corrupt', what);
};

const basePosition = (sql: SqlEngine): LogPosition =>
  positionOf(
    one(sql, 'SELECT base_seq AS seq, base_epoch AS epoch, base_hash AS hash FROM position') ?? corrupt('The ledger has no position'),
  );

export const appliedSeq = (sql: SqlEngine): number => int(one(sql, 'SELECT applied_seq FROM position') ?? {}, 'applied_seq');

export const setApplied = (sql: SqlEngine, seq: number): void => {
  run(sql, 'UPDATE position SET applied_seq = ?', seq);
};

export const lastPosition = (sql: SqlEngine): LogPosition => {
  const row = one(sql, 'SELECT seq, epoch, hash FROM log ORDER BY seq DESC LIMIT 1');
  return row === null ? basePosition(sql) : positionOf(row);
};

export const positionAt = (sql: SqlEngine, seq: number): LogPosition | null => {
  const row = one(sql, 'SELECT seq, epoch, hash FROM log WHERE seq = ?', seq);
  if (row !== null) return positionOf(row);
  const base = basePosition(sql);
  return base.seq === seq ? base : null;
};

export const entryAt = (sql: SqlEngine, seq: number): LogEntry =>
  entryOf(one(sql, 'SELECT * FROM log WHERE seq = ?', seq) ?? corrupt(`Entry ${seq} is missing from the log`));

export const logState = (sql: SqlEngine): LogState => {
  const last = lastPosition(sql);
  return { last, firstSeq: basePosition(sql).seq + 1, appliedSeq: appliedSeq(sql), existed: last.seq > 0 };
};

/** Appends; every entry must follow the one before it in number, epoch and hash. */
export const appendEntries = (sql: SqlEngine, entries: readonly LogEntry[]): LogPosition => {
  let last = lastPosition(sql);
  for (const entry of entries) {
    if (entry.seq !== last.seq + 1 || entry.epoch < last.epoch)
      corrupt(`Entry ${entry.seq} of epoch ${entry.epoch} does not follow ${last.seq} of epoch ${last.epoch}`);
    if (!equalBytes(entry.hash, chainHash(last.hash, entry.payload)))
      corrupt(`The hash of entry ${entry.seq} does not follow from the one before`);
    run(
      sql,
      'INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?)',
      entry.seq,
      entry.epoch,
      entry.hash,
      entry.requestId?.client ?? null,
      entry.requestId?.n ?? null,
      entry.payload,
      Math.floor(entry.wallMs),
    );
    last = { seq: entry.seq, epoch: entry.epoch, hash: entry.hash };
  }
  return last;
};

/** Deletes the tail after `afterSeq`: log rows only. What is applied never goes. */
export const truncateAfter = (sql: SqlEngine, afterSeq: number): void => {
  const applied = appliedSeq(sql);
  if (afterSeq < applied) corrupt(`The log may not lose entry ${afterSeq + 1}: it is applied up to ${applied}`);
  if (positionAt(sql, afterSeq) === null) corrupt(`The log cannot be cut after entry ${afterSeq}, which it does not have`);
  run(sql, 'DELETE FROM log WHERE seq > ?', afterSeq);
};

/** How many entries from `fromSeq` on fit into `bytesMax`; at least one where there is one. */
const fitting = (sql: SqlEngine, fromSeq: number, bytesMax: number): number => {
  let bytes = 0;
  for (let count = 0; ;) {
    const rows = all(sql, 'SELECT length(payload) AS bytes FROM log WHERE seq >= ? ORDER BY seq LIMIT ?', fromSeq + count, MEASURED_ROWS);
    for (const row of rows) {
      bytes += int(row, 'bytes') + ENTRY_OVERHEAD_BYTES;
      if (bytes > bytesMax && count > 0) return count;
      count++;
    }
    if (rows.length < MEASURED_ROWS) return count;
  }
};

/** See `LedgerTransactions.read`. Null: older than the log here, or beyond its end. */
export const readEntries = (sql: SqlEngine, fromSeq: number, bytesMax: number): { before: LogPosition; entries: LogEntry[] } | null => {
  const before = positionAt(sql, fromSeq - 1);
  if (before === null) return null;
  const count = fitting(sql, fromSeq, bytesMax);
  return { before, entries: all(sql, 'SELECT * FROM log WHERE seq >= ? ORDER BY seq LIMIT ?', fromSeq, count).map(entryOf) };
};

/** Drops applied rows up to `throughSeq`; the position of the last one dropped becomes the log's beginning. */
export const compactLog = (sql: SqlEngine, throughSeq: number): { firstSeq: number } => {
  const end = positionAt(sql, Math.min(throughSeq, appliedSeq(sql)));
  if (end !== null) {
    run(sql, 'UPDATE position SET base_seq = ?, base_epoch = ?, base_hash = ?', end.seq, end.epoch, end.hash);
    run(sql, 'DELETE FROM log WHERE seq <= ?', end.seq);
  }
  return { firstSeq: basePosition(sql).seq + 1 };
};

/** After a snapshot: an empty log that begins, applied, at `position`. */
export const resetLog = (sql: SqlEngine, position: LogPosition): void => {
  run(sql, 'DELETE FROM log');
  run(
    sql,
    'UPDATE position SET base_seq = ?, base_epoch = ?, base_hash = ?, applied_seq = ?',
    position.seq,
    position.epoch,
    position.hash,
    position.seq,
  );
};
