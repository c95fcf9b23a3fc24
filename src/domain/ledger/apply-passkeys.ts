import type { SqlEngine } from '../../ports/database.ts';
import type { ErrorCode, ReplyBody } from '../../protocol/control/messages.ts';
import type { LogEntry } from '../replication/types.ts';
import { passkeyIdOf } from '../accounts/passkeys.ts';
import type { LedgerLimits } from './schema.ts';
import { all, int, one, run, text } from './sql.ts';
import type { Change } from './types.ts';

type Of<K extends Change['kind']> = Extract<Change, { kind: K }>;

const refused = (code: ErrorCode, message: string): ReplyBody => ({ ok: false, code, message });

/** A device has one passkey; the one that it had goes on until the grace period is over, and of those only the last few. */
export const issuePasskey = (sql: SqlEngine, limits: LedgerLimits, change: Of<'passkey.issue'>, entry: LogEntry): ReplyBody => {
  const { folded, device, deviceFolded, passkeyHash } = change;
  const account = one(sql, 'SELECT disabled FROM accounts WHERE folded = ?', folded);
  if (account === null) return refused('not-found', 'There is no such account');
  if (int(account, 'disabled') === 1) return refused('disabled', 'The account is disabled');
  run(sql, 'DELETE FROM passkeys WHERE folded = ? AND expires_ms <= ?', folded, entry.wallMs);
  const devices = one(
    sql,
    'SELECT count(*) AS n FROM passkeys WHERE folded = ? AND expires_ms IS NULL AND device_folded <> ?',
    folded,
    deviceFolded,
  );
  if (int(devices ?? {}, 'n') >= limits.passkeysPerAccountMax)
    return refused(
      'too-large',
      `An account may have passkeys for ${limits.passkeysPerAccountMax} devices: revoke one that is not used any more`,
    );
  const until = entry.wallMs + limits.passkeyGraceMs;
  const replaced = run(
    sql,
    'UPDATE passkeys SET expires_ms = ? WHERE folded = ? AND device_folded = ? AND expires_ms IS NULL',
    until,
    folded,
    deviceFolded,
  );
  run(
    sql,
    'INSERT OR REPLACE INTO passkeys VALUES (?, ?, ?, ?, ?, NULL, ?)',
    passkeyHash,
    folded,
    device,
    deviceFolded,
    entry.wallMs,
    entry.seq,
  );
  run(
    sql,
    `DELETE FROM passkeys WHERE hash IN
       (SELECT hash FROM passkeys WHERE folded = ? AND device_folded = ? AND expires_ms IS NOT NULL
        ORDER BY issued_seq DESC, hash LIMIT -1 OFFSET ?)`,
    folded,
    deviceFolded,
    limits.passkeysReplacedMax,
  );
  return { ok: true, value: { id: passkeyIdOf(passkeyHash), device, replacedUntilMs: replaced > 0 ? until : null } };
};

/** A device's name counts before an id; all of a device's passkeys end, those in their grace period too. */
export const revokePasskey = (sql: SqlEngine, { folded, deviceFolded, id }: Of<'passkey.revoke'>): ReplyBody => {
  const ofDevice = all(
    sql,
    'SELECT hash, device FROM passkeys WHERE folded = ? AND device_folded = ? ORDER BY issued_seq DESC',
    folded,
    deviceFolded,
  );
  const found = ofDevice.length > 0 ? ofDevice : ofId(sql, folded, id);
  const [newest] = found;
  if (newest === undefined) return refused('not-found', 'The account has no passkey for such a device, and none of such an id');
  for (const row of found) run(sql, 'DELETE FROM passkeys WHERE hash = ?', text(row, 'hash'));
  return { ok: true, value: { device: text(newest, 'device'), revoked: found.length } };
};

const ofId = (sql: SqlEngine, folded: string, id: string) =>
  id === '' ? [] : all(sql, 'SELECT hash, device FROM passkeys WHERE hash >= ? AND hash < ? AND folded = ?', id, `${id}g`, folded);
