import { positionOf } from '../../domain/replication/chain.ts';
import type { LogEntry, LogPosition } from '../../domain/replication/types.ts';

/** What an entry costs in memory and on a link besides its payload, roughly. */
const ENTRY_OVERHEAD_BYTES = 160;

export const entryBytes = (entry: LogEntry): number => entry.payload.length + ENTRY_OVERHEAD_BYTES;

export interface EntryPage {
  readonly before: LogPosition;
  readonly entries: readonly LogEntry[];
}

/** The entries that a primary made last, durable or not yet: what its followers want next. Bounded by bytes. */
export class RecentEntries {
  readonly #bytesMax: number;
  #before: LogPosition;
  #entries: LogEntry[] = [];
  #bytes = 0;

  constructor(before: LogPosition, bytesMax: number) {
    this.#before = before;
    this.#bytesMax = bytesMax;
  }

  /** The end of the log, durable or not. */
  get head(): LogPosition {
    return positionOf(this.#entries.at(-1) ?? this.#before);
  }

  /** Old entries go when there are too many bytes; `keepFrom` and what follows it stays (it may not be on disk yet). */
  push(entries: readonly LogEntry[], keepFrom: number): void {
    for (const entry of entries) {
      this.#entries.push(entry);
      this.#bytes += entryBytes(entry);
    }
    let drop = 0;
    for (const entry of this.#entries) {
      if (this.#bytes <= this.#bytesMax || entry.seq >= keepFrom) break;
      this.#bytes -= entryBytes(entry);
      this.#before = positionOf(entry);
      drop++;
    }
    if (drop > 0) this.#entries = this.#entries.slice(drop);
  }

  /** From `fromSeq` on, together at most `bytesMax` but at least one; null where they are no longer here. */
  page(fromSeq: number, bytesMax: number, entriesMax: number): EntryPage | null {
    const first = fromSeq - this.#before.seq - 1;
    if (first < 0) return null;
    const before = first === 0 ? this.#before : this.#entries[first - 1];
    if (before === undefined) return null;
    const entries: LogEntry[] = [];
    let bytes = 0;
    for (let index = first; index < this.#entries.length && entries.length < entriesMax; index++) {
      const entry = this.#entries[index] as LogEntry;
      bytes += entryBytes(entry);
      if (entries.length > 0 && bytes > bytesMax) break;
      entries.push(entry);
    }
    return { before: positionOf(before), entries };
  }

  at(seq: number): LogPosition | null {
    if (seq === this.#before.seq) return this.#before;
    return this.#entries[seq - this.#before.seq - 1] ?? null;
  }

  /** Bytes of the entries after `seq`; infinite where some of them are no longer here. */
  bytesAfter(seq: number, upTo: number): number {
    const first = seq - this.#before.seq;
    if (first < 0) return Number.POSITIVE_INFINITY;
    let bytes = 0;
    for (let index = first; index < this.#entries.length && bytes <= upTo; index++) bytes += entryBytes(this.#entries[index] as LogEntry);
    return bytes;
  }
}
