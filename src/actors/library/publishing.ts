/** Publishing: a torrent that is there already, from wherever it came, is taken into the catalog under its info-hash. */
import type { Clock } from '../../ports/clock.ts';
import type { Disk } from '../../ports/disk.ts';
import type { ApiCalls } from '../../protocol/api.ts';
import type { PieceIndex } from '../../protocol/bittorrent/ids.ts';
import { type Metainfo, readMetainfo } from '../../protocol/bittorrent/metainfo.ts';
import { type Done, type Failure, fail, ok, type Result } from '../../protocol/result.ts';
import { checkTags } from '../../domain/catalog/tags.ts';
import { isOfCatalog, type SwarmKind, type TransferRecord } from '../../domain/transfer/journal.ts';
import { createLayout, type TorrentLayout } from '../../domain/transfer/torrent-layout.ts';
import type { TransferPlan } from '../transfer/setting.ts';
import type { Transfer } from '../transfer/transfer.ts';
import type { Holdings } from './holdings.ts';
import { type Job, type JobBook, jobFailed, jobRegisters, JOBS_MAX } from './job-book.ts';
import { isWhere, type Located, locate } from './locate.ts';
import type { Waiting } from './registrar.ts';
import type { Shelf } from './shelf.ts';
import { isAbsolute } from './walk.ts';

type PublishArgs = ApiCalls['publish']['args'];

export interface PublishingSettings {
  readonly jobs: JobBook;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly shelf: Shelf;
  readonly holdings: Holdings;
  /** Looked in as well. */
  readonly downloadFolder: string;
  begin(plan: TransferPlan): Transfer;
  /** Stops a transfer and takes it off the shelf. Errors: the disk's. */
  release(transfer: Transfer, done: Done<void>): void;
  /** Tells the catalog; answers the first attempt. */
  register(transfer: Transfer, first: Waiting): void;
}

interface Publication {
  readonly job: Job;
  readonly args: PublishArgs;
}

/** One whose data is being checked. */
interface Checking extends Publication {
  readonly transfer: Transfer;
}

/** A torrent of others may go on meeting those peers that its trackers know, but one that says it is private may not. */
const published = (metainfo: Metainfo): SwarmKind => (metainfo.private || metainfo.trackers.length === 0 ? 'catalog' : 'both');

export class Publishing {
  readonly #settings: PublishingSettings;
  readonly #checking = new Map<string, Checking>();

  constructor(settings: PublishingSettings) {
    this.#settings = settings;
  }

  /** The number of the job. Errors: `bad-request`, `torrent-invalid`, `not-found`, `ambiguous`, `busy`. */
  begin(given: PublishArgs, done: Done<{ readonly job: number }>): void {
    const tags = checkTags(given.tags);
    if (!tags.ok) return done(tags);
    const args = { ...given, tags: tags.value };
    if (this.#checking.size >= JOBS_MAX / 2) return done(fail('busy', `${this.#checking.size} torrents are being checked already.`));
    for (const path of [args.data, args.beside])
      if (path !== null && !isAbsolute(path)) return done(fail('bad-request', `${path} is no absolute path.`));
    if (args.torrent !== null) return done(this.#ofTorrent(args, Uint8Array.from(Buffer.from(args.torrent, 'base64'))));
    return this.#settings.holdings.with(args.id ?? '', done, (transfer) => {
      const publication = { job: this.#settings.jobs.open(), args };
      this.#ofHeld(publication, transfer, () => this.#fail(publication, notWhole(transfer)));
      done(ok({ job: publication.job.number }));
    });
  }

  /** Of any transfer: the data of one that waits for it has been checked. */
  phaseChanged(transfer: Transfer): void {
    const checking = this.#checking.get(transfer.id);
    if (checking?.transfer !== transfer) return;
    const { job } = checking;
    job.state = { ...job.state, doneBytes: transfer.doneBytes };
    if (isGiven(transfer)) {
      this.#over(transfer.id);
      this.#register(checking, transfer);
    } else if (transfer.phase === 'failed') {
      // Its reason is known when the machine has come to rest.
      this.#checking.delete(transfer.id);
      this.#settings.clock.setTimer(0, () => this.#differs(checking));
    }
  }

  /** How far the job is; brought up to date from its transfer. */
  refresh(): void {
    for (const { job, transfer } of this.#checking.values()) job.state = { ...job.state, doneBytes: transfer.doneBytes };
  }

  #ofTorrent(args: PublishArgs, bytes: Uint8Array): Result<{ readonly job: number }> {
    const read = readMetainfo(bytes);
    if (!read.ok) return fail('torrent-invalid', `This is no valid torrent file: ${read.error.message}.`);
    const metainfo = read.value;
    if (metainfo.missingLayers)
      return fail('torrent-invalid', 'This torrent file lacks its piece layers, so nobody could check its pieces: get a complete one.');
    const layout = createLayout(metainfo);
    if (!layout.ok) return fail('torrent-invalid', `This torrent cannot be shared: ${layout.error.message}.`);
    const publication = { job: this.#settings.jobs.open(), args };
    publication.job.state = { ...publication.job.state, size: metainfo.contentBytes };
    const held = this.#settings.holdings.get(metainfo.id);
    const fresh = (): void => this.#fresh(publication, bytes, metainfo, layout.value);
    if (held === undefined) fresh();
    else this.#ofHeld(publication, held, fresh);
    return ok({ job: publication.job.number });
  }

  /** `otherwise`: it cannot be given from where it lies. */
  #ofHeld(publication: Publication, held: Transfer, otherwise: () => void): void {
    const { changing } = this.#settings.holdings;
    if (changing.has(held.id)) return this.#fail(publication, fail('busy', 'It is being changed just now; publish it again.'));
    publication.job.state = { ...publication.job.state, size: held.size, doneBytes: held.doneBytes };
    if (isGiven(held) && held.content.map.full) return this.#again(publication, held);
    if (!held.notes.placed || publication.args.torrent === null) return this.#fail(publication, notWhole(held));
    changing.add(held.id);
    return this.#settings.release(held, (released) => {
      changing.delete(held.id);
      if (released.ok) otherwise();
      else this.#fail(publication, released);
    });
  }

  /** It is given already: from where it lies, and from nowhere else. */
  #again(publication: Publication, held: Transfer): void {
    const { args, job } = publication;
    const { content, layout, notes } = held;
    const register = (): void => {
      if (isOfCatalog(notes.swarm) && notes.owned) job.state = { ...job.state, already: notes.folder };
      this.#register(publication, held);
    };
    if (args.data === null) return register();
    const paths = content.storage.files.map(({ path }) => path);
    return isWhere(this.#settings.disk, layout, args.data, paths, (is) =>
      is ? register() : this.#fail(publication, elsewhere(held, args.data)),
    );
  }

  #fresh(publication: Publication, bytes: Uint8Array, metainfo: Metainfo, layout: TorrentLayout): void {
    const { disk, downloadFolder, holdings } = this.#settings;
    const { args } = publication;
    if (holdings.changing.has(layout.id)) return this.#fail(publication, fail('busy', 'It is being changed just now; publish it again.'));
    holdings.changing.add(layout.id);
    const folders = [args.beside, downloadFolder].filter((folder) => folder !== null);
    return locate(disk, layout, { data: args.data, folders }, (located) => {
      if (!located.ok) return this.#abandon(publication, layout.id, located);
      const record = recordOf(layout, located.value, args.tags, published(metainfo));
      return this.#settings.shelf.put(record, bytes, (stored) => {
        if (!stored.ok) return this.#abandon(publication, layout.id, stored);
        const transfer = this.#settings.begin({ metainfo, layout, record });
        this.#checking.set(layout.id, { ...publication, transfer });
        return undefined;
      });
    });
  }

  #register(publication: Publication, transfer: Transfer): void {
    const { args, job } = publication;
    const register: Done<void> = (kept) => {
      if (!kept.ok) return jobFailed(job, kept.error);
      return this.#settings.register(transfer, { require: args.require ?? 'any', done: jobRegisters(job, transfer.id) });
    };
    // First the journal, then the catalog: what is named there is given there, also after a crash.
    if (isOfCatalog(transfer.notes.swarm)) register(ok(undefined));
    else transfer.meetIn(published(transfer.metainfo), args.tags, register);
  }

  /** What lies there is not what the torrent is of: nothing of it stays behind. */
  #differs(checking: Checking): void {
    const { transfer } = checking;
    const found = transfer.content.map;
    const right = `${found.haveCount} of ${found.count} pieces are right`;
    const why = `Its data is not that of the torrent: ${right}. ${differing(transfer)} differs.`;
    this.#settings.release(transfer, () => this.#abandon(checking, transfer.id, fail('data-differs', why)));
  }

  #over(id: string): void {
    this.#checking.delete(id);
    this.#settings.holdings.changing.delete(id);
  }

  #abandon(publication: Publication, id: string, { error }: { readonly error: Failure }): void {
    this.#over(id);
    jobFailed(publication.job, error);
  }

  #fail({ job }: Publication, { error }: { readonly error: Failure }): void {
    jobFailed(job, error);
  }
}

/** The path of the first file that is not right: one with a wrong piece to itself, else one that shares such a piece. */
const differing = ({ content, notes }: Transfer): string => {
  const { layout, map, storage } = content;
  const wrong = Array.from({ length: layout.pieceCount }, (_, piece) => piece as PieceIndex).filter((piece) => !map.has(piece));
  const segments = wrong.map((piece) => layout.segments(piece));
  const [segment] = segments.find(({ length }) => length === 1) ?? segments[0] ?? [];
  return segment === undefined ? notes.folder : (storage.files[segment.file.index]?.path ?? notes.folder);
};

/** Checked and complete; it is given now, or when there is room for it. */
const isGiven = ({ phase }: Transfer): boolean => phase === 'seeding' || phase === 'resting';

const notWhole = ({ notes, phase }: Transfer): { readonly ok: false; readonly error: Failure } => {
  if (phase === 'checking') return fail('busy', 'It is being checked just now; publish it when that is done.');
  if (phase === 'paused' && notes.placed) return fail('paused', 'It is paused: resume it, then publish it.');
  if (phase === 'seeding' || phase === 'resting')
    return fail('exists', 'Only some of its files are here: get the others first, then publish it.');
  return fail('exists', `It is in ${notes.folder} and not complete (${phase}): publish it when it is.`);
};

const elsewhere = ({ id, notes: { folder } }: Transfer, data: string | null): { readonly ok: false; readonly error: Failure } =>
  fail(
    'shared-elsewhere',
    `It is here already, in ${folder}, and given from there, not from ${data}. To give it from elsewhere move it ("shoal move ${id.slice(0, 12)} FOLDER"), or first remove it ("shoal remove ${id.slice(0, 12)}", which leaves its files).`,
  );

const recordOf = (layout: TorrentLayout, { folder, paths }: Located, tags: readonly string[], swarm: SwarmKind): TransferRecord => ({
  version: 1,
  id: layout.id,
  origin: 'share',
  folder,
  tags,
  placed: true,
  sequential: false,
  paused: false,
  owned: false,
  ...(swarm === 'catalog' ? {} : { swarm }),
  clean: true,
  have: '',
  unsettled: Array.from({ length: layout.pieceCount }, (_, piece) => piece),
  uploadedBytes: 0,
  downloadedBytes: 0,
  files: paths.map((path) => ({ path, selected: true, adopted: true, facts: null })),
});
