/** Share jobs: from paths to a content that is seeded and known to the catalog. */
import type { ApiCalls } from '../../protocol/api.ts';
import { Bitfield } from '../../protocol/bittorrent/bitfield.ts';
import { type Metainfo, readMetainfo } from '../../protocol/bittorrent/metainfo.ts';
import { type Done, fail, ok, type Result } from '../../protocol/result.ts';
import { isOfCatalog, type TransferRecord } from '../../domain/transfer/journal.ts';
import { checkTags } from '../../domain/catalog/tags.ts';
import { createLayout } from '../../domain/transfer/torrent-layout.ts';
import type { TransferPlan } from '../transfer/setting.ts';
import type { Transfer } from '../transfer/transfer.ts';
import { type Job, type JobBook, jobFailed, jobRegisters, JOBS_MAX } from './job-book.ts';
import type { MadeTorrent, ShareMaker } from './share-job.ts';
import type { Waiting } from './registrar.ts';
import type { Shelf } from './shelf.ts';

interface ShareJob {
  readonly job: Job;
  readonly args: ApiCalls['share']['args'];
}

export interface SharesSettings {
  readonly jobs: JobBook;
  readonly maker: ShareMaker;
  readonly shelf: Shelf;
  /** The transfer that the node has already. */
  held(id: string): Transfer | null;
  begin(plan: TransferPlan): Transfer;
  /** Lets go of a transfer for one that takes its place. Errors: the disk's. */
  release(transfer: Transfer, done: Done<void>): void;
  /** Ids of what is being set up, changed or removed just now, shares among them. */
  readonly changing: Set<string>;
  /** Tells the catalog; answers the first attempt. */
  register(transfer: Transfer, first: Waiting): void;
}

const folderOf = (path: string): string => path.replace(/[/\\]+$/u, '').replace(/[/\\][^/\\]*$/u, '') || '/';

export class Shares {
  readonly #settings: SharesSettings;
  /** One is hashed at a time; the others wait. */
  readonly #waiting: ShareJob[] = [];
  #busy = false;

  constructor(settings: SharesSettings) {
    this.#settings = settings;
  }

  /** The number of the job. Errors: `busy`; `bad-request` where the catalog would not take the tags. */
  begin(given: ApiCalls['share']['args']): Result<{ readonly job: number }> {
    const tags = checkTags(given.tags);
    if (!tags.ok) return tags;
    const args = { ...given, tags: tags.value };
    if (this.#waiting.length >= JOBS_MAX / 2) return fail('busy', `${this.#waiting.length} shares wait to be hashed already.`);
    const job = this.#settings.jobs.open();
    this.#waiting.push({ job, args });
    this.#next();
    return ok({ job: job.number });
  }

  #next(): void {
    const next = this.#busy ? undefined : this.#waiting.shift();
    if (next === undefined) return;
    this.#busy = true;
    const { job } = next;
    const { name, paths, pieceLength, v1 } = next.args;
    const progress = {
      planned: (size: number, skipped: number): void => void (job.state = { ...job.state, size, skipped }),
      hashed: (doneBytes: number): void => void (job.state = { ...job.state, doneBytes }),
    };
    this.#settings.maker.make({ name, paths, pieceLength, v1 }, progress, (made) => {
      this.#busy = false;
      if (made.ok) this.#keep(next, made.value);
      else jobFailed(job, made.error);
      this.#next();
    });
  }

  #keep(share: ShareJob, made: MadeTorrent): void {
    const read = readMetainfo(made.torrent);
    if (!read.ok) return jobFailed(share.job, read.error);
    const { id } = read.value;
    const { changing } = this.#settings;
    if (changing.has(id)) return jobFailed(share.job, { code: 'busy', message: 'This content is being changed just now; share it again.' });
    changing.add(id);
    return this.#take(share, made, read.value, (taken) => {
      changing.delete(id);
      if (taken.ok) this.#register(share, taken.value);
      else jobFailed(share.job, taken.error);
    });
  }

  /** The transfer that gives what was made: the one that is there, where that can, else a new one. */
  #take(share: ShareJob, made: MadeTorrent, metainfo: Metainfo, done: Done<Transfer>): void {
    const held = this.#settings.held(metainfo.id);
    if (held === null) return this.#shelve(share, made, metainfo, done);
    if (!held.notes.placed)
      return done(
        fail('exists', `This content is being downloaded to ${held.notes.folder}. Remove that download first to share it from here.`),
      );
    // What cannot be given from where it lay is given from here.
    if (held.phase === 'failed' || (held.phase !== 'checking' && !held.content.map.full))
      return this.#settings.release(held, (released) => (released.ok ? this.#shelve(share, made, metainfo, done) : done(released)));
    if (held.phase === 'paused') held.resume();
    // It may have come from elsewhere.
    if (isOfCatalog(held.notes.swarm)) return done(ok(held));
    return held.meetIn('catalog', share.args.tags, (kept) => done(kept.ok ? ok(held) : kept));
  }

  #shelve({ args }: ShareJob, made: MadeTorrent, metainfo: Metainfo, done: Done<Transfer>): void {
    const layout = createLayout(metainfo);
    if (!layout.ok) return done(layout);
    const record: TransferRecord = {
      version: 1,
      id: metainfo.id,
      origin: 'share',
      folder: folderOf(args.paths[0] as string),
      tags: args.tags,
      placed: true,
      sequential: false,
      paused: false,
      owned: false,
      clean: true,
      have: Buffer.from(Bitfield.full(layout.value.pieceCount).toBytes()).toString('base64'),
      unsettled: [],
      uploadedBytes: 0,
      downloadedBytes: 0,
      files: made.files.map(({ path, stat }) => ({
        path,
        selected: true,
        adopted: true,
        facts: { size: stat.size, modifiedMs: stat.modifiedMs, identity: stat.identity },
      })),
    };
    return this.#settings.shelf.put(record, made.torrent, (stored) =>
      done(stored.ok ? ok(this.#settings.begin({ metainfo, layout: layout.value, record })) : stored),
    );
  }

  #register({ job, args }: ShareJob, transfer: Transfer): void {
    this.#settings.register(transfer, { require: args.require ?? 'any', done: jobRegisters(job, transfer.id) });
  }
}
