/** Keeps the journal of one transfer: sync first, then say "have". */
import type { Content } from '../../data/content.ts';
import { dataLimits } from '../../data/limits.ts';
import { each } from '../../data/each.ts';
import type { Clock, TimerId } from '../../ports/clock.ts';
import { millis } from '../../ports/clock.ts';
import type { Disk } from '../../ports/disk.ts';
import { type Done, type Failure, ok } from '../../protocol/result.ts';
import type { FilePriority } from '../../domain/transfer/file-priorities.ts';
import { encodeRecord, type FileFacts, type TransferRecord } from '../../domain/transfer/journal.ts';

/** What of the record the keeper does not know itself. */
export type RecordFacts = Omit<TransferRecord, 'version' | 'clean' | 'have' | 'unsettled' | 'files'> & {
  readonly priorities: readonly FilePriority[];
  readonly unsettled: readonly number[];
};

export class Keeper {
  readonly #clock: Clock;
  readonly #disk: Disk;
  readonly #content: Content;
  readonly #path: string;
  readonly #facts: () => RecordFacts;
  readonly #failed: (failure: Failure) => void;
  #unsyncedBytes = 0;
  #timer: TimerId | null = null;
  #busy = false;
  #waiting: (() => void)[] = [];

  constructor(settings: {
    readonly clock: Clock;
    readonly disk: Disk;
    readonly content: Content;
    readonly path: string;
    readonly facts: () => RecordFacts;
    readonly failed: (failure: Failure) => void;
  }) {
    this.#clock = settings.clock;
    this.#disk = settings.disk;
    this.#content = settings.content;
    this.#path = settings.path;
    this.#facts = settings.facts;
    this.#failed = settings.failed;
  }

  /** A piece was written: it is synced and journalled soon. */
  wrote(bytes: number): void {
    this.#unsyncedBytes += bytes;
    if (this.#unsyncedBytes >= dataLimits.syncBytes) this.save(false, () => {});
    else this.later();
  }

  /** Something is to be written. */
  get dirty(): boolean {
    return this.#busy || this.#timer !== null;
  }

  /** Something small has changed (a counter): it is journalled some time. */
  later(): void {
    if (this.#timer !== null) return;
    // A journal of many files is large: it is written less often.
    const wait = dataLimits.syncMs + this.#content.storage.files.length;
    this.#timer = this.#clock.setTimer(millis(wait), () => {
      this.#timer = null;
      this.save(false, () => {});
    });
  }

  /** Syncs what is written, then replaces the record. `clean`: nothing will be written after it. */
  save(clean: boolean, done: Done<void>): void {
    if (this.#busy) {
      this.#waiting.push(() => this.save(clean, done));
      return;
    }
    this.#busy = true;
    this.#stopTimer();
    this.#unsyncedBytes = 0;
    const have = this.#content.map.haveBytes();
    const { priorities, ...facts } = this.#facts();
    const untouched = clean || (facts.placed && this.#content.map.complete);
    const finish: Done<void> = (result) => {
      this.#busy = false;
      if (!result.ok) this.#failed(result.error);
      done(result);
      this.#waiting.shift()?.();
    };
    this.#content.storage.sync((synced) => {
      if (!synced.ok) return finish(synced);
      return this.#refresh(synced.value, () => {
        const files = this.#content.storage.files.map((file, n) => ({
          path: file.path,
          ...wishOf(priorities[n] ?? 'skip'),
          adopted: file.adopted,
          facts: this.#seen?.get(n) ?? file.facts,
        }));
        const record: TransferRecord = { version: 1, ...facts, clean: untouched, have: Buffer.from(have).toString('base64'), files };
        this.#disk.writeFile(this.#path, encodeRecord(record), {}, finish);
      });
    });
  }

  stop(): void {
    this.#stopTimer();
  }

  /** What files looked like when they were last synced. */
  #seen: Map<number, FileFacts> | null = null;

  /** Forgets what was seen of the files while they were written; their final facts stand in the storage. */
  forget(): void {
    this.#seen = null;
  }

  /** Takes a record's facts over, so that pieces of before stay trusted. */
  remember(file: number, facts: FileFacts): void {
    (this.#seen ??= new Map()).set(file, facts);
  }

  #refresh(files: readonly number[], done: () => void): void {
    const look = (file: number, next: Done<void, never>): void =>
      this.#content.storage.stat(file, (stat) => {
        if (stat.ok) this.remember(file, { size: stat.value.size, modifiedMs: stat.value.modifiedMs, identity: stat.value.identity });
        next(ok(undefined));
      });
    each(files, look, () => done());
  }

  #stopTimer(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }
}

const wishOf = (priority: FilePriority): Pick<TransferRecord['files'][number], 'selected' | 'priority'> => ({
  selected: priority !== 'skip',
  ...(priority === 'low' || priority === 'high' ? { priority } : {}),
});
