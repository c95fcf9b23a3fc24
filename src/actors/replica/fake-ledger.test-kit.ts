/** The ledger's transactions in memory, for tests of replication: same contract, no SQL. Keys and values instead of accounts. */
import assert from 'node:assert/strict';
import { chainHash, requestKey } from '../../domain/replication/chain.ts';
import { EMPTY_LOG, type LogEntry, type LogPosition } from '../../domain/replication/types.ts';
import type { LedgerTransactions, SnapshotChunk, StoredReply } from '../../domain/ledger/types.ts';
import type { TestLedger } from '../../domain/ledger/ledger.test-kit.ts';
import type { Database, DatabaseFailure } from '../../ports/database.ts';
import { type Done, fail, ok } from '../../protocol/result.ts';

/** What survives a crash. The applied state is the list of applied payloads. */
export interface LedgerDisk {
  existed: boolean;
  base: LogPosition;
  entries: LogEntry[];
  applied: LogPosition;
  state: string[];
  replies: StoredReply[];
  full: boolean;
  /** Transactions that were refused because it is full. */
  refusals: number;
  broken: boolean;
  /** The real ledger in its place; null for the pretended one. */
  readonly real: Pick<TestLedger, 'try' | 'rowsDigest'> | null;
}

export const newLedgerDisk = (real: LedgerDisk['real'] = null): LedgerDisk => ({
  existed: false,
  base: EMPTY_LOG,
  entries: [],
  applied: EMPTY_LOG,
  state: [],
  replies: [],
  full: false,
  refusals: 0,
  broken: false,
  real,
});

type Name = keyof LedgerTransactions & string;

/** One incarnation's way to the disk. `later` runs a transaction after a while, unless the process is dead by then. */
export class FakeLedger implements Database<LedgerTransactions> {
  readonly #disk: LedgerDisk;
  readonly #later: (run: () => void) => void;
  #chunks: Uint8Array[] = [];
  #leaving: { readonly position: LogPosition; readonly all: Buffer } | null = null;
  #queue: ((answered: boolean) => void)[] = [];

  constructor(disk: LedgerDisk, later: (run: () => void) => void) {
    this.#disk = disk;
    this.#later = later;
  }

  run<K extends Name>(name: K, args: LedgerTransactions[K]['args'], done: Done<LedgerTransactions[K]['result'], DatabaseFailure>): void {
    this.#queue.push((answered) => {
      const writes = name === 'append' || name === 'apply' || name === 'truncateAndAppend' || name === 'snapshotWrite';
      const answer: Done<LedgerTransactions[K]['result'], DatabaseFailure> = answered ? done : () => {};
      if (this.#disk.broken) answer(fail('io', 'the disk is broken'));
      else if (this.#disk.full && writes) {
        this.#disk.refusals++;
        answer(fail('full', 'the disk is full'));
      } else if (this.#disk.real) answer(this.#disk.real.try(name, structuredClone(args)));
      else answer(ok(this.#perform(name, args as never) as LedgerTransactions[K]['result']));
    });
    if (this.#queue.length === 1) this.#next();
  }

  close(done: () => void): void {
    this.#later(done);
  }

  /** A crash in the middle: the transaction under way may have been written, its answer never comes. */
  crash(written: boolean): void {
    const first = this.#queue[0];
    this.#queue = [];
    if (written) first?.(false);
  }

  #next(): void {
    this.#later(() => {
      const run = this.#queue[0];
      if (!run) return;
      run(true);
      this.#queue.shift();
      if (this.#queue.length > 0) this.#next();
    });
  }

  #perform(name: Name, args: never): unknown {
    const handlers: { [K in Name]?: (args: LedgerTransactions[K]['args']) => unknown } = {
      open: () => this.#open(),
      append: (a) => this.#append(a.entries, a.commitSeq),
      apply: (a) => this.#apply(a.commitSeq),
      truncateAndAppend: (a) => {
        assert.ok(a.afterSeq >= this.#disk.applied.seq, 'what is applied is never truncated');
        this.#disk.entries = this.#disk.entries.filter((entry) => entry.seq <= a.afterSeq);
        return this.#append(a.entries, a.commitSeq);
      },
      position: (a) => this.#position(a.seq),
      read: (a) => this.#read(a.fromSeq, a.bytesMax),
      snapshotRead: (a) => this.#snapshotRead(a.seq, a.index, a.bytesMax),
      snapshotWrite: (a) => this.#snapshotWrite(a.chunk),
      compact: (a) => {
        assert.ok(a.throughSeq <= this.#disk.applied.seq);
        this.#disk.base = this.#position(a.throughSeq) ?? this.#disk.base;
        this.#disk.entries = this.#disk.entries.filter((entry) => entry.seq > a.throughSeq);
        return { firstSeq: this.#disk.base.seq + 1 };
      },
      reply: (a) => this.#disk.replies.find((reply) => requestKey(reply.requestId) === requestKey(a.requestId)) ?? null,
    };
    const handler = handlers[name] as ((args: never) => unknown) | undefined;
    assert.ok(handler, name);
    return handler(args);
  }

  #last(): LogPosition {
    return this.#disk.entries.at(-1) ?? this.#disk.base;
  }

  #open(): LedgerTransactions['open']['result'] {
    const { existed, base, applied } = this.#disk;
    this.#disk.existed = true;
    return { last: this.#last(), firstSeq: base.seq + 1, appliedSeq: applied.seq, existed };
  }

  #append(entries: readonly LogEntry[], commitSeq: number): LedgerTransactions['append']['result'] {
    for (const entry of entries) {
      const last = this.#last();
      assert.equal(entry.seq, last.seq + 1, 'entries follow the last one');
      assert.deepEqual(Buffer.from(entry.hash), Buffer.from(chainHash(last.hash, entry.payload)));
      this.#disk.entries.push(entry);
    }
    return { last: this.#last(), ...this.#apply(commitSeq) };
  }

  #apply(commitSeq: number): LedgerTransactions['apply']['result'] {
    const replies: StoredReply[] = [];
    for (const entry of this.#disk.entries) {
      if (entry.seq <= this.#disk.applied.seq || entry.seq > commitSeq) continue;
      this.#disk.applied = entry;
      const { requestId } = entry;
      const known = requestId && this.#disk.replies.find((reply) => requestKey(reply.requestId) === requestKey(requestId));
      if (known || !requestId) {
        if (known) replies.push(known);
        continue;
      }
      this.#disk.state.push(Buffer.from(entry.payload).toString());
      const reply: StoredReply = {
        requestId,
        seq: entry.seq,
        epoch: entry.epoch,
        body: { ok: true, value: { at: this.#disk.state.length } },
      };
      this.#disk.replies.push(reply);
      replies.push(reply);
    }
    return { appliedSeq: this.#disk.applied.seq, replies };
  }

  #position(seq: number): LogPosition | null {
    const { base, entries } = this.#disk;
    return seq === base.seq ? base : (entries[seq - base.seq - 1] ?? null);
  }

  #read(fromSeq: number, bytesMax: number): LedgerTransactions['read']['result'] {
    const before = this.#position(fromSeq - 1);
    if (!before) return null;
    const entries: LogEntry[] = [];
    let bytes = 0;
    for (const entry of this.#disk.entries) {
      if (entry.seq < fromSeq) continue;
      bytes += entry.payload.length;
      if (entries.length > 0 && bytes > bytesMax) break;
      entries.push(entry);
    }
    return { before, entries };
  }

  #snapshotRead(seq: number | null, index: number, bytesMax: number): SnapshotChunk | null {
    const { applied, state, replies } = this.#disk;
    if (seq === null && this.#leaving?.position.seq !== applied.seq)
      this.#leaving = {
        position: { seq: applied.seq, epoch: applied.epoch, hash: applied.hash },
        all: Buffer.from(JSON.stringify({ state, replies })),
      };
    if (this.#leaving === null || (seq !== null && seq !== this.#leaving.position.seq)) return null;
    const { position, all } = this.#leaving;
    return { position, index, bytes: all.subarray(index * bytesMax, (index + 1) * bytesMax), done: (index + 1) * bytesMax >= all.length };
  }

  #snapshotWrite(chunk: SnapshotChunk): LedgerTransactions['snapshotWrite']['result'] {
    if (chunk.index === 0) this.#chunks = [];
    assert.equal(chunk.index, this.#chunks.length);
    this.#chunks.push(chunk.bytes);
    if (chunk.done) {
      const { state, replies } = JSON.parse(Buffer.concat(this.#chunks).toString());
      this.#leaving = null;
      Object.assign(this.#disk, { base: chunk.position, applied: chunk.position, entries: [], state, replies });
    }
    return { last: this.#last(), appliedSeq: this.#disk.applied.seq };
  }
}
