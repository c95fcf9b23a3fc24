import { DatabaseError, type SqlEngine } from '../../ports/database.ts';
import { equalBytes } from '../../protocol/digest.ts';
import type { LogPosition } from '../replication/types.ts';
import { recount } from './counts.ts';
import { appliedSeq, lastPosition, positionAt, resetLog } from './log.ts';
import { reindex } from './queries.ts';
import { blob, int, one, type Row, run } from './sql.ts';
import { clearState, Cutter, linkDigest, StateReader, writeState } from './state-rows.ts';
import type { SnapshotChunk } from './types.ts';

/** Each chunk begins with SHA-256(digest of the one before || rest of the chunk); the first follows the position's hash. */
const DIGEST_BYTES = 32;
const CHUNK_BYTES_MIN = 1_024;

/**
 * Snapshots that are on their way out or in. Temporary tables: they cost no sync, and after a crash a snapshot begins anew.
 */
const makeTables = (sql: SqlEngine): void => {
  for (const way of ['leaving', 'arriving'])
    sql.exec(`
      CREATE TEMP TABLE IF NOT EXISTS ${way} (seq INTEGER NOT NULL, epoch INTEGER NOT NULL, hash BLOB NOT NULL);
      CREATE TEMP TABLE IF NOT EXISTS ${way}_chunks (number INTEGER PRIMARY KEY, bytes BLOB NOT NULL);`);
};

type Way = 'leaving' | 'arriving';

const positionOf = (row: Row): LogPosition => ({ seq: int(row, 'seq'), epoch: int(row, 'epoch'), hash: blob(row, 'hash') });

const positionOn = (sql: SqlEngine, way: Way): LogPosition | null => {
  const row = one(sql, `SELECT seq, epoch, hash FROM ${way}`);
  return row === null ? null : positionOf(row);
};

const begin = (sql: SqlEngine, way: Way, position: LogPosition | null): void => {
  run(sql, `DELETE FROM ${way}`);
  run(sql, `DELETE FROM ${way}_chunks`);
  if (position !== null) run(sql, `INSERT INTO ${way} VALUES (?, ?, ?)`, position.seq, position.epoch, position.hash);
};

const chunksOn = (sql: SqlEngine, way: Way): number =>
  int(one(sql, `SELECT coalesce(max(number), -1) + 1 AS chunks FROM ${way}_chunks`) ?? {}, 'chunks');

const chunkOn = (sql: SqlEngine, way: Way, index: number): Uint8Array | null => {
  const row = one(sql, `SELECT bytes FROM ${way}_chunks WHERE number = ?`, index);
  return row === null ? null : blob(row, 'bytes');
};

/** Writes the state as it is now, whole, so that later changes do not move what is still to be read. */
const take = (sql: SqlEngine, bytesMax: number): LogPosition => {
  const position = positionAt(sql, appliedSeq(sql));
  if (position === null) throw new DatabaseError('corrupt', 'The log does not have the entry up to which it is applied');
  begin(sql, 'leaving', position);
  let before = position.hash;
  let index = 0;
  const cutter = new Cutter(Math.max(bytesMax, CHUNK_BYTES_MIN) - DIGEST_BYTES, (piece) => {
    before = linkDigest(before, piece);
    const chunk = new Uint8Array(DIGEST_BYTES + piece.length);
    chunk.set(before);
    chunk.set(piece, DIGEST_BYTES);
    run(sql, 'INSERT INTO leaving_chunks VALUES (?, ?)', index++, chunk);
  });
  writeState(sql, (bytes) => cutter.push(bytes));
  cutter.end();
  if (index === 0) run(sql, 'INSERT INTO leaving_chunks VALUES (0, ?)', linkDigest(position.hash, new Uint8Array(0)));
  return position;
};

/** See `LedgerTransactions.snapshotRead`: with `seq` null a new snapshot is taken if the state has moved on. */
export const readSnapshot = (sql: SqlEngine, seq: number | null, index: number, bytesMax: number): SnapshotChunk | null => {
  makeTables(sql);
  let position = positionOn(sql, 'leaving');
  if (seq === null && position?.seq !== appliedSeq(sql)) position = take(sql, bytesMax);
  if (position === null || (seq !== null && position.seq !== seq)) return null;
  const bytes = chunkOn(sql, 'leaving', index);
  const chunks = chunksOn(sql, 'leaving');
  if (bytes === null) return null;
  const done = index === chunks - 1;
  return { position, index, bytes, done };
};

const samePosition = (a: LogPosition, b: LogPosition): boolean => a.seq === b.seq && a.epoch === b.epoch && equalBytes(a.hash, b.hash);

/** Whether a chunk is the next one of the snapshot that is arriving, unharmed. */
const follows = (sql: SqlEngine, chunk: SnapshotChunk): boolean => {
  const arriving = positionOn(sql, 'arriving');
  if (arriving === null || !samePosition(arriving, chunk.position) || chunk.index !== chunksOn(sql, 'arriving')) return false;
  const before = chunk.index === 0 ? chunk.position.hash : chunkOn(sql, 'arriving', chunk.index - 1)?.subarray(0, DIGEST_BYTES);
  if (before === undefined || chunk.bytes.length < DIGEST_BYTES) return false;
  return equalBytes(chunk.bytes.subarray(0, DIGEST_BYTES), linkDigest(before, chunk.bytes.subarray(DIGEST_BYTES)));
};

const install = (sql: SqlEngine, position: LogPosition): void => {
  clearState(sql);
  const reader = new StateReader(sql);
  const chunks = chunksOn(sql, 'arriving');
  for (let index = 0; index < chunks; index++) reader.push((chunkOn(sql, 'arriving', index) ?? new Uint8Array(0)).subarray(DIGEST_BYTES));
  reader.end();
  reindex(sql);
  recount(sql);
  resetLog(sql, position);
  begin(sql, 'arriving', null);
  begin(sql, 'leaving', null);
};

/**
 * See `LedgerTransactions.snapshotWrite`. A first chunk begins anew; a chunk that does not follow, is damaged, or would
 * take the state back (unless it `overrides` it) changes nothing, which the answer's position shows.
 */
export const writeSnapshot = (sql: SqlEngine, chunk: SnapshotChunk, overrides: boolean): { last: LogPosition; appliedSeq: number } => {
  makeTables(sql);
  if (chunk.index === 0) begin(sql, 'arriving', chunk.position);
  if ((overrides || chunk.position.seq >= appliedSeq(sql)) && follows(sql, chunk)) {
    run(sql, 'INSERT INTO arriving_chunks VALUES (?, ?)', chunk.index, chunk.bytes);
    if (chunk.done) install(sql, chunk.position);
  }
  return { last: lastPosition(sql), appliedSeq: appliedSeq(sql) };
};
