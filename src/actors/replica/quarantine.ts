import type { SnapshotChunk } from '../../domain/ledger/types.ts';
import type { Epoch, LogEntry, LogPosition, VoterName } from '../../domain/replication/types.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Disk, DiskFailure, FileHandle } from '../../ports/disk.ts';
import type { Log } from '../../ports/log.ts';
import { toHex } from '../../protocol/digest.ts';
import type { Done, Result } from '../../protocol/result.ts';
import { ok } from '../../protocol/result.ts';

/** In the data folder. Nothing in it is ever changed or deleted by the program. */
const FOLDER = 'quarantine';
/** Raised when the lines change. */
const VERSION = 1;
const PAGE_BYTES = 1_048_576;
/** Files of one name, for what is kept in the same millisecond. */
const NAMES_MAX = 1_000;

/** What is overridden, and by whom. */
export interface Overridden {
  /** The first entry that is kept: the one behind the last common one, or the oldest that there is. */
  readonly fromSeq: number;
  readonly last: LogPosition;
  readonly appliedSeq: number;
  /** The last entry that both logs have; null where that could not be found out. */
  readonly common: LogPosition | null;
  /** The state too: entries before `fromSeq` are compacted, and may be overridden as well. */
  readonly withState: boolean;
  readonly primary: VoterName;
  /** In which the primary leads. */
  readonly epoch: Epoch;
  readonly generation: { readonly here: number; readonly primary: number };
}

/** Where the log and the state are read. */
export interface QuarantineSource {
  /** Entries from `fromSeq` on; null where they are not there. */
  read(fromSeq: number, bytesMax: number, done: (page: { readonly entries: readonly LogEntry[] } | null) => void): void;
  snapshotRead(seq: number | null, index: number, bytesMax: number, done: (chunk: SnapshotChunk | null) => void): void;
}

export interface QuarantineDeps {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  /** This replica. */
  readonly name: VoterName;
  /** The data folder. */
  readonly folder: string;
  readonly source: QuarantineSource;
}

interface Job {
  readonly what: Overridden;
  readonly done: Done<string, DiskFailure>;
  /** The file, under the name that it has while it is written. */
  readonly partial: string;
  readonly final: string;
  file: FileHandle;
  offset: number;
  entries: number;
  chunks: number;
}

const encoder = new TextEncoder();
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
const positionLine = ({ seq, epoch, hash }: LogPosition): object => ({ seq, epoch, hash: toHex(hash) });

/**
 * Keeps what a forced promotion overrides (docs/availability.md, "Force-promote and quarantine"), before it is replaced:
 * one file each, `quarantine/NAME-….jsonl` in the data folder, of JSON lines: a header, then every entry (its change as
 * base64, as in the log), then pieces of the state where entries are compacted, then how many there were. Written under
 * another name, synced, then renamed: a file that is there is whole. Readable by the owner alone, for it holds hashes of
 * passwords.
 */
export class Quarantine {
  readonly #deps: QuarantineDeps;

  constructor(deps: QuarantineDeps) {
    this.#deps = deps;
  }

  /** Answers with the path when everything is on disk under its name. One at a time. */
  keep(what: Overridden, done: Done<string, DiskFailure>): void {
    const { disk, folder } = this.#deps;
    disk.makeFolder(`${folder}/${FOLDER}`, (made) => {
      if (made.ok) this.#choose(what, 0, done);
      else done(made);
    });
  }

  /** A name that no file has yet. */
  #choose(what: Overridden, tries: number, done: Job['done']): void {
    const { disk, clock, folder, name } = this.#deps;
    const place = `${what.fromSeq}-${what.last.seq}.e${what.epoch}.${Math.floor(clock.wallNow())}${tries === 0 ? '' : `.${tries}`}`;
    const final = `${folder}/${FOLDER}/${name}-${place}.jsonl`;
    disk.stat(final, (found) => {
      if (found.ok && tries < NAMES_MAX) this.#choose(what, tries + 1, done);
      else if (found.ok) done({ ok: false, error: { code: 'exists', message: `${final} exists` } });
      else if (found.error.code !== 'missing') done(found);
      else this.#open({ what, done, partial: `${final}.partial`, final, file: 0, offset: 0, entries: 0, chunks: 0 });
    });
  }

  #open(job: Job): void {
    const { disk, clock, name } = this.#deps;
    const { fromSeq, last, appliedSeq, common, withState, primary, epoch, generation } = job.what;
    const header = encoder.encode(
      `${JSON.stringify({
        kind: 'quarantine',
        version: VERSION,
        replica: name,
        keptAtMs: Math.floor(clock.wallNow()),
        overriddenBy: { primary, epoch, generation: generation.primary },
        generation: generation.here,
        common: common === null ? null : positionLine(common),
        fromSeq,
        last: positionLine(last),
        appliedSeq,
        withState,
      })}\n`,
    );
    job.offset = header.length;
    // Made anew, and for the owner's eyes only; what a crash left under this name goes.
    disk.writeFile(job.partial, header, { secret: true }, (written) => {
      if (!written.ok) return job.done(written);
      disk.open(job.partial, 'write', (opened) => {
        if (!opened.ok) return job.done(opened);
        job.file = opened.value;
        this.#entries(job, fromSeq);
      });
    });
  }

  #entries(job: Job, fromSeq: number): void {
    const { last, appliedSeq } = job.what;
    if (fromSeq > last.seq) return job.what.withState ? this.#state(job, null, 0) : this.#end(job);
    this.#deps.source.read(fromSeq, PAGE_BYTES, (page) => {
      const entries = page?.entries ?? [];
      if (entries.length === 0) return this.#abort(job, { code: 'io', message: `The log has no entry ${fromSeq}` });
      job.entries += entries.length;
      const lines = entries.map(({ seq, epoch, hash, requestId, wallMs, payload }) =>
        JSON.stringify({
          kind: 'entry',
          seq,
          epoch,
          hash: toHex(hash),
          requestId,
          wallMs,
          applied: seq <= appliedSeq,
          change: base64(payload),
        }),
      );
      this.#write(job, lines, () => this.#entries(job, fromSeq + entries.length));
    });
  }

  #state(job: Job, seq: number | null, index: number): void {
    this.#deps.source.snapshotRead(seq, index, PAGE_BYTES, (chunk) => {
      if (chunk === null) return this.#abort(job, { code: 'io', message: 'The state moved on while it was read' });
      job.chunks++;
      const line = JSON.stringify({ kind: 'state', position: positionLine(chunk.position), index, bytes: base64(chunk.bytes) });
      this.#write(job, [line], () => (chunk.done ? this.#end(job) : this.#state(job, chunk.position.seq, index + 1)));
    });
  }

  #end(job: Job): void {
    const { disk, log } = this.#deps;
    const { entries, chunks, final, partial } = job;
    this.#write(job, [JSON.stringify({ kind: 'end', entries, chunks })], () =>
      disk.sync(job.file, (synced) => {
        if (!synced.ok) return this.#abort(job, synced.error);
        disk.close(job.file, (closed) => {
          if (!closed.ok) return job.done(closed);
          disk.rename(partial, final, (renamed) => {
            if (!renamed.ok) return job.done(renamed);
            log.error({ file: final, entries, chunks }, 'a forced promotion overrides what this replica holds: it is kept in quarantine');
            job.done(ok(final));
          });
        });
      }),
    );
  }

  #write(job: Job, lines: readonly string[], then: () => void): void {
    const bytes = encoder.encode(`${lines.join('\n')}\n`);
    const { offset } = job;
    job.offset += bytes.length;
    this.#deps.disk.write(job.file, offset, bytes, (written: Result<void, DiskFailure>) => {
      if (written.ok) then();
      else this.#abort(job, written.error);
    });
  }

  /** Nothing was removed yet: what is half written goes, so that it takes no room, and it begins anew later. */
  #abort(job: Job, error: DiskFailure): void {
    const { disk } = this.#deps;
    disk.close(job.file, () => disk.remove(job.partial, () => job.done({ ok: false, error })));
  }
}
