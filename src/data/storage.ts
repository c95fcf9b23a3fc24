import type { Clock, Micros } from '../ports/clock.ts';
import { millis } from '../ports/clock.ts';
import type { Disk, DiskFailure, FileHandle, FileStat } from '../ports/disk.ts';
import type { PieceIndex } from '../protocol/bittorrent/ids.ts';
import { type Done, type Failure, fail, ok } from '../protocol/result.ts';
import { type FileFacts, sameFile } from '../domain/transfer/journal.ts';
import type { TorrentLayout } from '../domain/transfer/torrent-layout.ts';
import { each } from './each.ts';
import { dataLimits } from './limits.ts';
import type { OpenFiles } from './open-files.ts';

/** `changed`: the file is not the one that was hashed, or is too short. The others as the disk says. */
export type StorageFailure = Failure<'changed' | DiskFailure['code']>;

export interface StoredFile {
  /** Absolute. */
  path: string;
  /** What the file looked like when it was known to be right; null while it is written. */
  facts: FileFacts | null;
  /** A finished file that was there before: never written to. */
  adopted: boolean;
}

interface Part {
  readonly file: number;
  readonly fileOffset: number;
  readonly bytes: Uint8Array;
}

/** The pieces of a torrent in its files, through the node's open files. */
export class Storage {
  readonly files: readonly StoredFile[];
  readonly #layout: TorrentLayout;
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #open: OpenFiles;
  // Made when they are needed: of many contents, few are read, and fewer written.
  #checkedAt: Map<number, Micros> | null = null;
  #foldersMade: Set<string> | null = null;
  /** Files with writes that no sync has covered, each with the number of its last write. */
  #unsynced: Map<number, number> | null = null;
  #writes = 0;
  /** Reads that wait while files are moved. */
  #held: (() => void)[] | null = null;

  constructor(settings: {
    readonly layout: TorrentLayout;
    readonly disk: Disk;
    readonly clock: Clock;
    readonly open: OpenFiles;
    readonly files: readonly StoredFile[];
  }) {
    this.#layout = settings.layout;
    this.#disk = settings.disk;
    this.#clock = settings.clock;
    this.#open = settings.open;
    this.files = settings.files;
  }

  /** Reads part of a piece; padding reads as zeros. Fails where a file is gone, too short, or not the one it was. */
  read(piece: PieceIndex, begin: number, into: Uint8Array, done: Done<void, StorageFailure>): void {
    if (this.#held !== null) {
      this.#held.push(() => this.read(piece, begin, into, done));
      return;
    }
    const parts = this.#parts(piece, begin, into);
    if (parts.reduce((sum, part) => sum + part.bytes.length, 0) < into.length) zeroGaps(into, parts);
    const readOne = (part: Part, next: Done<void, StorageFailure>): void =>
      this.#checked(part.file, (fresh) => (fresh.ok ? this.#readPart(part, next) : next(fresh)));
    each<Part, StorageFailure>(parts, readOne, done);
  }

  /** Writes a whole piece. Files that were there before are left as they are. */
  write(piece: PieceIndex, bytes: Uint8Array, done: Done<void, StorageFailure>): void {
    const parts = this.#parts(piece, 0, bytes).filter((part) => this.files[part.file]?.adopted === false);
    each<Part, StorageFailure>(parts, (part, next) => this.#writePart(part, next), done);
  }

  /**
   * What was written before the call survives a crash when it answers. Also answers which files were touched. After a
   * failure all of them count as unsynced still.
   */
  sync(done: Done<readonly number[], StorageFailure>): void {
    const covered = [...(this.#unsynced ?? [])];
    const syncOne = ([file]: readonly [number, number], next: Done<void, StorageFailure>): void =>
      this.#withFile<void>(file, 'write', (handle, finish) => this.#disk.sync(handle, finish), next);
    each<readonly [number, number], StorageFailure>(covered, syncOne, (result) => {
      if (!result.ok) return done(result);
      // What was written meanwhile waits for the next sync.
      for (const [file, write] of covered) if (this.#unsynced?.get(file) === write) this.#unsynced.delete(file);
      return done(ok(covered.map(([file]) => file)));
    });
  }

  /** Makes an empty file, with its folders. */
  makeEmpty(file: number, done: Done<void, StorageFailure>): void {
    this.#writable(file, (handle, finish) => this.#disk.truncate(handle, 0, finish), done);
  }

  /** The folder of a path, made once. */
  makeFolderOf(path: string, done: Done<void, StorageFailure>): void {
    const folder = path.slice(0, Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')));
    if (this.#foldersMade?.has(folder) === true) {
      done(ok(undefined));
      return;
    }
    this.#disk.makeFolder(folder, (made) => {
      if (made.ok) (this.#foldersMade ??= new Set()).add(folder);
      done(made);
    });
  }

  stat(file: number, done: Done<FileStat, DiskFailure>): void {
    this.#disk.stat(this.#file(file).path, done);
  }

  /** Closes every file of the torrent, so that it can be renamed or removed. Reads wait until `thaw`. */
  freeze(done: () => void): void {
    this.#held ??= [];
    this.#foldersMade = null;
    each(
      this.files,
      (file, next) => this.#open.close(file.path, () => next(ok(undefined))),
      () => done(),
    );
  }

  thaw(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const read of held) read();
  }

  #file(index: number): StoredFile {
    return this.files[index] as StoredFile;
  }

  #parts(piece: PieceIndex, begin: number, bytes: Uint8Array): Part[] {
    const parts: Part[] = [];
    for (const segment of this.#layout.segments(piece)) {
      const from = Math.max(begin, segment.pieceOffset);
      const to = Math.min(begin + bytes.length, segment.pieceOffset + segment.length);
      if (from >= to) continue;
      parts.push({
        file: segment.file.index,
        fileOffset: segment.fileOffset + from - segment.pieceOffset,
        bytes: bytes.subarray(from - begin, to - begin),
      });
    }
    return parts;
  }

  /** A shared file is looked at every now and then: nothing is sent that is known to be something else. */
  #checked(index: number, done: Done<void, StorageFailure>): void {
    const file = this.#file(index);
    const checkedAt = this.#checkedAt?.get(index);
    if (file.facts === null || (checkedAt !== undefined && this.#clock.now() - checkedAt < millis(dataLimits.fileCheckMs))) {
      done(ok(undefined));
      return;
    }
    this.#disk.stat(file.path, (stat) => {
      if (!stat.ok) return done(stat);
      if (file.facts !== null && !sameFile(file.facts, stat.value))
        return done(fail('changed', `${file.path} has changed since it was shared.`));
      (this.#checkedAt ??= new Map()).set(index, this.#clock.now());
      return done(ok(undefined));
    });
  }

  #readPart(part: Part, done: Done<void, StorageFailure>): void {
    this.#withFile(
      part.file,
      'read',
      (handle, finish: Done<number, DiskFailure>) => this.#disk.read(handle, part.fileOffset, part.bytes, finish),
      (result) => {
        if (!result.ok) done(result);
        else if (result.value < part.bytes.length) done(fail('changed', `${this.#file(part.file).path} is shorter than it was.`));
        else done(ok(undefined));
      },
    );
  }

  #writePart(part: Part, done: Done<void, StorageFailure>): void {
    this.#writable(part.file, (handle, finish) => this.#disk.write(handle, part.fileOffset, part.bytes, finish), done);
  }

  #writable(file: number, use: (handle: FileHandle, finish: Done<void, DiskFailure>) => void, done: Done<void, StorageFailure>): void {
    const written: Done<void, StorageFailure> = (result) => {
      // Only now: a sync may have begun, and ended, while the write was under way. One that failed may have left something.
      (this.#unsynced ??= new Map()).set(file, ++this.#writes);
      done(result);
    };
    this.makeFolderOf(this.#file(file).path, (made) => (made.ok ? this.#withFile(file, 'write', use, written) : done(made)));
  }

  #withFile<T>(
    file: number,
    mode: 'read' | 'write',
    use: (handle: FileHandle, finish: Done<T, DiskFailure>) => void,
    done: Done<T, StorageFailure>,
  ): void {
    const { path } = this.#file(file);
    this.#open.acquire(path, mode, (opened) => {
      if (!opened.ok) return done(opened);
      return use(opened.value, (result) => {
        this.#open.release(path, mode);
        done(result);
      });
    });
  }
}

const zeroGaps = (into: Uint8Array, parts: readonly Part[]): void => {
  let at = 0;
  for (const part of parts) {
    const start = part.bytes.byteOffset - into.byteOffset;
    into.fill(0, at, start);
    at = start + part.bytes.length;
  }
  into.fill(0, at);
};
