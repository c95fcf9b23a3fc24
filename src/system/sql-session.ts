import { DatabaseSync } from 'node:sqlite';
import {
  DatabaseError,
  type DatabaseFailure,
  type SqlEngine,
  type SqlStatement,
  type TransactionMap,
  type Transactions,
} from '../ports/database.ts';
import { fail, ok, type Result } from '../protocol/result.ts';

/** Statements kept prepared, by their text. The texts are constants of the program; more than this is a mistake in it. */
const STATEMENTS_MAX = 1_000;

/** Primary result codes of SQLite (https://www.sqlite.org/rescode.html) that are the environment's doing. */
const ENVIRONMENT: { readonly [code: number]: readonly [DatabaseFailure['code'], string] } = {
  5: ['io', 'another process is using it'],
  6: ['io', 'another process is using it'],
  7: ['io', 'memory is exhausted'],
  8: ['io', 'it cannot be written'],
  10: ['io', 'the disk reported an error'],
  11: ['corrupt', 'its file is damaged'],
  13: ['full', 'the disk is full'],
  14: ['io', 'its file could not be opened'],
  15: ['io', 'its locks do not work on this file system'],
  22: ['io', 'this file system cannot hold it'],
  23: ['io', 'permission is denied'],
  26: ['corrupt', 'its file is not a database'],
};

const sqliteCode = (error: unknown): number | undefined =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;

/** The environment's failure in `error`, or null where it is a programmer's mistake: bad SQL, a constraint, an assertion. */
const environmentFailure = (path: string, error: unknown): Result<never, DatabaseFailure> | null => {
  if (error instanceof DatabaseError) return fail(error.code, error.message);
  const known = ENVIRONMENT[sqliteCode(error) ?? -1];
  return known === undefined ? null : fail(known[0], `The database ${path} failed: ${known[1]} (${(error as Error).message}).`);
};

/** One open database: runs transactions one after the other on the calling thread. */
export class SqlSession implements SqlEngine {
  readonly #path: string;
  readonly #sql: DatabaseSync;
  readonly #statements = new Map<string, SqlStatement>();

  /** @throws what node:sqlite throws */
  constructor(path: string, sql: DatabaseSync) {
    this.#path = path;
    this.#sql = sql;
  }

  exec(text: string): void {
    this.#sql.exec(text);
  }

  prepare(text: string): SqlStatement {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      if (this.#statements.size === STATEMENTS_MAX) throw new Error(`More than ${STATEMENTS_MAX} statements: their text must be constant`);
      statement = this.#sql.prepare(text) as SqlStatement;
      this.#statements.set(text, statement);
    }
    return statement;
  }

  /**
   * Runs one transaction: all of it or, where it fails, nothing.
   * @throws a programmer's mistake, after rolling back
   */
  run<T extends TransactionMap, K extends keyof T & string>(
    transactions: Transactions<T>,
    name: K,
    args: T[K]['args'],
  ): Result<T[K]['result'], DatabaseFailure> {
    const body = Object.hasOwn(transactions, name) ? transactions[name] : undefined;
    if (body === undefined) throw new Error(`There is no transaction ${name}`);
    try {
      this.#sql.exec('BEGIN IMMEDIATE');
      const result = body(this, args);
      this.#sql.exec('COMMIT');
      return ok(result);
    } catch (error) {
      this.#rollBack();
      const failure = environmentFailure(this.#path, error);
      if (failure === null) throw error;
      return failure;
    }
  }

  close(): void {
    this.#statements.clear();
    this.#sql.close();
  }

  /** SQLite has rolled back by itself after some errors. */
  #rollBack(): void {
    try {
      if (this.#sql.isTransaction) this.#sql.exec('ROLLBACK');
    } catch {
      // The file is gone or damaged: nothing was committed, and what failed first is reported.
    }
  }
}

/** How long another process may take to let go of the file. */
const BUSY_TIMEOUT_MS = 2_000;

/**
 * Opens a database file for this process alone: commits are synced (WAL, `synchronous = FULL`), and a second process
 * that opens the file fails.
 */
export const openSqlFile = (path: string): Result<SqlSession, DatabaseFailure> => {
  let sql: DatabaseSync | undefined;
  try {
    sql = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
    sql.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN IMMEDIATE; COMMIT');
    return ok(new SqlSession(path, sql));
  } catch (error) {
    sql?.close();
    const failure = environmentFailure(path, error);
    if (failure === null) throw error;
    return failure;
  }
};

/** A database in memory, for simulations. */
export const openSqlMemory = (name: string): SqlSession =>
  new SqlSession(name, new DatabaseSync(':memory:', { enableForeignKeyConstraints: true }));
