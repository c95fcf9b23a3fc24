/**
 * The ledger: the durable half of a tracker. One op log, and the accounts and catalog that follow from it. Everything
 * here is the shape of named transactions (`ports/database.ts`); the SQL is in `transactions.ts`.
 */
import type { ContentSummary, ReplyBody, SearchPage } from '../../protocol/control/messages.ts';
import type { LogEntry, LogPosition, RequestId } from '../replication/types.ts';

/** A durable change, as the payload of a log entry. The primary puts folded names, hashes and times in: apply is pure. */
export type Change =
  | {
      readonly kind: 'account.create';
      readonly name: string;
      /** NFKC, case-folded: what must be unique. */
      readonly folded: string;
      /** PHC string. */
      readonly passwordHash: string;
      readonly admin: boolean;
      /** SHA-256 of the invite or of the one-time code that this registration uses up; hex. */
      readonly inviteHash: string | null;
    }
  | {
      readonly kind: 'account.password';
      readonly folded: string;
      readonly passwordHash: string;
      readonly keepSession: string | null;
      /** What the old password was verified against, which must not have changed since; null: an administrator sets a new one. */
      readonly verified: string | null;
    }
  /** The same password under a new cost; nothing happens when the hash is not `replaces` any more. */
  | { readonly kind: 'account.rehash'; readonly folded: string; readonly passwordHash: string; readonly replaces: string }
  | { readonly kind: 'account.disable'; readonly folded: string; readonly disabled: boolean }
  | {
      readonly kind: 'session.issue';
      readonly folded: string;
      /** What the password was verified against: a session is not issued for a password that has changed since. */
      readonly verified: string;
      /** SHA-256 of the token; hex. */
      readonly tokenHash: string;
      readonly expiresMs: number;
    }
  | { readonly kind: 'session.revoke'; readonly tokenHash: string }
  | {
      readonly kind: 'invite.create';
      readonly codeHash: string;
      readonly by: string;
      readonly expiresMs: number;
      /** The one-time code of `init`: makes the holder an administrator. */
      readonly admin: boolean;
    }
  | {
      readonly kind: 'own.put';
      readonly content: ContentSummary;
      /** The words searched for, folded. */
      readonly foldedText: string;
      readonly account: string;
      readonly node: string;
      /** With the first owner; the tail of the payload. */
      readonly hasTorrent: boolean;
    }
  | { readonly kind: 'own.remove'; readonly content: string; readonly account: string; readonly node: string };

export interface AccountRow {
  readonly name: string;
  readonly folded: string;
  readonly passwordHash: string;
  readonly admin: boolean;
  readonly disabled: boolean;
  readonly createdMs: number;
}

export interface SessionRow {
  readonly account: string;
  readonly folded: string;
  readonly admin: boolean;
  readonly disabled: boolean;
  readonly expiresMs: number;
}

export interface OwnerRow {
  readonly account: string;
  readonly node: string;
}

/** The reply to a request id, stored by apply in the transaction that applies the entry. */
export interface StoredReply {
  readonly requestId: RequestId;
  readonly seq: number;
  readonly epoch: number;
  readonly body: ReplyBody;
}

export interface LogState {
  readonly last: LogPosition;
  /** The oldest entry that is still there is `firstSeq`; older ones are in the snapshot. */
  readonly firstSeq: number;
  readonly appliedSeq: number;
  /** False while the log never held an entry: the database was made just now, or by a process that died at once (R9). */
  readonly existed: boolean;
}

/** A snapshot travels as a sequence of chunks in key order; the last has `done`. */
export interface SnapshotChunk {
  readonly position: LogPosition;
  readonly index: number;
  readonly bytes: Uint8Array;
  readonly done: boolean;
}

/** Every transaction of the ledger, by name. */
export type LedgerTransactions = {
  open: { args: Record<string, never>; result: LogState };
  /** Appends entries that follow the last one (asserted), then applies up to `commitSeq`. */
  append: {
    args: { entries: readonly LogEntry[]; commitSeq: number };
    result: { last: LogPosition; appliedSeq: number; replies: StoredReply[] };
  };
  /** Applies up to `commitSeq` (or the last entry, whichever comes first). */
  apply: { args: { commitSeq: number }; result: { appliedSeq: number; replies: StoredReply[] } };
  /** Deletes log rows after `afterSeq`, then appends. Asserts that nothing applied goes. */
  truncateAndAppend: {
    args: { afterSeq: number; entries: readonly LogEntry[]; commitSeq: number };
    result: { last: LogPosition; appliedSeq: number; replies: StoredReply[] };
  };
  position: { args: { seq: number }; result: LogPosition | null };
  /** Entries from `fromSeq` on, together at most `bytesMax` (but at least one), and the position before them. */
  read: { args: { fromSeq: number; bytesMax: number }; result: { before: LogPosition; entries: LogEntry[] } | null };
  /** The applied state as chunk number `index` of a snapshot at `position`; null when that position has gone by. */
  snapshotRead: { args: { seq: number | null; index: number; bytesMax: number }; result: SnapshotChunk | null };
  /**
   * Collects chunks; the last one replaces the whole state and log in one transaction. Where a chunk did not follow, was
   * damaged or would take the state back, nothing changes: `last` is not the snapshot's position then. `overrides`: after
   * a forced promotion the state may go back, because what is lost with it is kept elsewhere.
   */
  snapshotWrite: { args: { chunk: SnapshotChunk; overrides?: boolean }; result: { last: LogPosition; appliedSeq: number } };
  /** Drops log rows up to `throughSeq` that are applied. */
  compact: { args: { throughSeq: number }; result: { firstSeq: number } };

  reply: { args: { requestId: RequestId }; result: StoredReply | { expired: true } | null };
  account: { args: { folded: string }; result: AccountRow | null };
  accounts: { args: { after: string; limit: number }; result: AccountRow[] };
  session: { args: { tokenHash: string }; result: SessionRow | null };
  /** Whether an invite may still be used at `nowMs`, and whether it makes an administrator. */
  invite: { args: { codeHash: string; nowMs: number }; result: { admin: boolean } | null };
  search: { args: { foldedWords: readonly string[]; offset: number; limit: number }; result: SearchPage };
  content: { args: { id: string }; result: { summary: ContentSummary; owners: OwnerRow[]; ownerCount: number } | null };
  /** Contents of which one id (v2 or v1) begins with these hexadecimal digits, in the order of their ids. */
  contentsFrom: { args: { prefix: string; limit: number }; result: ContentSummary[] };
  torrent: { args: { id: string }; result: Uint8Array | null };
  /** What nodes hold, for "Discover" and for admission to swarms. */
  ownedBy: { args: { node: string }; result: ContentSummary[] };
};
