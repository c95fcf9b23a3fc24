import {
  constants,
  close as closeCallback,
  fdatasync,
  ftruncate,
  open as openCallback,
  read as readCallback,
  write as writeCallback,
} from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { Reactor } from '../bus/reactor.ts';
import type { Disk, DiskFailure, FileHandle, FileStat, FolderEntry } from '../ports/disk.ts';
import { type Done, fail, ok, type Result } from '../protocol/result.ts';
import { diskFailure, doingOf } from './disk-failure.ts';
import {
  errorCode,
  listFolder,
  makeFolder,
  readFully,
  readWhole,
  removePath,
  renameSynced,
  statPath,
  syncFolder,
  writeAtomically,
} from './files.ts';

export interface DiskOptions {
  /** Operations handed to the system at once; others wait in order. */
  readonly operationsUnderWayMax?: number;
  /** Operations that may wait; one more fails with `io`. */
  readonly operationsWaitingMax?: number;
  /** Entries of one folder that `list` answers with; a larger folder fails with `io`. */
  readonly folderEntriesMax?: number;
}

const DEFAULTS = { operationsUnderWayMax: 16, operationsWaitingMax: 65_536, folderEntriesMax: 1_000_000 };

const openFd = promisify(openCallback);
const closeFd = promisify(closeCallback);
const readFd = promisify(readCallback);
const writeFd = promisify(writeCallback);
const syncFd = promisify(fdatasync);
const truncateFd = promisify(ftruncate);

/** An open file. Its descriptor must not be closed (and given to another file) while something is under way on it. */
interface OpenFile {
  readonly fd: number;
  readonly path: string;
  /** Its name is not durable yet: the first `sync` syncs the folder too. */
  isNew: boolean;
  operations: number;
  /** What closes it, once no operation is left. */
  closing: (() => void) | null;
}

/** `node:fs` as the disk port. */
class SystemDisk implements Disk {
  readonly #reactor: Reactor;
  readonly #limits: Required<DiskOptions>;
  readonly #files = new Map<FileHandle, OpenFile>();
  readonly #waiting = new Map<number, () => void>();
  /** The last whole-file write under way for a path: the next one follows it. */
  readonly #writing = new Map<string, Promise<void>>();
  #underWay = 0;
  #lastId = 0;

  constructor(reactor: Reactor, options: DiskOptions) {
    this.#reactor = reactor;
    this.#limits = { ...DEFAULTS, ...options };
  }

  open(path: string, mode: 'read' | 'write', done: Done<FileHandle, DiskFailure>): void {
    this.#operate('open', path, done, async () => {
      const { fd, isNew } = mode === 'read' ? { fd: await openFd(path, 'r'), isNew: false } : await openOrMake(path);
      const handle = ++this.#lastId;
      this.#files.set(handle, { fd, path, isNew, operations: 0, closing: null });
      return handle;
    });
  }

  read(handle: FileHandle, offset: number, into: Uint8Array, done: Done<number, DiskFailure>): void {
    const work = (file: OpenFile): Promise<number> =>
      readFully({ read: (buffer, at, length, position) => readFd(file.fd, buffer, at, length, position) }, offset, into);
    this.#operateOn('read', handle, done, work, (count) => into.subarray(0, count));
  }

  write(handle: FileHandle, offset: number, bytes: Uint8Array, done: Done<void, DiskFailure>): void {
    this.#operateOn('write', handle, done, async (file) => {
      for (let at = 0; at < bytes.length;) at += (await writeFd(file.fd, bytes, at, bytes.length - at, offset + at)).bytesWritten;
    });
  }

  truncate(handle: FileHandle, size: number, done: Done<void, DiskFailure>): void {
    this.#operateOn('truncate', handle, done, (file) => truncateFd(file.fd, size));
  }

  sync(handle: FileHandle, done: Done<void, DiskFailure>): void {
    this.#operateOn('sync', handle, done, async (file) => {
      await syncFd(file.fd);
      if (!file.isNew) return;
      await syncFolder(dirname(file.path));
      file.isNew = false;
    });
  }

  close(handle: FileHandle, done: Done<void, DiskFailure>): void {
    const file = this.#files.get(handle);
    if (file === undefined) {
      this.#refuse('close', `File ${handle} is not open.`, done);
      return;
    }
    this.#files.delete(handle);
    const begin = (): void => void this.#operate('close', file.path, done, () => closeFd(file.fd));
    if (file.operations === 0) begin();
    else file.closing = begin;
  }

  stat(path: string, done: Done<FileStat, DiskFailure>): void {
    this.#operate('stat', path, done, () => statPath(path));
  }

  list(folder: string, done: Done<readonly FolderEntry[], DiskFailure>): void {
    this.#operate('list', folder, done, () => listFolder(folder, this.#limits.folderEntriesMax));
  }

  makeFolder(path: string, done: Done<void, DiskFailure>): void {
    this.#operate('makeFolder', path, done, () => makeFolder(path));
  }

  rename(from: string, to: string, done: Done<void, DiskFailure>): void {
    this.#operate('rename', from, done, () => renameSynced(from, to));
  }

  remove(path: string, done: Done<void, DiskFailure>): void {
    this.#operate('remove', path, done, () => removePath(path));
  }

  readFile(path: string, bytesMax: number, done: Done<Uint8Array, DiskFailure>): void {
    this.#operate(
      'readFile',
      path,
      done,
      () => readWhole(path, bytesMax),
      (bytes) => bytes,
    );
  }

  writeFile(path: string, bytes: Uint8Array, options: { readonly secret?: boolean }, done: Done<void, DiskFailure>): void {
    this.#operate('writeFile', path, done, async () => {
      const before = this.#writing.get(path);
      const write = (): Promise<void> => writeAtomically(path, bytes, options.secret === true);
      const writing = before === undefined ? write() : before.then(write, write);
      this.#writing.set(path, writing);
      try {
        await writing;
      } finally {
        if (this.#writing.get(path) === writing) this.#writing.delete(path);
      }
    });
  }

  /** An operation on an open file. */
  #operateOn<T>(
    kind: string,
    handle: FileHandle,
    done: Done<T, DiskFailure>,
    work: (file: OpenFile) => Promise<T>,
    bytesOf?: (value: T) => Uint8Array,
  ): void {
    const file = this.#files.get(handle);
    if (file === undefined) {
      this.#refuse(kind, `File ${handle} is not open.`, done);
      return;
    }
    file.operations++;
    const worked = async (): Promise<T> => {
      try {
        return await work(file);
      } finally {
        file.operations--;
        if (file.operations === 0) file.closing?.();
      }
    };
    if (!this.#operate(kind, file.path, done, worked, bytesOf)) file.operations--;
  }

  /** Begins `work` in its turn, and answers in a step. False when too many wait. */
  #operate<T>(kind: string, path: string, done: Done<T, DiskFailure>, work: () => Promise<T>, bytesOf?: (value: T) => Uint8Array): boolean {
    if (this.#waiting.size >= this.#limits.operationsWaitingMax && kind !== 'close') {
      this.#refuse(
        kind,
        `Could not ${doingOf(kind, path)}: ${this.#limits.operationsWaitingMax} operations wait for the disk already.`,
        done,
      );
      return false;
    }
    const id = ++this.#lastId;
    const answer = (result: Result<T, DiskFailure>): void => {
      this.#underWay--;
      this.#beginNext();
      const bytes = result.ok ? bytesOf?.(result.value) : undefined;
      const named = result.ok ? kind : `${kind}.${result.error.code}`;
      this.#reactor.step({ port: 'disk', id, kind: named, ...(bytes && { bytes }) }, () => done(result));
    };
    const begin = (): void => {
      this.#underWay++;
      void work().then(
        (value) => answer(ok(value)),
        (error: unknown) => answer(diskFailure(error, doingOf(kind, path))),
      );
    };
    if (this.#underWay < this.#limits.operationsUnderWayMax) begin();
    else this.#waiting.set(id, begin);
    return true;
  }

  #beginNext(): void {
    for (const [id, begin] of this.#waiting) {
      this.#waiting.delete(id);
      begin();
      return;
    }
  }

  #refuse<T>(kind: string, message: string, done: Done<T, DiskFailure>): void {
    const id = ++this.#lastId;
    setImmediate(() => this.#reactor.step({ port: 'disk', id, kind: `${kind}.io` }, () => done(fail('io', message))));
  }
}

/** Opens a file for reading and writing, and says whether it had to be made. */
const openOrMake = async (path: string): Promise<{ fd: number; isNew: boolean }> => {
  try {
    return { fd: await openFd(path, constants.O_RDWR), isNew: false };
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    return { fd: await openFd(path, constants.O_RDWR | constants.O_CREAT), isNew: true };
  }
};

export const createDisk = (reactor: Reactor, options: DiskOptions = {}): Disk => new SystemDisk(reactor, options);
