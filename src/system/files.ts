import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { FileStat, FolderEntry } from '../ports/disk.ts';

/** Whole-path operations of the disk port, as promises that reject with what `node:fs` says. */

export const errorCode = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

interface Kinds {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

const kindOf = (of: Kinds): FileStat['kind'] => {
  if (of.isFile()) return 'file';
  if (of.isDirectory()) return 'folder';
  return of.isSymbolicLink() ? 'link' : 'other';
};

const IDENTITY_BITS = 53;

export const statPath = async (path: string): Promise<FileStat> => {
  const stat = await fs.lstat(path, { bigint: true });
  return {
    kind: kindOf(stat),
    size: Number(stat.size),
    modifiedMs: Number(stat.mtimeNs) / 1e6,
    identity: Number(BigInt.asUintN(IDENTITY_BITS, stat.ino)),
  };
};

export const listFolder = async (folder: string, entriesMax: number): Promise<FolderEntry[]> => {
  const entries: FolderEntry[] = [];
  for await (const entry of await fs.opendir(folder, { bufferSize: 256 })) {
    if (entries.length === entriesMax) throw new Error(`the folder has more than ${entriesMax} entries`);
    entries.push({ name: entry.name, kind: kindOf(entry) });
  }
  return entries;
};

/** Makes the names in a folder durable. Windows cannot open a folder, and needs no such thing. */
export const syncFolder = async (folder: string): Promise<void> => {
  if (process.platform === 'win32') return;
  const handle = await fs.open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

const isFolder = async (path: string): Promise<boolean> => {
  try {
    if ((await fs.stat(path)).isDirectory()) return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
  throw Object.assign(new Error('it is a file'), { code: 'EEXIST' });
};

/** Not by Node's own recursive way, for the reason at `makeFolders`. */
export const makeFolder = async (path: string): Promise<void> => {
  const missing: string[] = [];
  for (let at = path; !(await isFolder(at)); at = dirname(at)) {
    missing.unshift(at);
    if (dirname(at) === at) break;
  }
  for (const folder of missing) {
    try {
      await fs.mkdir(folder);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST' || !(await isFolder(folder))) throw error;
    }
  }
  for (const folder of missing.toReversed()) await syncFolder(dirname(folder));
};

export const renameSynced = async (from: string, to: string): Promise<void> => {
  await fs.rename(from, to);
  await syncFolder(dirname(to));
  if (dirname(from) !== dirname(to)) await syncFolder(dirname(from));
};

export const removePath = async (path: string): Promise<void> => {
  try {
    if ((await fs.lstat(path)).isDirectory()) await fs.rmdir(path);
    else await fs.unlink(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
};

/** Reads until `into` is full or the file ends. */
export const readFully = async (handle: Readable, offset: number, into: Uint8Array): Promise<number> => {
  let have = 0;
  while (have < into.length) {
    const { bytesRead } = await handle.read(into, have, into.length - have, offset + have);
    if (bytesRead === 0) break;
    have += bytesRead;
  }
  return have;
};

interface Readable {
  read(into: Uint8Array, at: number, length: number, position: number): Promise<{ bytesRead: number }>;
}

export const readWhole = async (path: string, bytesMax: number): Promise<Uint8Array> => {
  const handle = await fs.open(path, 'r');
  try {
    const { size } = await handle.stat();
    if (size > bytesMax) throw new Error(`the file has ${size} bytes, more than the ${bytesMax} allowed`);
    const bytes = new Uint8Array(size);
    const have = await readFully(handle, 0, bytes);
    return have === size ? bytes : bytes.subarray(0, have);
  } finally {
    await handle.close();
  }
};

const MODE = 0o666;
const SECRET_MODE = 0o600;

/**
 * A hidden file beside `path` takes the bytes and, once synced, its name. What a crash left under the hidden name is
 * removed by the next attempt. Callers see to it that one path is written by one of these at a time.
 */
export const writeAtomically = async (path: string, bytes: Uint8Array, secret: boolean): Promise<void> => {
  const temporary = join(dirname(path), `.${basename(path)}.new`);
  await removePath(temporary);
  try {
    const handle = await fs.open(temporary, 'wx', secret ? SECRET_MODE : MODE);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await renameSynced(temporary, path);
  } catch (error) {
    await removePath(temporary).catch(() => undefined);
    throw error;
  }
};
