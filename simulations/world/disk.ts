import type { Disk, DiskFailure, FileHandle, FileStat, FolderEntry } from '../../src/ports/disk.ts';
import { type Done, fail, ok, type Result } from '../../src/protocol/result.ts';
import type { DiskStore, FileNode } from './disk-store.ts';
import type { Outbox } from './outbox.ts';

/** How long a disk takes. It does one thing at a time. */
export interface DiskQuality {
  readonly operationMicros: number;
  readonly syncMicros: number;
  readonly bytesPerSecond: number;
}

/** How much slower than usual something is now. */
export interface Pace {
  readonly factor: number;
}

/** A cheap solid-state disk. */
export const solidState: DiskQuality = { operationMicros: 60, syncMicros: 1_000, bytesPerSecond: 400_000_000 };

/** Makes an operation fail, to see what the program does then: null lets it be. */
export type DiskFault = (operation: string, path: string) => DiskFailure['code'] | null;

const notOpen = (handle: FileHandle): Result<never, DiskFailure> => fail('io', `File ${handle} is not open.`);

interface OpenFile {
  readonly node: FileNode;
  readonly path: string;
}

/** One process's way to a simulated disk. Operations take effect, and answer, in the order asked. */
export class SimulatedDisk implements Disk {
  readonly #store: DiskStore;
  readonly #outbox: Outbox;
  readonly #quality: DiskQuality;
  readonly #fault: DiskFault;
  readonly #pace: Pace;
  readonly #written: ((path: string, bytes: Uint8Array) => void) | null;
  readonly #files = new Map<FileHandle, OpenFile>();
  #lastHandle = 0;

  /** `written` is told of small files that were written and synced. */
  constructor(
    store: DiskStore,
    outbox: Outbox,
    quality: DiskQuality,
    fault: DiskFault,
    pace: Pace = { factor: 1 },
    written: ((path: string, bytes: Uint8Array) => void) | null = null,
  ) {
    this.#store = store;
    this.#outbox = outbox;
    this.#quality = quality;
    this.#fault = fault;
    this.#pace = pace;
    this.#written = written;
  }

  open(path: string, mode: 'read' | 'write', done: Done<FileHandle, DiskFailure>): void {
    this.#operate('open', path, 0, done, () => {
      const opened = mode === 'read' ? this.#store.openForReading(path) : this.#store.openForWriting(path);
      if (!opened.ok) return opened;
      this.#files.set(++this.#lastHandle, { node: opened.value, path });
      return ok(this.#lastHandle);
    });
  }

  read(handle: FileHandle, offset: number, into: Uint8Array, done: Done<number, DiskFailure>): void {
    this.#operateOn(
      'read',
      handle,
      into.length,
      done,
      ({ node }) => ok(node.body.read(offset, into)),
      (count) => into.subarray(0, count),
    );
  }

  write(handle: FileHandle, offset: number, bytes: Uint8Array, done: Done<void, DiskFailure>): void {
    this.#operateOn('write', handle, bytes.length, done, ({ node }) => this.#store.write(node, offset, bytes));
  }

  truncate(handle: FileHandle, size: number, done: Done<void, DiskFailure>): void {
    this.#operateOn('truncate', handle, 0, done, ({ node }) => this.#store.truncate(node, size));
  }

  sync(handle: FileHandle, done: Done<void, DiskFailure>): void {
    this.#operateOn('sync', handle, 0, done, ({ node }) => this.#store.sync(node));
  }

  close(handle: FileHandle, done: Done<void, DiskFailure>): void {
    this.#operate('close', '', 0, done, () => (this.#files.delete(handle) ? ok(undefined) : notOpen(handle)));
  }

  stat(path: string, done: Done<FileStat, DiskFailure>): void {
    this.#operate('stat', path, 0, done, () => this.#store.stat(path));
  }

  list(folder: string, done: Done<readonly FolderEntry[], DiskFailure>): void {
    this.#operate('list', folder, 0, done, () => this.#store.list(folder));
  }

  makeFolder(path: string, done: Done<void, DiskFailure>): void {
    this.#operate('makeFolder', path, 0, done, () => this.#store.makeFolder(path));
  }

  rename(from: string, to: string, done: Done<void, DiskFailure>): void {
    this.#operate('rename', from, 0, done, () => this.#store.rename(from, to));
  }

  remove(path: string, done: Done<void, DiskFailure>): void {
    this.#operate('remove', path, 0, done, () => this.#store.remove(path));
  }

  readFile(path: string, bytesMax: number, done: Done<Uint8Array, DiskFailure>): void {
    this.#operate(
      'readFile',
      path,
      0,
      done,
      () => this.#store.readFile(path, bytesMax),
      (bytes) => bytes,
    );
  }

  writeFile(path: string, bytes: Uint8Array, _options: { readonly secret?: boolean }, done: Done<void, DiskFailure>): void {
    this.#operate('writeFile', path, bytes.length, done, () => {
      const result = this.#store.writeFile(path, bytes);
      if (result.ok) this.#written?.(path, bytes);
      return result;
    });
  }

  #operateOn<T>(
    kind: string,
    handle: FileHandle,
    byteCount: number,
    done: Done<T, DiskFailure>,
    work: (file: OpenFile) => Result<T, DiskFailure>,
    bytesOf?: (value: T) => Uint8Array,
  ): void {
    const path = this.#files.get(handle)?.path ?? '';
    const onFile = (): Result<T, DiskFailure> => {
      const file = this.#files.get(handle);
      return file === undefined ? notOpen(handle) : work(file);
    };
    this.#operate(kind, path, byteCount, done, onFile, bytesOf);
  }

  /** `work` takes place when the disk comes to it; the answer follows in the same instant. */
  #operate<T>(
    kind: string,
    path: string,
    byteCount: number,
    done: Done<T, DiskFailure>,
    work: () => Result<T, DiskFailure>,
    bytesOf?: (value: T) => Uint8Array,
  ): void {
    const slow = SYNCED.has(kind) ? this.#quality.syncMicros : 0;
    const micros = this.#quality.operationMicros + slow + (byteCount * 1_000_000) / this.#quality.bytesPerSecond;
    this.#outbox.inTurn(micros * this.#pace.factor, () => {
      const code = this.#fault(kind, path);
      const result = code === null ? work() : fail(code, `Could not ${kind} ${path}: a fault was injected.`);
      const bytes = result.ok ? bytesOf?.(result.value) : undefined;
      this.#outbox.answer(result.ok ? kind : `${kind}.${result.error.code}`, () => done(result), bytes);
    });
  }
}

const SYNCED: ReadonlySet<string> = new Set(['sync', 'rename', 'writeFile', 'makeFolder']);
