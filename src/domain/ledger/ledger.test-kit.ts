/** A ledger in memory, and the means to write its log, for tests. */
import { openSqlMemory, type SqlSession } from '../../system/sql-session.ts';
import type { SqlEngine, Transactions } from '../../ports/database.ts';
import type { ContentSummary, ReplyBody } from '../../protocol/control/messages.ts';
import { sha256, toHex } from '../../protocol/digest.ts';
import type { Result } from '../../protocol/result.ts';
import type { DatabaseFailure } from '../../ports/database.ts';
import { EMPTY_LOG, type LogEntry, type LogPosition, type RequestId } from '../replication/types.ts';
import { foldContent } from '../catalog/fold.ts';
import { encodeChange } from './change.ts';
import { appliedSeq, chainHash, positionAt } from './log.ts';
import { Cutter, linkDigest, writeState } from './state-rows.ts';
import { ledgerTransactions } from './transactions.ts';
import type { Change, LedgerTransactions } from './types.ts';

/** A digest of the whole applied state and its position in the log; hex. Replicas that applied the same have the same. */
export const stateDigest = (sql: SqlEngine): string => {
  const position = positionAt(sql, appliedSeq(sql));
  let digest = sha256(JSON.stringify([position?.seq, position?.epoch, position === null ? '' : toHex(position.hash)]));
  const cutter = new Cutter(1 << 20, (piece) => (digest = linkDigest(digest, piece)));
  writeState(sql, (bytes) => cutter.push(bytes));
  cutter.end();
  return toHex(digest);
};

/** What entry is to be made of. */
export interface Draft {
  readonly change: Change | null;
  readonly tail?: Uint8Array;
  readonly requestId?: RequestId | null;
  readonly wallMs?: number;
  readonly epoch?: number;
}

/** Drafts as entries that follow `after`. */
export const chain = (drafts: readonly Draft[], after: LogPosition = EMPTY_LOG): LogEntry[] => {
  let last = after;
  return drafts.map(({ change, tail, requestId = null, wallMs = 1_000, epoch = 1 }) => {
    const payload = change === null ? new Uint8Array(0) : encodeChange(change, tail);
    const entry = { seq: last.seq + 1, epoch, hash: chainHash(last.hash, payload), requestId, payload, wallMs };
    last = entry;
    return entry;
  });
};

export const clientId = (n: number): string => n.toString(16).padStart(32, '0');

export const contentOf = (name: string, tags: readonly string[] = []): ContentSummary => {
  const id = toHex(sha256(name));
  return { id, v1: id.slice(0, 40), v2: id, name, tags, size: 1_000, files: 1, pieceLength: 16_384 };
};

export const ownPut = (
  name: string,
  account: string,
  node: string,
  tags: readonly string[] = [],
): Extract<Change, { kind: 'own.put' }> => ({
  kind: 'own.put',
  content: contentOf(name, tags),
  foldedText: foldContent(name, tags),
  account,
  node,
  hasTorrent: true,
});

export class TestLedger {
  readonly sql: SqlSession;
  readonly #transactions: Transactions<LedgerTransactions>;
  #requests = 0;

  /** `before`: fills the database before it is opened. */
  constructor(
    transactions: Transactions<LedgerTransactions> = ledgerTransactions,
    sql: SqlSession = openSqlMemory('test'),
    before: (sql: SqlSession) => void = () => {},
  ) {
    this.sql = sql;
    this.#transactions = transactions;
    before(sql);
    this.run('open', {});
  }

  try<K extends keyof LedgerTransactions & string>(
    name: K,
    args: LedgerTransactions[K]['args'],
  ): Result<LedgerTransactions[K]['result'], DatabaseFailure> {
    return this.sql.run(this.#transactions, name, args);
  }

  run<K extends keyof LedgerTransactions & string>(name: K, args: LedgerTransactions[K]['args']): LedgerTransactions[K]['result'] {
    const result = this.try(name, args);
    if (result.ok) return result.value;
    throw new Error(`${name}: ${result.error.code}: ${result.error.message}`);
  }

  /** Appends entries and applies all of them. */
  append(entries: readonly LogEntry[]): LedgerTransactions['append']['result'] {
    return this.run('append', { entries, commitSeq: Number.MAX_SAFE_INTEGER });
  }

  /** Makes one change, under a request id of its own; what apply answered. */
  change(change: Change, options: Omit<Draft, 'change'> = {}): ReplyBody {
    const requestId = options.requestId ?? { client: clientId(0), n: ++this.#requests };
    const { last } = this.run('open', {});
    const { replies } = this.append(chain([{ ...options, change, requestId }], last));
    const body = replies[0]?.body;
    if (body === undefined) throw new Error('No reply');
    return body;
  }

  /** Applies one change; what the transaction says of it. */
  applied(change: Change, wallMs = 1_000): LedgerTransactions['append']['result'] {
    const { last } = this.run('open', {});
    return this.append(chain([{ change, wallMs }], last));
  }

  /** The applied state and its position. */
  digest(): string {
    return stateDigest(this.sql);
  }

  /** The applied state without its position in the log. */
  rowsDigest(): string {
    const parts: Uint8Array[] = [];
    writeState(this.sql, (bytes) => parts.push(bytes.slice()));
    return toHex(sha256(Buffer.concat(parts)));
  }

  /** Every chunk of a snapshot of the state as it is. */
  snapshot(bytesMax = 1_024): { chunks: NonNullable<LedgerTransactions['snapshotRead']['result']>[] } {
    const chunks: NonNullable<LedgerTransactions['snapshotRead']['result']>[] = [];
    let seq: number | null = null;
    for (;;) {
      const chunk: LedgerTransactions['snapshotRead']['result'] = this.run('snapshotRead', { seq, index: chunks.length, bytesMax });
      if (chunk === null) throw new Error('The snapshot has gone by');
      chunks.push(chunk);
      seq = chunk.position.seq;
      if (chunk.done) return { chunks };
    }
  }
}
