import type { Database, DatabaseFailure, TransactionMap, Transactions } from '../../src/ports/database.ts';
import { type Done, fail, type Result } from '../../src/protocol/result.ts';
import { copyOf } from './copy.ts';
import type { Pace } from './disk.ts';
import type { SqlSession } from '../../src/system/sql-session.ts';
import type { Outbox } from './outbox.ts';

/** From the request to the commit, and from the commit to the answer: a crash in between loses only the answer. */
const COMMIT_MICROS = 400;
const ANSWER_MICROS = 20;

/** Is told what has taken effect. */
export type Committed = (transaction: string, args: unknown, result: Result<unknown>) => void;

/** Makes a transaction fail, to see what the program does then: null lets it be. */
export type DatabaseFault = (transaction: string) => DatabaseFailure['code'] | null;

/** SQLite in memory: the world keeps it when the process crashes. Each transaction runs at once when its turn comes. */
export class SimulatedDatabase<T extends TransactionMap> implements Database<T> {
  readonly #session: SqlSession;
  readonly #transactions: Transactions<T>;
  readonly #outbox: Outbox;
  readonly #fault: DatabaseFault;
  readonly #committed: Committed | null;
  readonly #pace: Pace;
  #closed = false;

  constructor(
    session: SqlSession,
    transactions: Transactions<T>,
    outbox: Outbox,
    fault: DatabaseFault,
    committed: Committed | null,
    pace: Pace = { factor: 1 },
  ) {
    this.#session = session;
    this.#transactions = transactions;
    this.#outbox = outbox;
    this.#fault = fault;
    this.#committed = committed;
    this.#pace = pace;
  }

  run<K extends keyof T & string>(name: K, args: T[K]['args'], done: Done<T[K]['result'], DatabaseFailure>): void {
    const refused = this.#closed;
    const copied = copyOf(args);
    this.#outbox.inTurn(COMMIT_MICROS * this.#pace.factor, () => {
      const result = refused ? fail('io' as const, 'The database is closed.') : this.#run(name, copied);
      this.#outbox.after(ANSWER_MICROS, () => {
        if (result === null) return;
        this.#outbox.answer(result.ok ? name : `${name}.${result.error.code}`, () => done(result));
      });
    });
  }

  close(done: () => void): void {
    this.#closed = true;
    this.#outbox.inTurn(COMMIT_MICROS, () => this.#outbox.after(ANSWER_MICROS, () => this.#outbox.answer('close', done)));
  }

  /** Null where the transaction is wrong, which ends the process. */
  #run<K extends keyof T & string>(name: K, args: T[K]['args']): Result<T[K]['result'], DatabaseFailure> | null {
    const code = this.#fault(name);
    if (code !== null) return fail(code, `Transaction ${name} failed: a fault was injected.`);
    let result: Result<T[K]['result'], DatabaseFailure>;
    try {
      result = this.#session.run(this.#transactions, name, args);
    } catch (mistake) {
      this.#outbox.answer('fault', () => {
        throw new Error(`Transaction ${name} is wrong: ${String(mistake)}`, { cause: mistake });
      });
      return null;
    }
    // What an observer throws is no mistake of the transaction.
    if (!result.ok) return result;
    this.#committed?.(name, args, result);
    return copyOf(result);
  }
}
