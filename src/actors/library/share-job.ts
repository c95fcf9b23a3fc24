/** Makes a torrent of files where they lie: walk, hash with progress, look again whether anything changed. */
import type { BufferPool } from '../../data/buffers.ts';
import { dataLimits } from '../../data/limits.ts';
import { each } from '../../data/each.ts';
import type { OpenFiles } from '../../data/open-files.ts';
import type { Ports } from '../../ports/ports.ts';
import {
  finishTorrent,
  type PieceDigestsMade,
  plannedPiece,
  type PlannedSegment,
  planTorrent,
  type SourceFile,
  type TorrentPlan,
} from '../../protocol/bittorrent/make.ts';
import { type Done, type Failure, fail, ok } from '../../protocol/result.ts';
import { sameFile } from '../../domain/transfer/journal.ts';
import { baseName, type FoundFile, isAbsolute, walk } from './walk.ts';

export interface ShareRequest {
  readonly paths: readonly string[];
  readonly name: string | null;
  readonly v1: boolean;
  readonly pieceLength: number | null;
}

export interface MadeTorrent {
  readonly torrent: Uint8Array;
  /** The files in the order of the torrent, as they were found. */
  readonly files: readonly FoundFile[];
}

export interface ShareProgress {
  /** `skipped`: links, devices and the like that are left out. */
  planned(size: number, skipped: number): void;
  hashed(doneBytes: number): void;
}

const BUSY_RETRY_MICROS = 50_000;

export class ShareMaker {
  readonly #ports: Pick<Ports, 'disk' | 'crypto' | 'clock'>;
  readonly #pool: BufferPool;
  readonly #open: OpenFiles;

  constructor(ports: Pick<Ports, 'disk' | 'crypto' | 'clock'>, pool: BufferPool, open: OpenFiles) {
    this.#ports = ports;
    this.#pool = pool;
    this.#open = open;
  }

  /** Errors: those of `walk` and `planTorrent`, `bad-request`, `changed` (a file changed while it was hashed), the disk's. */
  make(request: ShareRequest, progress: ShareProgress, done: Done<MadeTorrent>): void {
    const refused = refuse(request);
    if (refused !== null) {
      this.#ports.clock.setTimer(0, () => done({ ok: false, error: refused }));
      return;
    }
    const found: FoundFile[] = [];
    let skipped = 0;
    const several = request.paths.length > 1;
    const walkOne = (path: string, next: Done<void, Failure>): void =>
      walk(this.#ports.disk, path, (walked) => {
        if (!walked.ok) return next(walked);
        for (const file of walked.value.files) found.push(several ? { ...file, names: [baseName(path), ...file.names] } : file);
        skipped += walked.value.skipped;
        return next(ok(undefined));
      });
    each(request.paths, walkOne, (walked) => {
      if (!walked.ok) return done(walked);
      const sources = found.map((file): SourceFile => ({ path: file.names, size: file.stat.size }));
      const plan = planTorrent(sources, {
        name: request.name ?? baseName(request.paths[0] as string),
        version: request.v1 ? 'v1' : 'hybrid',
        ...(request.pieceLength === null ? {} : { pieceLength: request.pieceLength }),
      });
      if (!plan.ok) return done(plan);
      progress.planned(plan.value.contentBytes, skipped);
      return this.#hash(plan.value, found, progress, done);
    });
  }

  #hash(plan: TorrentPlan, found: readonly FoundFile[], progress: ShareProgress, done: Done<MadeTorrent>): void {
    const files = plan.files.map((file) => found[file.source] as FoundFile);
    const digests: PieceDigestsMade[] = [];
    const state = { next: 0, hashed: 0, doneBytes: 0, over: false };
    const finish: Done<void> = (result) => {
      if (state.over) return undefined;
      state.over = true;
      if (!result.ok) return done(result);
      return this.#unchanged(files, (same) => {
        if (!same.ok) return done(same);
        const torrent = finishTorrent(plan, digests, { createdBy: 'Shoal' });
        return done(torrent.ok ? ok({ torrent: torrent.value, files }) : torrent);
      });
    };
    const more = (): void => {
      while (!state.over && state.next < plan.pieceCount && state.next - state.hashed < dataLimits.checksUnderWayMax) {
        const piece = state.next++;
        this.#hashPiece(plan, files, piece, (result) => {
          if (!result.ok) return finish(result);
          digests[piece] = result.value;
          state.hashed++;
          state.doneBytes += plannedPiece(plan, piece).length;
          progress.hashed(state.doneBytes);
          return state.hashed === plan.pieceCount ? finish(ok(undefined)) : more();
        });
      }
    };
    more();
  }

  #hashPiece(plan: TorrentPlan, files: readonly FoundFile[], index: number, answer: Done<PieceDigestsMade>): void {
    const piece = plannedPiece(plan, index);
    const memory = this.#pool.take(piece.length);
    if (memory === null) {
      this.#pool.wait(() => this.#hashPiece(plan, files, index, answer));
      return;
    }
    const done: Done<PieceDigestsMade> = (result) => {
      this.#pool.give(memory);
      answer(result);
    };
    const bytes = memory.subarray(0, piece.length);
    let at = 0;
    const readOne = (segment: PlannedSegment, next: Done<void>): void => {
      const into = bytes.subarray(at, at + segment.length);
      at += segment.length;
      this.#read(files[segment.file] as FoundFile, segment.offset, into, next);
    };
    const digest = (): void =>
      this.#ports.crypto.pieceDigests(
        bytes,
        { sha1: piece.sha1, sha1ZeroTail: piece.sha1ZeroTail, merkleLeaves: piece.merkleLeaves },
        (digests) => {
          if (!digests.ok && digests.error.code === 'busy') this.#ports.clock.setTimer(BUSY_RETRY_MICROS, digest);
          else done(digests);
        },
      );
    each<PlannedSegment, Failure>(piece.segments, readOne, (read) => (read.ok ? digest() : done(read)));
  }

  #read(file: FoundFile, offset: number, into: Uint8Array, done: Done<void>): void {
    this.#open.acquire(file.path, 'read', (opened) => {
      if (!opened.ok) return done(opened.error.code === 'missing' ? changed(file) : opened);
      return this.#ports.disk.read(opened.value, offset, into, (read) => {
        this.#open.release(file.path, 'read');
        if (!read.ok) done(read);
        else done(read.value < into.length ? changed(file) : ok(undefined));
      });
    });
  }

  #unchanged(files: readonly FoundFile[], done: Done<void>): void {
    const look = (file: FoundFile, next: Done<void, Failure>): void =>
      this.#ports.disk.stat(file.path, (stat) => next(stat.ok && sameFile(stat.value, file.stat) ? ok(undefined) : changed(file)));
    each(files, look, done);
  }
}

const changed = (file: FoundFile): { readonly ok: false; readonly error: Failure } =>
  fail('changed', `${file.path} changed while it was hashed. Share it again when nothing writes to it any more.`);

const refuse = ({ paths, name }: ShareRequest): Failure | null => {
  if (paths.length === 0) return { code: 'bad-request', message: 'Name a file or folder to share.' };
  if (paths.length > 1 && name === null)
    return { code: 'bad-request', message: 'Several paths make one torrent, which needs a name: give it with --name.' };
  const relative = paths.find((path) => !isAbsolute(path));
  if (relative !== undefined) return { code: 'bad-request', message: `${relative} is no absolute path.` };
  if (paths.some((path) => baseName(path) === ''))
    return { code: 'bad-request', message: 'The root of a disk cannot be shared. Name a file or a folder.' };
  return null;
};
