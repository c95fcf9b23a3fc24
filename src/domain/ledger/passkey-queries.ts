import type { SqlEngine } from '../../ports/database.ts';
import { passkeyIdOf } from '../accounts/passkeys.ts';
import { all, int, one, type Row, text } from './sql.ts';
import type { PasskeyHolderRow, PasskeyRow } from './types.ts';

const passkeyOf = (row: Row): PasskeyRow => ({
  id: passkeyIdOf(text(row, 'hash')),
  device: text(row, 'device'),
  createdMs: int(row, 'created_ms'),
  expiresMs: row['expires_ms'] === null ? null : int(row, 'expires_ms'),
});

/** Whom a passkey stands for; whether its grace period is over, or the account disabled, the asker looks at. */
export const readPasskey = (sql: SqlEngine, hash: string): PasskeyHolderRow | null => {
  const row = one(sql, 'SELECT p.*, a.name, a.disabled FROM passkeys p JOIN accounts a ON a.folded = p.folded WHERE p.hash = ?', hash);
  if (row === null) return null;
  return { ...passkeyOf(row), account: text(row, 'name'), folded: text(row, 'folded'), disabled: int(row, 'disabled') === 1 };
};

/** The ledger's limits bound how many there are. */
export const readPasskeys = (sql: SqlEngine, folded: string): PasskeyRow[] =>
  all(sql, 'SELECT * FROM passkeys WHERE folded = ? ORDER BY device_folded, expires_ms IS NOT NULL, issued_seq DESC', folded).map(
    passkeyOf,
  );
