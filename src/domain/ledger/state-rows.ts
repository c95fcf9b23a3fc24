import { DatabaseError, type SqlEngine, type SqlValue } from '../../ports/database.ts';
import { sha256 } from '../../protocol/digest.ts';
import { all, run } from './sql.ts';

interface StateTable {
  readonly name: string;
  /** The key's columns first. */
  readonly columns: readonly string[];
  readonly keys: number;
  /** Rows fetched at once: a limit on memory. */
  readonly pageRows: number;
}

/** The logical state, in the order in which a snapshot carries it: by their places here, so new tables go to the end. What follows from it (counts, search) is not here. */
const STATE_TABLES: readonly StateTable[] = [
  { name: 'accounts', columns: ['folded', 'name', 'password_hash', 'admin', 'disabled', 'created_ms'], keys: 1, pageRows: 500 },
  { name: 'sessions', columns: ['token_hash', 'folded', 'expires_ms', 'issued_seq'], keys: 1, pageRows: 500 },
  { name: 'invites', columns: ['code_hash', 'made_by', 'expires_ms', 'admin', 'used_by'], keys: 1, pageRows: 500 },
  {
    name: 'contents',
    columns: ['id', 'v1', 'v2', 'name', 'tags', 'size', 'files', 'piece_length', 'folded'],
    keys: 1,
    pageRows: 500,
  },
  { name: 'torrents', columns: ['id', 'bytes'], keys: 1, pageRows: 4 },
  { name: 'owners', columns: ['content', 'account', 'node'], keys: 3, pageRows: 500 },
  { name: 'clients', columns: ['client', 'used_seq', 'expired_n'], keys: 1, pageRows: 500 },
  { name: 'replies', columns: ['client', 'n', 'seq', 'epoch', 'body'], keys: 2, pageRows: 500 },
  {
    name: 'passkeys',
    columns: ['hash', 'folded', 'device', 'device_folded', 'created_ms', 'expires_ms', 'issued_seq'],
    keys: 1,
    pageRows: 500,
  },
  { name: 'tallies', columns: ['folded', 'content', 'uploaded', 'downloaded', 'completed', 'last_ms'], keys: 2, pageRows: 500 },
  {
    name: 'tally_sessions',
    columns: ['folded', 'content', 'source', 'uploaded', 'downloaded', 'completed', 'last_ms'],
    keys: 3,
    pageRows: 500,
  },
];

const TAG = { null: 0, number: 1, text: 2, blob: 3 } as const;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

const encodeValue = (value: SqlValue): Uint8Array => {
  if (value === null) return Uint8Array.of(TAG.null);
  if (typeof value === 'number' || typeof value === 'bigint') {
    const bytes = new Uint8Array(9);
    bytes[0] = TAG.number;
    new DataView(bytes.buffer).setFloat64(1, Number(value));
    return bytes;
  }
  const raw = typeof value === 'string' ? encoder.encode(value) : value;
  const bytes = new Uint8Array(5 + raw.length);
  bytes[0] = typeof value === 'string' ? TAG.text : TAG.blob;
  new DataView(bytes.buffer).setUint32(1, raw.length);
  bytes.set(raw, 5);
  return bytes;
};

/** Hands out the whole state as bytes, in key order: the number of a table, then a tagged value per column. */
export const writeState = (sql: SqlEngine, write: (bytes: Uint8Array) => void): void => {
  for (const [number, table] of STATE_TABLES.entries()) {
    const columns = table.columns.join(', ');
    const key = table.columns.slice(0, table.keys);
    const order = `ORDER BY ${key.join(', ')} LIMIT ${table.pageRows}`;
    const first = `SELECT ${columns} FROM ${table.name} ${order}`;
    const next = `SELECT ${columns} FROM ${table.name} WHERE (${key.join(', ')}) > (${key.map(() => '?').join(', ')}) ${order}`;
    for (let page = all(sql, first); page.length > 0;) {
      for (const row of page) {
        write(Uint8Array.of(number));
        for (const column of table.columns) write(encodeValue(row[column] ?? null));
      }
      const last = page.at(-1);
      if (page.length < table.pageRows || last === undefined) break;
      page = all(sql, next, ...key.map((column) => last[column] ?? null));
    }
  }
};

/** Deletes what `writeState` would hand out. */
export const clearState = (sql: SqlEngine): void => {
  for (const table of STATE_TABLES) run(sql, `DELETE FROM ${table.name}`);
};

/** Puts the rows of a written state, which comes in pieces cut anywhere, into cleared tables. */
export class StateReader {
  readonly #sql: SqlEngine;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(sql: SqlEngine) {
    this.#sql = sql;
  }

  push(bytes: Uint8Array): void {
    const joined = new Uint8Array(this.#rest.length + bytes.length);
    joined.set(this.#rest);
    joined.set(bytes, this.#rest.length);
    let at = 0;
    for (let end = this.#row(joined, at); end !== null; end = this.#row(joined, at)) at = end;
    this.#rest = joined.slice(at);
  }

  /** @throws DatabaseError `corrupt` when the last row is cut off. */
  end(): void {
    if (this.#rest.length > 0) throw new DatabaseError('corrupt', 'A snapshot ends in the middle of a row');
  }

  /** Reads and stores the row at `at`; where the next one begins, or null while this one is not all there. */
  #row(bytes: Uint8Array, at: number): number | null {
    const number = bytes[at];
    if (number === undefined) return null;
    const table = STATE_TABLES[number];
    if (table === undefined) throw new DatabaseError('corrupt', `A snapshot has a row of a table ${number}`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values: SqlValue[] = [];
    let cursor = at + 1;
    for (let column = 0; column < table.columns.length; column++) {
      const tag = bytes[cursor];
      if (tag === undefined) return null;
      const width = tag === TAG.null ? 0 : tag === TAG.number ? 8 : 4;
      if (cursor + 1 + width > bytes.length) return null;
      cursor += 1 + width;
      if (tag === TAG.null) values.push(null);
      else if (tag === TAG.number) values.push(view.getFloat64(cursor - 8));
      else {
        const length = view.getUint32(cursor - 4);
        if (cursor + length > bytes.length) return null;
        const raw = bytes.subarray(cursor, cursor + length);
        values.push(tag === TAG.text ? decoder.decode(raw) : raw);
        cursor += length;
      }
    }
    const places = table.columns.map(() => '?').join(', ');
    const owners = table.name === 'contents' ? [', owners', ', 0'] : ['', ''];
    run(this.#sql, `INSERT INTO ${table.name} (${table.columns.join(', ')}${owners[0]}) VALUES (${places}${owners[1]})`, ...values);
    return cursor;
  }
}

/** Cuts bytes into pieces of exactly `pieceBytes` (the last one may be shorter) and hands each out. */
export class Cutter {
  readonly #piece: Uint8Array;
  readonly #write: (piece: Uint8Array) => void;
  #used = 0;

  constructor(pieceBytes: number, write: (piece: Uint8Array) => void) {
    this.#piece = new Uint8Array(pieceBytes);
    this.#write = write;
  }

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const take = Math.min(bytes.length - at, this.#piece.length - this.#used);
      this.#piece.set(bytes.subarray(at, at + take), this.#used);
      this.#used += take;
      at += take;
      if (this.#used === this.#piece.length) this.#flush();
    }
  }

  /** Hands out the rest. */
  end(): void {
    if (this.#used > 0) this.#flush();
  }

  #flush(): void {
    this.#write(this.#piece.slice(0, this.#used));
    this.#used = 0;
  }
}

/** SHA-256(`before` || `bytes`): links a piece to the one before. */
export const linkDigest = (before: Uint8Array, bytes: Uint8Array): Uint8Array => {
  const joined = new Uint8Array(before.length + bytes.length);
  joined.set(before);
  joined.set(bytes, before.length);
  return sha256(joined);
};
