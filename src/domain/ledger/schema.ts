import { PASSKEY_GRACE_DAYS } from '../accounts/passkeys.ts';
import { DatabaseError, type SqlEngine } from '../../ports/database.ts';
import { int, one } from './sql.ts';

/** Raised with every change of the tables. A database with a higher one was written by a newer program. */
export const SCHEMA_VERSION = 2;

/**
 * Numbers that decide what an entry does. They are part of the replicated state machine: two replicas with different
 * ones would drift apart, so they are constants of a schema version and no configuration.
 */
export interface LedgerLimits {
  readonly accountsMax: number;
  readonly sessionsPerAccountMax: number;
  readonly invitesMax: number;
  readonly contentsMax: number;
  readonly ownersPerContentMax: number;
  readonly contentsPerNodeMax: number;
  readonly torrentBytesMax: number;
  readonly repliesPerClientMax: number;
  readonly clientsMax: number;
  /** Devices with a passkey. */
  readonly passkeysPerAccountMax: number;
  /** Passkeys of a device that were replaced and go on for a while. */
  readonly passkeysReplacedMax: number;
  readonly passkeyGraceMs: number;
  /** Contents of which an account's transfers are told apart; those of long ago are taken together. */
  readonly talliesPerAccountMax: number;
  /** Client sessions whose counters are remembered; while there are so many, new ones are not counted. */
  readonly tallySessionsMax: number;
  /** A session that has said nothing new for so long is forgotten. */
  readonly tallySessionKeptMs: number;
  /** The most bytes that a counter holds: a number that every part of the program can add to. */
  readonly tallyBytesMax: number;
}

export const LEDGER_LIMITS: LedgerLimits = {
  accountsMax: 1_000_000,
  sessionsPerAccountMax: 32,
  invitesMax: 10_000,
  contentsMax: 200_000,
  ownersPerContentMax: 10_000,
  contentsPerNodeMax: 10_000,
  torrentBytesMax: 8 * 1024 * 1024,
  repliesPerClientMax: 64,
  clientsMax: 20_000,
  passkeysPerAccountMax: 32,
  passkeysReplacedMax: 3,
  passkeyGraceMs: PASSKEY_GRACE_DAYS * 86_400_000,
  talliesPerAccountMax: 4_096,
  tallySessionsMax: 200_000,
  tallySessionKeptMs: 30 * 86_400_000,
  tallyBytesMax: 2 ** 52,
};

/**
 * `position` is one row: where the log begins (everything up to `base_seq` is in the state only) and how far it is
 * applied. `contents.doc` numbers rows of this database only: it is the key of the search index, and no part of the state.
 */
const FIRST_TABLES = `
CREATE TABLE position (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  base_seq INTEGER NOT NULL, base_epoch INTEGER NOT NULL, base_hash BLOB NOT NULL,
  applied_seq INTEGER NOT NULL
) STRICT;
INSERT INTO position VALUES (1, 0, 0, zeroblob(32), 0);
CREATE TABLE log (
  seq INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, hash BLOB NOT NULL,
  client TEXT, n INTEGER, payload BLOB NOT NULL, wall_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE accounts (
  folded TEXT PRIMARY KEY, name TEXT NOT NULL, password_hash TEXT NOT NULL,
  admin INTEGER NOT NULL, disabled INTEGER NOT NULL, created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE sessions (
  token_hash TEXT PRIMARY KEY, folded TEXT NOT NULL, expires_ms INTEGER NOT NULL, issued_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_of ON sessions (folded, issued_seq);
CREATE TABLE invites (
  code_hash TEXT PRIMARY KEY, made_by TEXT NOT NULL, expires_ms INTEGER NOT NULL, admin INTEGER NOT NULL, used_by TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE contents (
  doc INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, v1 TEXT, v2 TEXT, name TEXT NOT NULL, tags TEXT NOT NULL,
  size INTEGER NOT NULL, files INTEGER NOT NULL, piece_length INTEGER NOT NULL, folded TEXT NOT NULL, owners INTEGER NOT NULL
) STRICT;
CREATE INDEX contents_ranked ON contents (owners DESC, folded, id);
CREATE INDEX contents_by_v1 ON contents (v1);
CREATE TABLE torrents (id TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
CREATE TABLE owners (content TEXT NOT NULL, account TEXT NOT NULL, node TEXT NOT NULL, PRIMARY KEY (content, account, node)) STRICT, WITHOUT ROWID;
CREATE INDEX owners_by_node ON owners (node, content);
CREATE TABLE clients (client TEXT PRIMARY KEY, used_seq INTEGER NOT NULL, expired_n INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX clients_by_use ON clients (used_seq);
CREATE TABLE replies (
  client TEXT NOT NULL, n INTEGER NOT NULL, seq INTEGER NOT NULL, epoch INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (client, n)
) STRICT, WITHOUT ROWID;
CREATE TABLE counts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO counts VALUES ('accounts', 0), ('invites', 0), ('contents', 0), ('clients', 0);
CREATE VIRTUAL TABLE words USING fts5(folded, content='', contentless_delete=1, prefix='2 3', tokenize='unicode61 remove_diacritics 0');
`;

/** Passkeys, and what accounts have transferred. */
const SECOND_TABLES = `
CREATE TABLE passkeys (
  hash TEXT PRIMARY KEY, folded TEXT NOT NULL, device TEXT NOT NULL, device_folded TEXT NOT NULL,
  created_ms INTEGER NOT NULL, expires_ms INTEGER, issued_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX passkeys_of ON passkeys (folded, device_folded, issued_seq);
CREATE TABLE tallies (
  folded TEXT NOT NULL, content TEXT NOT NULL, uploaded INTEGER NOT NULL, downloaded INTEGER NOT NULL,
  completed INTEGER NOT NULL, last_ms INTEGER NOT NULL, PRIMARY KEY (folded, content)
) STRICT, WITHOUT ROWID;
CREATE INDEX tallies_completed ON tallies (content) WHERE completed > 0;
CREATE TABLE tally_sessions (
  folded TEXT NOT NULL, content TEXT NOT NULL, source TEXT NOT NULL, uploaded INTEGER NOT NULL, downloaded INTEGER NOT NULL,
  completed INTEGER NOT NULL, last_ms INTEGER NOT NULL, PRIMARY KEY (folded, content, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX tally_sessions_by_age ON tally_sessions (last_ms);
INSERT INTO counts VALUES ('tally_sessions', 0);
`;

/** What each version added to the one before. A step that a released program has taken is never changed. */
const STEPS: readonly string[] = [FIRST_TABLES, SECOND_TABLES];

/**
 * Makes the tables where there are none, and brings those of an older program up to now; what is in them stays.
 * @throws DatabaseError `newer-schema` for a database of a newer program, which is not touched.
 */
export const openSchema = (sql: SqlEngine): void => {
  const version = int(one(sql, 'PRAGMA user_version') ?? { user_version: null }, 'user_version');
  if (version > SCHEMA_VERSION)
    throw new DatabaseError(
      'newer-schema',
      `The database has schema ${version}, this program knows ${SCHEMA_VERSION}: start it with a newer version of Shoal`,
    );
  for (const step of STEPS.slice(version)) sql.exec(step);
  if (version < SCHEMA_VERSION) sql.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
};
