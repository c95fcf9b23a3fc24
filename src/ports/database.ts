import type { Done, Failure } from '../protocol/result.ts';

export type DatabaseFailure = Failure<'full' | 'io' | 'corrupt' | 'newer-schema'>;

/** What a transaction throws when the environment, not the program, is at fault; the port makes it a failure. */
export class DatabaseError extends Error {
  readonly code: DatabaseFailure['code'];

  constructor(code: DatabaseFailure['code'], message: string) {
    super(message);
    this.name = 'DatabaseError';
    this.code = code;
  }
}

/** Named transactions: what goes in, what comes out. Both must survive `structuredClone`. */
export type TransactionMap = { [name: string]: { readonly args: unknown; readonly result: unknown } };

/**
 * The SQL engine at the other end of a port: in a worker thread in a daemon, at once in a simulation. Transactions run
 * in the order asked, each atomic and, where it changes anything, synced before it answers.
 */
export interface Database<T extends TransactionMap> {
  run<K extends keyof T & string>(name: K, args: T[K]['args'], done: Done<T[K]['result'], DatabaseFailure>): void;
  close(done: () => void): void;
}

/** The part of `node:sqlite` that transactions are written against. */
export interface SqlEngine {
  exec(sql: string): void;
  /** Prepared once per text and kept: texts are constants of the program. */
  prepare(sql: string): SqlStatement;
}

export type SqlValue = null | number | bigint | string | Uint8Array;

export interface SqlStatement {
  run(...values: SqlValue[]): { changes: number | bigint };
  get(...values: SqlValue[]): Record<string, SqlValue> | undefined;
  all(...values: SqlValue[]): Record<string, SqlValue>[];
}

/** A transaction's body. It throws `DatabaseError` for what the environment did; the port makes it a failure. */
export type Transactions<T extends TransactionMap> = {
  readonly [K in keyof T]: (sql: SqlEngine, args: T[K]['args']) => T[K]['result'];
};
