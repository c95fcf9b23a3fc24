import { positionOf, samePosition } from '../../domain/replication/chain.ts';
import type { LogView } from '../../domain/replication/follower.ts';
import { EMPTY_LOG, type LogEntry, type LogPosition, type RequestId } from '../../domain/replication/types.ts';
import type { Applied, LedgerTransactions, LogState, SnapshotChunk, StoredReply } from '../../domain/ledger/types.ts';
import type { Database } from '../../ports/database.ts';
import type { KeysOf } from './api.ts';

export interface ReplicaLogEvents {
  /** In the step in which entries were applied. */
  applied(appliedSeq: number, replies: readonly StoredReply[], keysOf: KeysOf): void;
  /** The log cannot be read or written, or says what cannot be: crash-stop, never guess. */
  failed(reason: string): void;
  /** Called before the first entry ever is reported as durable; goes on when that is remembered (R9). */
  firstEntry(then: () => void): void;
}

/** False: nothing was written (the disk is full, or a snapshot did not arrive whole), the log is as it was. */
export type WriteDone = (written: boolean) => void;

/** One page of the tail that is read back at the start. */
const READ_BYTES = 4 * 1024 * 1024;

type Written = { readonly last: LogPosition; readonly appliedSeq: number } & Partial<Pick<Applied, 'replies' | 'keysOf'>>;

/**
 * The op log of a replica, as far as replication needs to know it without asking the disk: where it ends, what is
 * applied, and the positions between the two. One writing transaction is under way at a time.
 */
export class ReplicaLog implements LogView {
  readonly #database: Database<LedgerTransactions>;
  readonly #events: ReplicaLogEvents;
  readonly #entriesKept: number;
  /** From the last applied entry to the last entry. Never empty. */
  #tail: LogPosition[] = [EMPTY_LOG];
  #firstSeq = 1;
  #busy = false;
  #compacting = false;
  #failed = false;
  #waiting: (() => void)[] = [];

  constructor(database: Database<LedgerTransactions>, entriesKept: number, events: ReplicaLogEvents) {
    this.#database = database;
    this.#entriesKept = entriesKept;
    this.#events = events;
  }

  /** Durable here. */
  get last(): LogPosition {
    return positionOf(this.#tail.at(-1) as LogPosition);
  }

  get appliedSeq(): number {
    return (this.#tail[0] as LogPosition).seq;
  }

  /** The oldest entry that is still in the log. */
  get firstSeq(): number {
    return this.#firstSeq;
  }

  get busy(): boolean {
    return this.#busy;
  }

  at(seq: number): LogPosition | null {
    return this.#tail[seq - this.appliedSeq] ?? null;
  }

  open(done: () => void): void {
    this.#run('open', {}, (state: LogState) => {
      this.#firstSeq = state.firstSeq;
      if (state.appliedSeq === state.last.seq) {
        this.#tail = [positionOf(state.last)];
        done();
      } else this.#readTail(state, state.appliedSeq + 1, [], done);
    });
  }

  /** Calls back when no write is under way: at once, or as soon as that is so. */
  whenIdle(then: () => void): void {
    if (this.#busy) this.#waiting.push(then);
    else then();
  }

  /** Entries that follow the last one; applies up to `commitSeq` in the same transaction. */
  append(entries: readonly LogEntry[], commitSeq: number, done: WriteDone): void {
    this.#write('append', { entries, commitSeq }, done, (written) => {
      for (const entry of entries) this.#tail.push(positionOf(entry));
      this.#finish(written, entries.length > 0, done);
    });
  }

  truncateAndAppend(afterSeq: number, entries: readonly LogEntry[], commitSeq: number, done: WriteDone): void {
    this.#write('truncateAndAppend', { afterSeq, entries, commitSeq }, done, (written) => {
      this.#tail.length = afterSeq - this.appliedSeq + 1;
      for (const entry of entries) this.#tail.push(positionOf(entry));
      this.#finish(written, entries.length > 0, done);
    });
  }

  apply(commitSeq: number, done: WriteDone): void {
    this.#write('apply', { commitSeq }, done, (written) => this.#finish({ last: this.last, ...written }, false, done));
  }

  /** The last chunk replaces state and log. `overrides`: by an older state too (a forced promotion; it is in quarantine). */
  install(chunk: SnapshotChunk, overrides: boolean, done: WriteDone): void {
    this.#write('snapshotWrite', overrides ? { chunk, overrides } : { chunk }, done, (written) => {
      const installed = chunk.done && samePosition(written.last, chunk.position);
      if (!installed) {
        // The last chunk, and yet not installed: one was lost or damaged on the way, nothing has changed; it begins anew.
        this.#release(() => done(!chunk.done));
        return;
      }
      this.#tail = [positionOf(written.last)];
      this.#firstSeq = written.last.seq + 1;
      this.#events.firstEntry(() => {
        this.#events.applied(written.appliedSeq, [], 'all');
        this.#release(() => done(true));
      });
    });
  }

  /** Entries from `fromSeq` on and the position before them; null where they are compacted. */
  read(fromSeq: number, bytesMax: number, done: (page: { before: LogPosition; entries: LogEntry[] } | null) => void): void {
    this.#run('read', { fromSeq, bytesMax }, done);
  }

  position(seq: number, done: (position: LogPosition | null) => void): void {
    const known = this.at(seq);
    if (known) done(known);
    else this.#run('position', { seq }, done);
  }

  snapshotRead(seq: number | null, index: number, bytesMax: number, done: (chunk: SnapshotChunk | null) => void): void {
    this.#run('snapshotRead', { seq, index, bytesMax }, done);
  }

  /** What the ledger remembers of a request. */
  reply(requestId: RequestId, done: (stored: LedgerTransactions['reply']['result']) => void): void {
    this.#run('reply', { requestId }, done);
  }

  #readTail(state: LogState, fromSeq: number, tail: LogPosition[], done: () => void): void {
    this.read(fromSeq, READ_BYTES, (page) => {
      if (!page || page.entries.length === 0) {
        this.#fail(`The log says that it ends at ${state.last.seq}, but has no entry ${fromSeq}`);
        return;
      }
      if (tail.length === 0) tail.push(positionOf(page.before));
      for (const entry of page.entries) tail.push(positionOf(entry));
      const next = fromSeq + page.entries.length;
      if (next <= state.last.seq) this.#readTail(state, next, tail, done);
      else {
        this.#tail = tail;
        done();
      }
    });
  }

  #finish(written: Written, grew: boolean, done: WriteDone): void {
    if (written.last.seq !== this.last.seq) {
      this.#fail(`The log ends at ${written.last.seq}, not at ${this.last.seq}`);
      return;
    }
    const conclude = (): void => {
      const applied = written.appliedSeq - this.appliedSeq;
      if (applied > 0) {
        this.#tail.splice(0, applied);
        this.#events.applied(written.appliedSeq, written.replies ?? [], written.keysOf ?? []);
      }
      this.#release(() => done(true));
      this.#compactIfLong();
    };
    if (grew) this.#events.firstEntry(conclude);
    else conclude();
  }

  /** Old applied rows go; a follower that lacks them gets a snapshot. */
  #compactIfLong(): void {
    const throughSeq = this.appliedSeq - this.#entriesKept;
    if (this.#compacting || throughSeq - this.#firstSeq < this.#entriesKept) return;
    this.#compacting = true;
    const compacted = ({ firstSeq }: { readonly firstSeq: number }): void => {
      this.#compacting = false;
      this.#firstSeq = firstSeq;
    };
    this.#run('compact', { throughSeq }, compacted, () => compacted({ firstSeq: this.#firstSeq }));
  }

  #write<K extends 'append' | 'truncateAndAppend' | 'apply' | 'snapshotWrite'>(
    name: K,
    args: LedgerTransactions[K]['args'],
    done: WriteDone,
    then: (result: LedgerTransactions[K]['result']) => void,
  ): void {
    if (this.#busy) throw new Error(`${name} while another write is under way`);
    if (this.#failed) return;
    this.#busy = true;
    this.#run(name, args, then, () => this.#release(() => done(false)));
  }

  #run<K extends keyof LedgerTransactions & string>(
    name: K,
    args: LedgerTransactions[K]['args'],
    then: (result: LedgerTransactions[K]['result']) => void,
    full?: () => void,
  ): void {
    this.#database.run(name, args, (answer) => {
      if (this.#failed) return;
      if (answer.ok) then(answer.value);
      else if (answer.error.code === 'full' && full) full();
      else this.#fail(`${name}: ${answer.error.message}`);
    });
  }

  #release(done: () => void): void {
    this.#busy = false;
    done();
    while (this.#waiting.length > 0 && !this.#busy) this.#waiting.shift()?.();
  }

  #fail(reason: string): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#events.failed(reason);
  }
}
