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
  | { readonly kind: 'own.remove'; readonly content: string; readonly account: string; readonly node: string }
  /** A passkey for a device; the one that the device had goes on for a grace period. */
  | {
      readonly kind: 'passkey.issue';
      readonly folded: string;
      readonly device: string;
      /** What must be unique among the account's devices. */
      readonly deviceFolded: string;
      /** SHA-256 of the passkey; hex. */
      readonly passkeyHash: string;
    }
  /** Ends all passkeys of a device, or the one of this id, at once. */
  | { readonly kind: 'passkey.revoke'; readonly folded: string; readonly deviceFolded: string; readonly id: string }
  /** What clients have transferred since the last such change. */
  | { readonly kind: 'tally'; readonly rows: readonly TallyRow[] };

/**
 * What one client session (a peer id, or a run of a node) says of one content. Its counters are those it announces: apply
 * counts only what they have grown by since the entry before, so that nothing counts twice, whoever leads and repeats it.
 */
export interface TallyRow {
  /** Of the account. */
  readonly folded: string;
  /** The content's id in the catalog. */
  readonly content: string;
  /** Tells sessions of the account apart; 24 hex digits. */
  readonly source: string;
  /** Whether the session is a node's, which goes on counting where another account signs in: it is one session for all of them. */
  readonly shared: boolean;
  /** Highest counters, in bytes, of the run that the ledger may know. */
  readonly uploadedBytes: number;
  readonly downloadedBytes: number;
  /** Where the client has begun to count anew since: what those runs have together, and where the last of them is. */
  readonly restart: {
    readonly uploadedBytes: number;
    readonly downloadedBytes: number;
    readonly nowUploadedBytes: number;
    readonly nowDownloadedBytes: number;
  } | null;
  /** Whether it has downloaded all of it. */
  readonly completed: boolean;
  /** Wall clock. */
  readonly lastMs: number;
}

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

/** A passkey as its holder sees it: never the passkey itself. */
export interface PasskeyRow {
  /** The first 12 digits of its hash. */
  readonly id: string;
  readonly device: string;
  readonly createdMs: number;
  /** Null: the device's own. Otherwise it was replaced, and goes on until then. */
  readonly expiresMs: number | null;
}

/** Whom a passkey stands for. */
export interface PasskeyHolderRow extends PasskeyRow {
  readonly account: string;
  readonly folded: string;
  readonly disabled: boolean;
}

/** What the ledger knows of a client session: where its counters were when they were counted last. `folded` is '' for a shared one. */
export type TallySession = Pick<TallyRow, 'folded' | 'content' | 'source' | 'uploadedBytes' | 'downloadedBytes' | 'completed' | 'lastMs'>;

/** What an account has transferred of a content. */
export interface TalliedContent {
  /** '' for contents of long ago, taken together. */
  readonly content: string;
  /** Null where the catalog does not have it any more. */
  readonly name: string | null;
  readonly uploadedBytes: number;
  readonly downloadedBytes: number;
  /** Times that it was downloaded to the end: 0 or 1, more for contents of long ago. */
  readonly completed: number;
  readonly lastMs: number;
}

export interface TalliedAccount {
  /** Of all contents, not only those of the page. */
  readonly uploadedBytes: number;
  readonly downloadedBytes: number;
  readonly completed: number;
  readonly contents: number;
  /** Those transferred last first. */
  readonly rows: readonly TalliedContent[];
}

/** What entries did when they were applied. */
export interface Applied {
  readonly appliedSeq: number;
  readonly replies: StoredReply[];
  /** Accounts (folded) whose passkeys may mean something else now; left out: none. */
  readonly keysOf?: readonly string[];
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
    result: { last: LogPosition } & Applied;
  };
  /** Applies up to `commitSeq` (or the last entry, whichever comes first). */
  apply: { args: { commitSeq: number }; result: Applied };
  /** Deletes log rows after `afterSeq`, then appends. Asserts that nothing applied goes. */
  truncateAndAppend: {
    args: { afterSeq: number; entries: readonly LogEntry[]; commitSeq: number };
    result: { last: LogPosition } & Applied;
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
  passkey: { args: { hash: string }; result: PasskeyHolderRow | null };
  /** Of an account: by device, the device's own first. */
  passkeys: { args: { folded: string }; result: PasskeyRow[] };
  /** In the order of their keys, after this one. */
  tallySessions: { args: { after: Pick<TallySession, 'folded' | 'content' | 'source'> | null; limit: number }; result: TallySession[] };
  /** How many accounts have downloaded contents of the catalog to the end, where any have: after this one, or of these. */
  completions: {
    args: { after: string; limit: number } | { contents: readonly string[] };
    result: { content: string; accounts: number }[];
  };
  tallies: { args: { folded: string; offset: number; limit: number }; result: TalliedAccount };
  search: { args: { foldedWords: readonly string[]; offset: number; limit: number }; result: SearchPage };
  content: { args: { id: string }; result: { summary: ContentSummary; owners: OwnerRow[]; ownerCount: number } | null };
  /** Contents of which one id (v2 or v1) begins with these hexadecimal digits, in the order of their ids. */
  contentsFrom: { args: { prefix: string; limit: number }; result: ContentSummary[] };
  torrent: { args: { id: string }; result: Uint8Array | null };
  /** What nodes hold, for "Discover" and for admission to swarms. */
  ownedBy: { args: { node: string }; result: ContentSummary[] };
};
