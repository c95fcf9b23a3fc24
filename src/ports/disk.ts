import type { Done, Failure } from '../protocol/result.ts';

/** `full` is ENOSPC or a quota; `missing` ENOENT; `denied` EACCES, EPERM, EROFS; `exists` EEXIST; the rest is `io`. */
export type DiskFailure = Failure<'full' | 'missing' | 'denied' | 'exists' | 'io'>;

/** An open file. Only the disk that made it knows what it is. */
export type FileHandle = number;

export interface FileStat {
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  readonly size: number;
  /** Last change of the content, in milliseconds since 1970 (with a fraction where the system has one). */
  readonly modifiedMs: number;
  /** Tells a file from another that took its name (inode); 0 where the system has none. */
  readonly identity: number;
}

export interface FolderEntry {
  readonly name: string;
  readonly kind: FileStat['kind'];
}

/**
 * Files, by absolute path. Every operation answers once, in a later step. A buffer handed to `read` or `write` belongs
 * to the disk until it answers. What was written survives a crash only after `sync` has answered.
 */
export interface Disk {
  /** `read` fails when missing; `write` opens for reading and writing and creates the file (not its folder). */
  open(path: string, mode: 'read' | 'write', done: Done<FileHandle, DiskFailure>): void;
  /** Answers with the bytes read: fewer than `into` holds only at the end of the file. */
  read(file: FileHandle, offset: number, into: Uint8Array, done: Done<number, DiskFailure>): void;
  /** Writes all of `bytes`, or fails. */
  write(file: FileHandle, offset: number, bytes: Uint8Array, done: Done<void, DiskFailure>): void;
  truncate(file: FileHandle, size: number, done: Done<void, DiskFailure>): void;
  sync(file: FileHandle, done: Done<void, DiskFailure>): void;
  close(file: FileHandle, done: Done<void, DiskFailure>): void;

  /** Does not follow a link at the end of the path. */
  stat(path: string, done: Done<FileStat, DiskFailure>): void;
  /** In no particular order; not recursive. */
  list(folder: string, done: Done<readonly FolderEntry[], DiskFailure>): void;
  /** With its parents; no failure where it is there. */
  makeFolder(path: string, done: Done<void, DiskFailure>): void;
  /** Replaces `to`; synced with its folder, so that a crash leaves one or the other. */
  rename(from: string, to: string, done: Done<void, DiskFailure>): void;
  /** A file, or a folder that is empty. No failure where it is missing. */
  remove(path: string, done: Done<void, DiskFailure>): void;

  /** A small file as a whole; at most `bytesMax`. */
  readFile(path: string, bytesMax: number, done: Done<Uint8Array, DiskFailure>): void;
  /** Atomically and synced: after a crash the file is the old one or the new one. Mode 0600 when `secret`. */
  writeFile(path: string, bytes: Uint8Array, options: { readonly secret?: boolean }, done: Done<void, DiskFailure>): void;
}
