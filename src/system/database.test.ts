import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { DatabaseFailure } from '../ports/database.ts';
import { type BankTransactions, databaseContract } from '../ports/database.contract.ts';
import { ask } from '../ports/harness.contract.ts';
import type { Result } from '../protocol/result.ts';
import { createDatabase } from './database.ts';
import { systemHarness } from './harness.contract.ts';
import { moduleUrl } from './source-url.ts';

const transactionsUrl = moduleUrl('../ports/database.contract', import.meta.url);

const open = (path: string, requestsMax?: number) => {
  const harness = systemHarness(async () => {
    // A process that has failed is answered nothing any more.
    if (harness.reactor.failed !== null) database.close(() => {});
    else await ask<null>(harness, (done) => database.close(() => done(null)));
  });
  const options = { path, transactionsUrl, transactionsExport: 'bankTransactions', ...(requestsMax !== undefined && { requestsMax }) };
  const database = createDatabase<BankTransactions>(harness.reactor, options);
  return { ...harness, database };
};

const inFolder = async (body: (folder: string) => Promise<void>): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-database-'));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

databaseContract('system', () => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-database-'));
  const opened = open(join(folder, 'bank.db'));
  return { ...opened, close: () => opened.close().then(() => rmSync(folder, { recursive: true, force: true })) };
});

type Answer<T> = Result<T, DatabaseFailure>;

describe('system database', () => {
  it('keeps what was committed when it is opened again', () =>
    inFolder(async (folder) => {
      const first = open(join(folder, 'bank.db'));
      await ask<Answer<null>>(first, (done) => first.database.run('open', null, done));
      await ask<Answer<number>>(first, (done) => first.database.run('deposit', { to: 'An', amount: 3 }, done));
      await first.close();
      const second = open(join(folder, 'bank.db'));
      const balance = await ask<Answer<number | null>>(second, (done) => second.database.run('balance', { of: 'An' }, done));
      assert.deepEqual(balance, { ok: true, value: 3 });
      await second.close();
    }));

  it('fails clearly where another process has the file, and not any more once that was killed', { timeout: 30_000 }, () =>
    inFolder(async (folder) => {
      const path = join(folder, 'bank.db');
      const other = spawn(process.execPath, ['-e', holdDatabase, path], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(other.stdout, 'data');
      const refused = open(path);
      const result = await ask<Answer<null>>(refused, (done) => refused.database.run('open', null, done));
      assert.equal(!result.ok && result.error.code, 'io');
      assert.match(result.ok ? '' : result.error.message, /another process is using it/u);
      await refused.close();
      other.kill('SIGKILL');
      await once(other, 'exit');
      const taken = open(path);
      assert.ok((await ask<Answer<null>>(taken, (done) => taken.database.run('open', null, done))).ok);
      await taken.close();
    }),
  );

  it('keeps other processes out of its file', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'bank.db');
      const opened = open(path);
      await ask<Answer<null>>(opened, (done) => opened.database.run('open', null, done));
      const said = execFileSync(process.execPath, ['-e', readDatabase, path], { encoding: 'utf8' });
      assert.equal(said.trim(), 'database is locked');
      await opened.close();
      assert.equal(execFileSync(process.execPath, ['-e', readDatabase, path], { encoding: 'utf8' }).trim(), 'read');
    }));

  it('says that a file is no database', () =>
    inFolder(async (folder) => {
      writeFileSync(join(folder, 'bank.db'), 'This is not a database. '.repeat(100));
      const opened = open(join(folder, 'bank.db'));
      const result = await ask<Answer<null>>(opened, (done) => opened.database.run('open', null, done));
      assert.equal(!result.ok && result.error.code, 'corrupt');
      await opened.close();
    }));

  it('says that its folder is missing', () =>
    inFolder(async (folder) => {
      const opened = open(join(folder, 'none', 'bank.db'));
      const result = await ask<Answer<null>>(opened, (done) => opened.database.run('open', null, done));
      assert.equal(!result.ok && result.error.code, 'io');
      await opened.close();
    }));

  it('refuses requests beyond its limit', () =>
    inFolder(async (folder) => {
      const opened = open(join(folder, 'bank.db'), 2);
      const codes: string[] = [];
      opened.inStep(() => {
        for (let i = 0; i < 4; i++) opened.database.run('open', null, (result) => codes.push(result.ok ? 'ok' : result.error.code));
      });
      await opened.until(() => codes.length === 4);
      assert.deepEqual(codes.toSorted(), ['io', 'io', 'ok', 'ok']);
      await opened.close();
    }));
});

const readDatabase = `
  const { DatabaseSync } = require('node:sqlite');
  try {
    new DatabaseSync(process.argv[1], { timeout: 0 }).prepare('SELECT * FROM account').all();
    console.log('read');
  } catch (error) {
    console.log(error.message);
  }
`;

const holdDatabase = `
  const { DatabaseSync } = require('node:sqlite');
  const sql = new DatabaseSync(process.argv[1]);
  sql.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; BEGIN IMMEDIATE; CREATE TABLE other (x); COMMIT');
  console.log('held');
  setInterval(() => {}, 1000);
`;
