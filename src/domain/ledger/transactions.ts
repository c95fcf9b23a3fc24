import type { SqlEngine, Transactions } from '../../ports/database.ts';
import { applyThrough } from './apply.ts';
import { appendEntries, compactLog, logState, positionAt, readEntries, truncateAfter } from './log.ts';
import {
  ownedBy,
  readAccount,
  readAccounts,
  readContent,
  readContentsFrom,
  readInvite,
  readSession,
  readTorrent,
  search,
} from './queries.ts';
import { readPasskey, readPasskeys } from './passkey-queries.ts';
import { readCompletions, readTallies, readTallySessions } from './tally-queries.ts';
import { storedReply } from './replies.ts';
import { LEDGER_LIMITS, type LedgerLimits, openSchema } from './schema.ts';
import { readSnapshot, writeSnapshot } from './snapshot.ts';
import type { LedgerTransactions } from './types.ts';

/** The ledger's transactions with limits of one's own; for tests, as replicas must agree on them. */
export const ledgerTransactionsWith = (limits: LedgerLimits): Transactions<LedgerTransactions> => {
  const append = (sql: SqlEngine, { entries, commitSeq }: LedgerTransactions['append']['args']): LedgerTransactions['append']['result'] => {
    const last = appendEntries(sql, entries);
    return { last, ...applyThrough(sql, limits, commitSeq) };
  };
  return {
    open: (sql) => {
      openSchema(sql);
      return logState(sql);
    },
    append,
    apply: (sql, { commitSeq }) => applyThrough(sql, limits, commitSeq),
    truncateAndAppend: (sql, { afterSeq, entries, commitSeq }) => {
      truncateAfter(sql, afterSeq);
      return append(sql, { entries, commitSeq });
    },
    position: (sql, { seq }) => positionAt(sql, seq),
    read: (sql, { fromSeq, bytesMax }) => readEntries(sql, fromSeq, bytesMax),
    snapshotRead: (sql, { seq, index, bytesMax }) => readSnapshot(sql, seq, index, bytesMax),
    snapshotWrite: (sql, { chunk, overrides }) => writeSnapshot(sql, chunk, overrides ?? false),
    compact: (sql, { throughSeq }) => compactLog(sql, throughSeq),
    reply: (sql, { requestId }) => storedReply(sql, requestId),
    account: (sql, { folded }) => readAccount(sql, folded),
    accounts: (sql, { after, limit }) => readAccounts(sql, after, limit),
    session: (sql, { tokenHash }) => readSession(sql, tokenHash),
    invite: (sql, { codeHash, nowMs }) => readInvite(sql, codeHash, nowMs),
    passkey: (sql, { hash }) => readPasskey(sql, hash),
    passkeys: (sql, { folded }) => readPasskeys(sql, folded),
    tallySessions: (sql, { after, limit }) => readTallySessions(sql, after, limit),
    completions: (sql, asked) => readCompletions(sql, asked),
    tallies: (sql, { folded, offset, limit }) => readTallies(sql, folded, offset, limit),
    search: (sql, { foldedWords, offset, limit }) => search(sql, foldedWords, offset, limit),
    content: (sql, { id }) => readContent(sql, id),
    contentsFrom: (sql, { prefix, limit }) => readContentsFrom(sql, prefix, limit),
    torrent: (sql, { id }) => readTorrent(sql, id),
    ownedBy: (sql, { node }) => ownedBy(sql, node),
  };
};

/** All the ledger does, against an SQL engine; the database port makes each call one synced transaction. */
export const ledgerTransactions: Transactions<LedgerTransactions> = ledgerTransactionsWith(LEDGER_LIMITS);
