/** The tables as the first version of the program made them: what its databases hold, whatever becomes of `schema.ts`. */
export const VERSION_1 = `
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
PRAGMA user_version = 1;
`;
