/** Share jobs: from paths to a content that is seeded and known to the catalog. */
import type { ApiCalls } from '../../protocol/api.ts';
import type { Durability } from '../../protocol/control/messages.ts';
import { Bitfield } from '../../protocol/bittorrent/bitfield.ts';
import { type Metainfo, readMetainfo } from '../../protocol/bittorrent/metainfo.ts';
import { type Done, type Failure, fail, ok, type Result } from '../../protocol/result.ts';
import type { TransferRecord } from '../../domain/transfer/journal.ts';
import { checkTags } from '../../domain/catalog/tags.ts';
import { createLayout } from '../../domain/transfer/torrent-layout.ts';
import type { TransferPlan } from '../transfer/setting.ts';
import type { Transfer } from '../transfer/transfer.ts';
import type { MadeTorrent, ShareMaker } from './share-job.ts';
import { isFinal, type Waiting } from './registrar.ts';
import type { Shelf } from './shelf.ts';

type JobState = ApiCalls['shareJob']['result'];

interface Job {
  readonly number: number;
  readonly args: ApiCalls['share']['args'];
  state: JobState;
}

export interface SharesSettings {
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

const begun: JobState = {
  state: 'hashing',
  doneBytes: 0,
  size: 0,
  skipped: 0,
  id: null,
  kept: false,
  code: null,
  message: null,
  durability: 'none',
};

/** Jobs that are remembered, done ones among them. */
const JOBS_MAX = 256;

const folderOf = (path: string): string => path.replace(/[/\\]+$/u, '').replace(/[/\\][^/\\]*$/u, '') || '/';

const asSentence = (text: string): string => (/[.!?]$/u.test(text) ? text : `${text}.`);

const afterFailure = ({ code }: Failure): string => (isFinal(code) ? ' Nobody finds it; take it away again with "shoal unshare".' : '');

export class Shares {
  readonly #settings: SharesSettings;
  readonly #jobs = new Map<number, Job>();
  /** One is hashed at a time; the others wait. */
  readonly #waiting: Job[] = [];
  #busy = false;
  #lastJob = 0;

  constructor(settings: SharesSettings) {
    this.#settings = settings;
  }

  /** The number of the job. Errors: `busy`; `bad-request` where the catalog would not take the tags. */
  begin(given: ApiCalls['share']['args']): Result<{ readonly job: number }> {
    const tags = checkTags(given.tags);
    if (!tags.ok) return tags;
    const args = { ...given, tags: tags.value };
    if (this.#waiting.length >= JOBS_MAX / 2) return fail('busy', `${this.#waiting.length} shares wait to be hashed already.`);
    const number = ++this.#lastJob;
    const job: Job = { number, args, state: begun };
    this.#jobs.set(number, job);
    this.#forgetOld();
    this.#waiting.push(job);
    this.#next();
    return ok({ job: number });
  }

  state(number: number): Result<JobState> {
    const job = this.#jobs.get(number);
    return job === undefined ? fail('not-found', `There is no share job ${number}.`) : ok(job.state);
  }

  #forgetOld(): void {
    for (const job of this.#jobs.values()) {
      if (this.#jobs.size <= JOBS_MAX) return;
      if (job.state.state === 'done' || job.state.state === 'failed') this.#jobs.delete(job.number);
    }
  }

  #next(): void {
    const job = this.#busy ? undefined : this.#waiting.shift();
    if (job === undefined) return;
    this.#busy = true;
    const { name, paths, pieceLength, v1 } = job.args;
    const progress = {
      planned: (size: number, skipped: number): void => void (job.state = { ...job.state, size, skipped }),
      hashed: (doneBytes: number): void => void (job.state = { ...job.state, doneBytes }),
    };
    this.#settings.maker.make({ name, paths, pieceLength, v1 }, progress, (made) => {
      this.#busy = false;
      if (made.ok) this.#keep(job, made.value);
      else this.#failed(job, made.error);
      this.#next();
    });
  }

  #keep(job: Job, made: MadeTorrent): void {
    const read = readMetainfo(made.torrent);
    if (!read.ok) return this.#failed(job, read.error);
    const { id } = read.value;
    const { changing } = this.#settings;
    if (changing.has(id)) return this.#failed(job, { code: 'busy', message: 'This content is being changed just now; share it again.' });
    changing.add(id);
    return this.#take(job, made, read.value, (taken) => {
      changing.delete(id);
      if (taken.ok) this.#register(job, taken.value);
      else this.#failed(job, taken.error);
    });
  }

  /** The transfer that gives what was made: the one that is there, where that can, else a new one. */
  #take(job: Job, made: MadeTorrent, metainfo: Metainfo, done: Done<Transfer>): void {
    const held = this.#settings.held(metainfo.id);
    if (held === null) return this.#shelve(job, made, metainfo, done);
    if (!held.notes.placed)
      return done(
        fail('exists', `This content is being downloaded to ${held.notes.folder}. Remove that download first to share it from here.`),
      );
    // What cannot be given from where it lay is given from here.
    if (held.phase === 'failed' || (held.phase !== 'checking' && !held.content.map.full))
      return this.#settings.release(held, (released) => (released.ok ? this.#shelve(job, made, metainfo, done) : done(released)));
    if (held.phase === 'paused') held.resume();
    return done(ok(held));
  }

  #shelve(job: Job, made: MadeTorrent, metainfo: Metainfo, done: Done<Transfer>): void {
    const layout = createLayout(metainfo);
    if (!layout.ok) return done(layout);
    const record: TransferRecord = {
      version: 1,
      id: metainfo.id,
      origin: 'share',
      folder: folderOf(job.args.paths[0] as string),
      tags: job.args.tags,
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

  #register(job: Job, transfer: Transfer): void {
    job.state = { ...job.state, state: 'registering', doneBytes: job.state.size, id: transfer.id };
    const done: Done<Durability> = (registered) => {
      if (registered.ok) job.state = { ...job.state, state: 'done', durability: registered.value };
      else this.#notRegistered(job, registered.error);
    };
    this.#settings.register(transfer, { require: job.args.require ?? 'any', done });
  }

  #notRegistered(job: Job, failure: Failure): void {
    this.#failed(job, { ...failure, message: `${asSentence(failure.message)}${afterFailure(failure)}` });
    job.state = { ...job.state, kept: failure.code !== 'removed' && !isFinal(failure.code) };
  }

  #failed(job: Job, { code, message }: Failure): void {
    job.state = { ...job.state, state: 'failed', code, message };
  }
}
