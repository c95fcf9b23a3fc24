import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Result } from '../protocol/result.ts';
import { type Database, DatabaseError, type DatabaseFailure, type Transactions } from './database.ts';
import { ask, type Harness } from './harness.contract.ts';

/** A small bank: enough to see atomicity, order and failures. */
export type BankTransactions = {
  open: { args: null; result: null };
  deposit: { args: { to: string; amount: number }; result: number };
  /** Writes, then fails as the environment does. */
  failAfterWriting: { args: { code: DatabaseFailure['code'] }; result: null };
  /** Writes until the page limit that it sets is reached. */
  fillUp: { args: { pagesMax: number }; result: null };
  balance: { args: { of: string }; result: number | null };
  blob: { args: { bytes: Uint8Array }; result: Uint8Array };
  /** A programmer's mistake. */
  wrong: { args: null; result: null };
};

/** The system's database imports this module in its worker. */
export const bankTransactions: Transactions<BankTransactions> = {
  open: (sql) => {
    sql.exec('CREATE TABLE IF NOT EXISTS account (name TEXT PRIMARY KEY, balance INTEGER NOT NULL, extra BLOB) STRICT');
    return null;
  },
  deposit: (sql, { to, amount }) => {
    sql
      .prepare('INSERT INTO account (name, balance) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET balance = balance + excluded.balance')
      .run(to, amount);
    return Number(sql.prepare('SELECT balance FROM account WHERE name = ?').get(to)?.['balance']);
  },
  failAfterWriting: (sql, { code }) => {
    sql.prepare('UPDATE account SET balance = 0').run();
    throw new DatabaseError(code, `It is ${code}.`);
  },
  fillUp: (sql, { pagesMax }) => {
    sql.exec(`PRAGMA max_page_count = ${pagesMax}`);
    try {
      for (let i = 0; ; i++) sql.prepare('INSERT INTO account (name, balance, extra) VALUES (?, 0, zeroblob(4096))').run(`filler ${i}`);
    } finally {
      sql.exec('PRAGMA max_page_count = 1000000');
    }
  },
  balance: (sql, { of }) => {
    const row = sql.prepare('SELECT balance FROM account WHERE name = ?').get(of);
    return row === undefined ? null : Number(row['balance']);
  },
  blob: (sql, { bytes }) => sql.prepare('SELECT ? AS bytes').get(bytes)?.['bytes'] as Uint8Array,
  wrong: (sql) => {
    sql.exec('SELECT balance FROM nowhere');
    return null;
  },
};

type Setup = () => Harness & { readonly database: Database<BankTransactions> };

const value = <T>(result: Result<T, DatabaseFailure>): T => {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
};

/** What every database does. */
export const databaseContract = (name: string, setup: Setup): void => {
  describe(`database contract: ${name}`, () => {
    type Run = <K extends keyof BankTransactions & string>(
      name: K,
      args: BankTransactions[K]['args'],
    ) => Promise<Result<BankTransactions[K]['result'], DatabaseFailure>>;
    const scene = async (body: (run: Run, harness: ReturnType<Setup>) => Promise<void>): Promise<void> => {
      const harness = setup();
      const run: Run = (transaction, args) => ask(harness, (done) => harness.database.run(transaction, args, done));
      try {
        value(await run('open', null));
        await body(run, harness);
      } finally {
        await harness.close();
      }
    };

    it('answers with the result', () =>
      scene(async (run) => {
        assert.equal(value(await run('deposit', { to: 'An', amount: 5 })), 5);
        assert.equal(value(await run('deposit', { to: 'An', amount: 7 })), 12);
        assert.equal(value(await run('balance', { of: 'nobody' })), null);
      }));

    it('runs transactions in the order asked, and answers in that order', () =>
      scene(async (_run, harness) => {
        const balances: number[] = [];
        harness.inStep(() => {
          for (let i = 0; i < 100; i++) harness.database.run('deposit', { to: 'An', amount: 1 }, (result) => balances.push(value(result)));
        });
        await harness.until(() => balances.length === 100);
        assert.deepEqual(
          balances,
          Array.from({ length: 100 }, (_, i) => i + 1),
        );
      }));

    it('leaves nothing of a transaction that fails, and goes on', () =>
      scene(async (run) => {
        value(await run('deposit', { to: 'An', amount: 5 }));
        for (const code of ['full', 'io', 'corrupt', 'newer-schema'] as const) {
          const result = await run('failAfterWriting', { code });
          assert.deepEqual(result, { ok: false, error: { code, message: `It is ${code}.` } });
        }
        assert.equal(value(await run('deposit', { to: 'An', amount: 1 })), 6);
      }));

    it('says that it is full, and leaves nothing of that transaction', () =>
      scene(async (run) => {
        value(await run('deposit', { to: 'An', amount: 5 }));
        const result = await run('fillUp', { pagesMax: 50 });
        assert.equal(!result.ok && result.error.code, 'full');
        assert.equal(value(await run('balance', { of: 'filler 0' })), null);
        assert.equal(value(await run('deposit', { to: 'An', amount: 1 })), 6);
      }));

    it('copies what goes in and what comes out', () =>
      scene(async (run, harness) => {
        const bytes = new Uint8Array([1, 2, 3]);
        let back: Uint8Array | undefined;
        harness.inStep(() => {
          harness.database.run('blob', { bytes }, (result) => {
            back = value(result);
          });
          bytes.fill(9);
        });
        await harness.until(() => back !== undefined);
        assert.deepEqual([...(back as Uint8Array)], [1, 2, 3]);
        assert.notEqual(value(await run('blob', { bytes })), bytes);
      }));

    it('ends the process when a transaction is wrong, for its state is not to be trusted', () =>
      scene(async (_run, harness) => {
        const fault = await harness.faultOf(() => {
          harness.database.run('deposit', { to: 'An', amount: 1 }, () => {});
          harness.database.run('wrong', null, () => assert.fail('It was answered'));
        });
        assert.match(fault, /Transaction wrong is wrong: .*no such table/u);
      }));

    it('answers what was asked before it closes, and fails with io afterwards', () =>
      scene(async (run, harness) => {
        const events: string[] = [];
        harness.inStep(() => {
          harness.database.run('deposit', { to: 'An', amount: 1 }, (result) => events.push(`deposit ${result.ok}`));
          harness.database.close(() => events.push('closed'));
          harness.database.close(() => events.push('closed again'));
        });
        await harness.until(() => events.length === 3);
        assert.deepEqual(events, ['deposit true', 'closed', 'closed again']);
        const result = await run('balance', { of: 'An' });
        assert.equal(!result.ok && result.error.code, 'io');
      }));
  });
};
