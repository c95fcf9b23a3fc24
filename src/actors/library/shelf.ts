/** The records of transfers in the data folder: for each, `ID.json` (its journal) and `ID.torrent`. */
import { each } from '../../data/each.ts';
import type { Disk } from '../../ports/disk.ts';
import type { Log } from '../../ports/log.ts';
import { type Metainfo, readMetainfo } from '../../protocol/bittorrent/metainfo.ts';
import { metainfoLimits } from '../../protocol/bittorrent/metainfo-files.ts';
import { type Done, type Failure, ok } from '../../protocol/result.ts';
import { decodeRecord, encodeRecord, type TransferRecord } from '../../domain/transfer/journal.ts';
import { createLayout } from '../../domain/transfer/torrent-layout.ts';
import { clearAway, finalRoot, joinPath, partRoot } from '../transfer/placement.ts';
import type { TransferPlan } from '../transfer/setting.ts';
import type { Transfer } from '../transfer/transfer.ts';

const RECORD_BYTES_MAX = 128 * 1024 * 1024;

export class Shelf {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #log: Log;

  constructor(disk: Disk, folder: string, log: Log) {
    this.#disk = disk;
    this.#folder = folder;
    this.#log = log;
  }

  recordPath(id: string): string {
    return joinPath(this.#folder, `${id}.json`);
  }

  #torrentPath(id: string): string {
    return joinPath(this.#folder, `${id}.torrent`);
  }

  /** The torrent before the record: a record always has its torrent. */
  put(record: TransferRecord, torrent: Uint8Array, done: Done<void>): void {
    this.#disk.writeFile(this.#torrentPath(record.id), torrent, {}, (written) => {
      if (written.ok) this.#disk.writeFile(this.recordPath(record.id), encodeRecord(record), {}, done);
      else done(written);
    });
  }

  torrent(id: string, bytesMax: number, done: Done<Uint8Array>): void {
    this.#disk.readFile(this.#torrentPath(id), bytesMax, done);
  }

  remove(id: string, done: Done<void>): void {
    this.#disk.remove(this.recordPath(id), (removed) => {
      if (removed.ok) this.#disk.remove(this.#torrentPath(id), done);
      else done(removed);
    });
  }

  /** Deletes what a download has written; files that were there before it stay. */
  removeData(transfer: Transfer, disk: Disk, done: Done<void>): void {
    const own = transfer.content.storage.files.filter((file) => !file.adopted);
    each<(typeof own)[number], Failure>(
      own,
      (file, next) => disk.remove(file.path, next),
      (result) => {
        if (!result.ok) return done(result);
        return clearAway(disk, partRoot(transfer.notes.folder, transfer.layout), () =>
          clearAway(disk, finalRoot(transfer.notes.folder, transfer.layout), () => done(ok(undefined))),
        );
      },
    );
  }

  /** Everything on the shelf. What cannot be read is left where it is and logged. */
  load(done: Done<readonly TransferPlan[]>): void {
    const plans: TransferPlan[] = [];
    this.#disk.makeFolder(this.#folder, (made) => {
      if (!made.ok) return done(made);
      return this.#disk.list(this.#folder, (listed) => {
        if (!listed.ok) return done(listed);
        const ids = listed.value
          .flatMap(({ name }) => (/^[0-9a-f]{40,64}\.json$/u.test(name) ? [name.slice(0, -'.json'.length)] : []))
          .toSorted();
        const load = (id: string, next: Done<void, never>): void =>
          this.#load(id, (plan) => {
            if (plan.ok) plans.push(plan.value);
            else this.#log.error({ transfer: id, reason: plan.error.message }, 'A transfer could not be taken up again');
            next(ok(undefined));
          });
        // A torrent alone is what a process has left that ended between its two files.
        const known = new Set(ids.map((id) => `${id}.json`));
        const left = listed.value.filter(({ name }) => name.endsWith('.torrent') && !known.has(name.replace(/torrent$/u, 'json')));
        const sweep = (entry: (typeof left)[number], next: Done<void, never>): void =>
          this.#disk.remove(joinPath(this.#folder, entry.name), () => next(ok(undefined)));
        return each(left, sweep, () => each(ids, load, () => done(ok(plans))));
      });
    });
  }

  #load(id: string, done: Done<TransferPlan>): void {
    this.torrent(id, metainfoLimits.torrentBytesMax, (torrent) => {
      if (!torrent.ok) return done(torrent);
      const metainfo = readMetainfo(torrent.value);
      if (!metainfo.ok) return done(metainfo);
      return this.#disk.readFile(this.recordPath(id), RECORD_BYTES_MAX, (bytes) => {
        if (!bytes.ok) return done(bytes);
        const record = decodeRecord(bytes.value);
        return record.ok ? done(planOf(metainfo.value, record.value)) : done(record);
      });
    });
  }
}

const planOf = (metainfo: Metainfo, record: TransferRecord): Parameters<Done<TransferPlan>>[0] => {
  const layout = createLayout(metainfo);
  if (!layout.ok) return layout;
  if (layout.value.id !== record.id || layout.value.files.length !== record.files.length) {
    return { ok: false, error: { code: 'record-invalid', message: 'The record is not that of its torrent.' } };
  }
  return ok({ metainfo, layout: layout.value, record });
};
