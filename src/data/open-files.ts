import type { Disk, DiskFailure, FileHandle } from '../ports/disk.ts';
import type { Done } from '../protocol/result.ts';

type Mode = 'read' | 'write';

interface Entry {
  readonly path: string;
  readonly mode: Mode;
  handle: FileHandle | null;
  users: number;
  readonly waiting: Done<FileHandle, DiskFailure>[];
  /** Called when the last user has let go and the file is closed. */
  readonly closers: (() => void)[];
  closing: boolean;
}

/** The open files of a node: few at a time, the least recently used closed first. */
export class OpenFiles {
  readonly #disk: Disk;
  readonly #max: number;
  /** In the order of use. */
  readonly #entries = new Map<string, Entry>();

  constructor(disk: Disk, filesMax: number) {
    this.#disk = disk;
    this.#max = filesMax;
  }

  get count(): number {
    return this.#entries.size;
  }

  /** Opens the file, or takes it as it is open. Whoever gets a handle gives it back with `release`. */
  acquire(path: string, mode: Mode, done: Done<FileHandle, DiskFailure>): void {
    const key = keyOf(path, mode);
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      this.#open(key, path, mode, done);
      return;
    }
    entry.users++;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (entry.handle === null) entry.waiting.push(done);
    else done({ ok: true, value: entry.handle });
  }

  release(path: string, mode: Mode): void {
    const entry = this.#entries.get(keyOf(path, mode));
    if (entry === undefined) return;
    entry.users--;
    if (entry.users > 0) return;
    if (entry.closing) this.#close(entry);
    else this.#evict();
  }

  /** Closes the file, once nobody uses it: before it is renamed or removed. */
  close(path: string, done: () => void): void {
    const entries = (['read', 'write'] as const).flatMap((mode) => this.#entries.get(keyOf(path, mode)) ?? []);
    let left = entries.length;
    if (left === 0) {
      done();
      return;
    }
    for (const entry of entries) {
      entry.closers.push(() => (--left === 0 ? done() : undefined));
      entry.closing = true;
      if (entry.users === 0) this.#close(entry);
    }
  }

  #open(key: string, path: string, mode: Mode, done: Done<FileHandle, DiskFailure>): void {
    const entry: Entry = { path, mode, handle: null, users: 1, waiting: [done], closers: [], closing: false };
    this.#entries.set(key, entry);
    this.#evict();
    this.#disk.open(path, mode, (opened) => {
      if (opened.ok) entry.handle = opened.value;
      else {
        this.#entries.delete(key);
        for (const closer of entry.closers.splice(0)) closer();
      }
      for (const waiting of entry.waiting.splice(0)) waiting(opened);
    });
  }

  #evict(): void {
    if (this.#entries.size <= this.#max) return;
    for (const entry of this.#entries.values()) {
      if (entry.users > 0 || entry.closing) continue;
      this.#close(entry);
      if (this.#entries.size <= this.#max) return;
    }
  }

  #close(entry: Entry): void {
    this.#entries.delete(keyOf(entry.path, entry.mode));
    const closed = (): void => {
      for (const closer of entry.closers.splice(0)) closer();
    };
    if (entry.handle === null) closed();
    else this.#disk.close(entry.handle, closed);
  }
}

const keyOf = (path: string, mode: Mode): string => `${mode}:${path}`;
