/** Databases of older programs: opened by this one they keep everything, and can do what is new. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { openSqlFile, openSqlMemory, type SqlSession } from '../../system/sql-session.ts';
import { firstDrafts } from './changes.test-kit.ts';
import { chain, type Draft, ownPut, TestLedger } from './ledger.test-kit.ts';
import { SCHEMA_VERSION } from './schema.ts';
import { ledgerTransactions } from './transactions.ts';
import type { LedgerTransactions } from './types.ts';
import { VERSION_1 } from './version-1.test-kit.ts';

const ALL = Number.MAX_SAFE_INTEGER;

const run = <K extends keyof LedgerTransactions & string>(
  session: SqlSession,
  name: K,
  args: LedgerTransactions[K]['args'],
): LedgerTransactions[K]['result'] => {
  const result = session.run(ledgerTransactions, name, args);
  assert.ok(result.ok, result.ok ? '' : result.error.message);
  return result.value;
};

/** A database as the older program leaves it: these entries, all of them applied or the last few not yet. */
const older = (session: SqlSession, drafts: readonly Draft[], unapplied: number): void => {
  session.exec(VERSION_1);
  const entries = chain(drafts);
  run(session, 'append', { entries, commitSeq: entries.length - unapplied });
};

const versionOf = (session: SqlSession): unknown => session.prepare('PRAGMA user_version').get()?.['user_version'];

test('whatever a database of version 1 holds, it is as one that was version 2 from the beginning', () => {
  fc.assert(
    fc.property(firstDrafts, fc.nat(5), (drafts, lag) => {
      const old = new TestLedger(ledgerTransactions, openSqlMemory('old'), (session) =>
        older(session, drafts, Math.min(lag, drafts.length)),
      );
      assert.equal(versionOf(old.sql), SCHEMA_VERSION);
      old.run('apply', { commitSeq: ALL });
      const fresh = new TestLedger();
      fresh.append(chain(drafts));
      assert.equal(old.digest(), fresh.digest());
      for (const foldedWords of [[], ['ha'], ['ubuntu', '24']])
        assert.deepEqual(
          old.run('search', { foldedWords, offset: 0, limit: 10 }),
          fresh.run('search', { foldedWords, offset: 0, limit: 10 }),
        );
    }),
    { numRuns: 40 },
  );
});

test('a file of version 1 is opened, kept, given passkeys and tallies, and is a file of version 2 from then on', () => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-ledger-'));
  const open = (): SqlSession => {
    const opened = openSqlFile(join(folder, 'ledger.sqlite'));
    assert.ok(opened.ok, opened.ok ? '' : opened.error.message);
    return opened.value;
  };
  try {
    const first = open();
    const account = { kind: 'account.create', name: 'An', folded: 'an', passwordHash: 'phc', admin: true, inviteHash: null } as const;
    const session = { kind: 'session.issue', folded: 'an', verified: 'phc', tokenHash: 't', expiresMs: 9_000 } as const;
    const own = ownPut('Hà Nội', 'An', 'n1');
    older(first, [{ change: account }, { change: session }, { change: own, tail: new Uint8Array([1, 2, 3]) }], 0);
    first.close();

    const second = open();
    assert.deepEqual(run(second, 'open', {}).appliedSeq, 3);
    assert.equal(run(second, 'session', { tokenHash: 't' })?.account, 'An');
    assert.deepEqual(run(second, 'torrent', { id: own.content.id }), new Uint8Array([1, 2, 3]));
    const { last } = run(second, 'open', {});
    const row = { folded: 'an', content: own.content.id, source: 's', shared: false, uploadedBytes: 7, downloadedBytes: 0, restart: null };
    const later: Draft[] = [
      { change: { kind: 'passkey.issue', folded: 'an', device: 'Laptop', deviceFolded: 'laptop', passkeyHash: 'aa' } },
      { change: { kind: 'tally', rows: [{ ...row, completed: false, lastMs: 1 }] } },
    ];
    run(second, 'append', { entries: chain(later, last), commitSeq: ALL });
    second.close();

    const third = open();
    run(third, 'open', {});
    assert.equal(versionOf(third), SCHEMA_VERSION);
    assert.equal(run(third, 'passkey', { hash: 'aa' })?.device, 'Laptop');
    assert.equal(run(third, 'tallies', { folded: 'an', offset: 0, limit: 10 }).uploadedBytes, 7);
    assert.equal(run(third, 'account', { folded: 'an' })?.admin, true);
    third.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
