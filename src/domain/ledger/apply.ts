import { DatabaseError, type SqlEngine } from '../../ports/database.ts';
import type { ErrorCode, ReplyBody } from '../../protocol/control/messages.ts';
import type { LogEntry } from '../replication/types.ts';
import { addToCount, count } from './counts.ts';
import { putOwner, removeOwner } from './apply-catalog.ts';
import { issuePasskey, revokePasskey } from './apply-passkeys.ts';
import { countTransfers } from './apply-tally.ts';
import { decodeChange } from './change.ts';
import { appliedSeq, entryAt, lastPosition, setApplied } from './log.ts';
import { storedReply, storeReply } from './replies.ts';
import type { LedgerLimits } from './schema.ts';
import { int, one, type Row, run, text } from './sql.ts';
import type { Applied, Change, StoredReply } from './types.ts';

type Of<K extends Change['kind']> = Extract<Change, { kind: K }>;

const done = (value: object = {}): ReplyBody => ({ ok: true, value });
const refused = (code: ErrorCode, message: string): ReplyBody => ({ ok: false, code, message });

const accountRow = (sql: SqlEngine, folded: string): Row | null => one(sql, 'SELECT * FROM accounts WHERE folded = ?', folded);
const noAccount = (): ReplyBody => refused('not-found', 'There is no such account');

const createAccount = (sql: SqlEngine, limits: LedgerLimits, change: Of<'account.create'>, wallMs: number): ReplyBody => {
  if (accountRow(sql, change.folded) !== null) return refused('name-taken', `The name ${change.name} is taken`);
  if (count(sql, 'accounts') >= limits.accountsMax) return refused('too-large', 'The network has as many accounts as it can hold');
  let admin = change.admin;
  if (change.inviteHash !== null) {
    const invite = one(
      sql,
      'SELECT admin FROM invites WHERE code_hash = ? AND used_by IS NULL AND expires_ms > ?',
      change.inviteHash,
      wallMs,
    );
    if (invite === null) return refused('invite-invalid', 'The code is wrong, used or expired');
    admin = int(invite, 'admin') === 1;
    run(sql, 'UPDATE invites SET used_by = ? WHERE code_hash = ?', change.folded, change.inviteHash);
  }
  run(
    sql,
    'INSERT INTO accounts (folded, name, password_hash, admin, disabled, created_ms) VALUES (?, ?, ?, ?, 0, ?)',
    change.folded,
    change.name,
    change.passwordHash,
    admin ? 1 : 0,
    wallMs,
  );
  addToCount(sql, 'accounts', 1);
  return done({ account: change.name, admin });
};

const changedMeanwhile = (then: string): ReplyBody => refused('password-changed', `The password was changed just now: ${then}`);

const changePassword = (sql: SqlEngine, change: Of<'account.password'>): ReplyBody => {
  const account = accountRow(sql, change.folded);
  if (account === null) return noAccount();
  if (change.verified !== null && text(account, 'password_hash') !== change.verified) return changedMeanwhile('change it again');
  run(sql, 'UPDATE accounts SET password_hash = ? WHERE folded = ?', change.passwordHash, change.folded);
  run(sql, 'DELETE FROM sessions WHERE folded = ? AND token_hash <> ?', change.folded, change.keepSession ?? '');
  return done();
};

const rehash = (sql: SqlEngine, change: Of<'account.rehash'>): ReplyBody => {
  run(
    sql,
    'UPDATE accounts SET password_hash = ? WHERE folded = ? AND password_hash = ?',
    change.passwordHash,
    change.folded,
    change.replaces,
  );
  return done();
};

const disable = (sql: SqlEngine, change: Of<'account.disable'>): ReplyBody => {
  if (run(sql, 'UPDATE accounts SET disabled = ? WHERE folded = ?', change.disabled ? 1 : 0, change.folded) === 0) return noAccount();
  if (change.disabled) run(sql, 'DELETE FROM sessions WHERE folded = ?', change.folded);
  return done();
};

const issueSession = (sql: SqlEngine, limits: LedgerLimits, change: Of<'session.issue'>, entry: LogEntry): ReplyBody => {
  const account = accountRow(sql, change.folded);
  if (account === null) return noAccount();
  if (int(account, 'disabled') === 1) return refused('disabled', 'The account is disabled');
  if (text(account, 'password_hash') !== change.verified) return changedMeanwhile('log in again');
  run(sql, 'DELETE FROM sessions WHERE folded = ? AND expires_ms <= ?', change.folded, entry.wallMs);
  run(sql, 'INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?)', change.tokenHash, change.folded, change.expiresMs, entry.seq);
  run(
    sql,
    `DELETE FROM sessions WHERE token_hash IN
       (SELECT token_hash FROM sessions WHERE folded = ? ORDER BY issued_seq DESC LIMIT -1 OFFSET ?)`,
    change.folded,
    limits.sessionsPerAccountMax,
  );
  return done({ account: text(account, 'name'), admin: int(account, 'admin') === 1, expiresMs: change.expiresMs });
};

const createInvite = (sql: SqlEngine, limits: LedgerLimits, change: Of<'invite.create'>, wallMs: number): ReplyBody => {
  if (one(sql, 'SELECT 1 FROM invites WHERE code_hash = ?', change.codeHash) !== null) return done({ expiresMs: change.expiresMs });
  addToCount(sql, 'invites', -run(sql, 'DELETE FROM invites WHERE expires_ms <= ?', wallMs));
  if (count(sql, 'invites') >= limits.invitesMax) return refused('too-large', 'There are too many invites that have not expired');
  run(
    sql,
    'INSERT INTO invites (code_hash, made_by, expires_ms, admin, used_by) VALUES (?, ?, ?, ?, NULL)',
    change.codeHash,
    change.by,
    change.expiresMs,
    change.admin ? 1 : 0,
  );
  addToCount(sql, 'invites', 1);
  return done({ expiresMs: change.expiresMs });
};

/** What one change does to accounts and catalog: a function of the tables, the change and the entry's stamp. */
const applyChange = (sql: SqlEngine, limits: LedgerLimits, entry: LogEntry, change: Change, tail: Uint8Array): ReplyBody => {
  switch (change.kind) {
    case 'account.create':
      return createAccount(sql, limits, change, entry.wallMs);
    case 'account.password':
      return changePassword(sql, change);
    case 'account.rehash':
      return rehash(sql, change);
    case 'account.disable':
      return disable(sql, change);
    case 'session.issue':
      return issueSession(sql, limits, change, entry);
    case 'session.revoke':
      run(sql, 'DELETE FROM sessions WHERE token_hash = ?', change.tokenHash);
      return done();
    case 'invite.create':
      return createInvite(sql, limits, change, entry.wallMs);
    case 'own.put':
      return putOwner(sql, limits, change, tail);
    case 'own.remove':
      return removeOwner(sql, change);
    case 'passkey.issue':
      return issuePasskey(sql, limits, change, entry);
    case 'passkey.revoke':
      return revokePasskey(sql, change);
    case 'tally':
      return countTransfers(sql, limits, change, entry.wallMs);
  }
};

const EXPIRED = refused('indeterminate', 'The request is too old: whether it was done before can no longer be said');

/** The account whose passkeys may mean something else after this change. */
const keysChangedBy = (change: Change): string | null =>
  change.kind === 'passkey.issue' || change.kind === 'passkey.revoke' || change.kind === 'account.disable' ? change.folded : null;

/**
 * Applies one entry. A request id that was applied before changes nothing and has the reply that it had. Into `keysOf` goes
 * the account whose passkeys it may have changed.
 */
const applyEntry = (sql: SqlEngine, limits: LedgerLimits, entry: LogEntry, keysOf: Set<string>): StoredReply | null => {
  if (entry.requestId !== null) {
    const before = storedReply(sql, entry.requestId);
    if (before !== null && 'expired' in before) return { requestId: entry.requestId, seq: entry.seq, epoch: entry.epoch, body: EXPIRED };
    if (before !== null) return before;
  }
  if (entry.payload.length === 0) return null;
  const decoded = decodeChange(entry.payload);
  if (!decoded.ok) throw new DatabaseError('corrupt', `Entry ${entry.seq} cannot be applied: ${decoded.error.message}`);
  const { change, tail } = decoded.value;
  const body = applyChange(sql, limits, entry, change, tail);
  const folded = keysChangedBy(change);
  if (folded !== null) keysOf.add(folded);
  if (entry.requestId === null) return null;
  const reply = { requestId: entry.requestId, seq: entry.seq, epoch: entry.epoch, body };
  storeReply(sql, limits, reply);
  return reply;
};

/** Applies what is committed and not yet applied, in this transaction, and says what there is to answer. */
export const applyThrough = (sql: SqlEngine, limits: LedgerLimits, commitSeq: number): Applied => {
  const from = appliedSeq(sql);
  const through = Math.min(commitSeq, lastPosition(sql).seq);
  const replies: StoredReply[] = [];
  const keysOf = new Set<string>();
  for (let seq = from + 1; seq <= through; seq++) {
    const reply = applyEntry(sql, limits, entryAt(sql, seq), keysOf);
    if (reply !== null) replies.push(reply);
  }
  if (through > from) setApplied(sql, through);
  return { appliedSeq: Math.max(from, through), replies, ...(keysOf.size > 0 ? { keysOf: [...keysOf] } : {}) };
};
