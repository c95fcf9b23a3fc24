import type { DiskFailure, FileStat, FolderEntry } from '../../src/ports/disk.ts';
import { below, type Random } from '../../src/ports/random.ts';
import { fail, ok, type Result } from '../../src/protocol/result.ts';
import { FileBody, PAGE_BYTES } from './file-body.ts';

export class FileNode {
  readonly kind = 'file';
  readonly body = new FileBody();
  readonly identity: number;
  modifiedMs: number;
  /** Where its name is; null when it was removed. */
  folder: FolderNode | null = null;

  constructor(identity: number, modifiedMs: number) {
    this.identity = identity;
    this.modifiedMs = modifiedMs;
  }
}

class FolderNode {
  readonly kind = 'folder';
  readonly identity: number;
  modifiedMs: number;
  readonly entries = new Map<string, FileNode | FolderNode>();
  /** Names that a power cut may take away, for the folder was not synced since. */
  readonly unsyncedNames = new Set<string>();
  /** Removed since the last sync: a power cut may bring them back. */
  readonly removed = new Map<string, FileNode | FolderNode>();

  constructor(identity: number, modifiedMs: number) {
    this.identity = identity;
    this.modifiedMs = modifiedMs;
  }

  sync(): void {
    this.unsyncedNames.clear();
    this.removed.clear();
  }
}

type Outcome<T> = Result<T, DiskFailure>;

interface Place {
  readonly folder: FolderNode;
  readonly name: string;
  readonly node: FileNode | FolderNode | undefined;
}

const failed = (code: DiskFailure['code'], doing: string, why: string): { readonly ok: false; readonly error: DiskFailure } =>
  fail(code, `Could not ${doing}: ${why}.`);
const missing = (doing: string): Outcome<never> => failed('missing', doing, 'there is no such file or folder');
const full = (doing: string): Outcome<never> => failed('full', doing, 'the disk is full');

/** What is on a simulated disk. It outlives the processes that use it. */
export class DiskStore {
  /** Of all files together, in whole pages. May be changed at any time. */
  capacityBytes = Number.MAX_SAFE_INTEGER;
  readonly #wallNow: () => number;
  #root: FolderNode;
  #lastIdentity = 0;

  constructor(wallNow: () => number) {
    this.#wallNow = wallNow;
    this.#root = this.#newFolder();
  }

  usedBytes(): number {
    let pages = 0;
    eachFile(this.#root, (file) => {
      pages += file.body.pageCount;
    });
    return pages * PAGE_BYTES;
  }

  openForReading(path: string): Outcome<FileNode> {
    const doing = `open ${path}`;
    const place = this.#find(path, doing);
    if (!place.ok) return place;
    const { node } = place.value;
    if (node === undefined) return missing(doing);
    return node.kind === 'file' ? ok(node) : failed('io', doing, 'it is a folder');
  }

  openForWriting(path: string): Outcome<FileNode> {
    const place = this.#find(path, `open ${path}`);
    if (!place.ok) return place;
    const { folder, name, node } = place.value;
    if (node === undefined) return ok(this.#addFile(folder, name));
    return node.kind === 'file' ? ok(node) : failed('io', `open ${path}`, 'it is a folder');
  }

  write(file: FileNode, offset: number, bytes: Uint8Array): Outcome<void> {
    const added = file.body.pagesAddedBy(offset, bytes.length) * PAGE_BYTES;
    if (added > 0 && this.capacityBytes < Number.MAX_SAFE_INTEGER && added > this.capacityBytes - this.usedBytes()) return full('write');
    file.body.write(offset, bytes);
    file.modifiedMs = this.#wallNow();
    return ok(undefined);
  }

  truncate(file: FileNode, size: number): Outcome<void> {
    file.body.truncate(size);
    file.modifiedMs = this.#wallNow();
    return ok(undefined);
  }

  sync(file: FileNode): Outcome<void> {
    file.body.sync();
    file.folder?.sync();
    return ok(undefined);
  }

  stat(path: string): Outcome<FileStat> {
    const doing = `stat ${path}`;
    const place = this.#find(path, doing);
    if (!place.ok) return place;
    const { node } = place.value;
    if (node === undefined) return missing(doing);
    const size = node.kind === 'file' ? node.body.size : 0;
    return ok({ kind: node.kind, size, modifiedMs: node.modifiedMs, identity: node.identity });
  }

  list(path: string): Outcome<readonly FolderEntry[]> {
    const doing = `list ${path}`;
    const place = this.#find(path, doing);
    if (!place.ok) return place;
    const { node } = place.value;
    if (node === undefined) return missing(doing);
    if (node.kind === 'file') return failed('io', doing, 'it is a file');
    return ok([...node.entries].map(([name, entry]) => ({ name, kind: entry.kind })));
  }

  makeFolder(path: string): Outcome<void> {
    let folder = this.#root;
    for (const name of partsOf(path)) {
      let node = folder.entries.get(name);
      if (node === undefined) {
        node = this.#newFolder();
        folder.entries.set(name, node);
        folder.sync();
      }
      if (node.kind === 'file') return failed('exists', `make the folder ${path}`, 'there is a file of that name');
      folder = node;
    }
    return ok(undefined);
  }

  rename(from: string, to: string): Outcome<void> {
    const doing = `rename ${from} to ${to}`;
    const source = this.#find(from, doing);
    if (!source.ok) return source;
    const target = this.#find(to, doing);
    if (!target.ok) return target;
    const { node } = source.value;
    if (node === undefined) return missing(doing);
    const replaced = target.value.node;
    if (replaced === node) return ok(undefined);
    if (replaced !== undefined && replaced.kind !== node.kind) return failed('io', doing, `the target is a ${replaced.kind}`);
    if (replaced?.kind === 'folder' && replaced.entries.size > 0) return failed('io', doing, 'the target is a folder that is not empty');
    if (replaced?.kind === 'file') replaced.folder = null;
    source.value.folder.entries.delete(source.value.name);
    target.value.folder.entries.set(target.value.name, node);
    if (node.kind === 'file') node.folder = target.value.folder;
    source.value.folder.sync();
    target.value.folder.sync();
    return ok(undefined);
  }

  remove(path: string): Outcome<void> {
    const place = this.#find(path, `remove ${path}`);
    if (!place.ok) return place.error.code === 'missing' ? ok(undefined) : place;
    const { folder, name, node } = place.value;
    if (node === undefined) return ok(undefined);
    if (node.kind === 'folder' && node.entries.size > 0) return failed('io', `remove ${path}`, 'the folder is not empty');
    folder.entries.delete(name);
    if (!folder.unsyncedNames.delete(name)) folder.removed.set(name, node);
    if (node.kind === 'file') node.folder = null;
    return ok(undefined);
  }

  readFile(path: string, bytesMax: number): Outcome<Uint8Array> {
    const file = this.openForReading(path);
    if (!file.ok) return file;
    const { size } = file.value.body;
    if (size > bytesMax) return failed('io', `read ${path}`, `the file has ${size} bytes, more than the ${bytesMax} allowed`);
    const bytes = new Uint8Array(size);
    file.value.body.read(0, bytes);
    return ok(bytes);
  }

  /** A new file takes the place of the old one, all at once. */
  writeFile(path: string, bytes: Uint8Array): Outcome<void> {
    const place = this.#find(path, `write ${path}`);
    if (!place.ok) return place;
    const { folder, name, node } = place.value;
    if (node?.kind === 'folder') return failed('io', `write ${path}`, 'it is a folder');
    const file = new FileNode(++this.#lastIdentity, this.#wallNow());
    const written = this.write(file, 0, bytes);
    if (!written.ok) return written;
    if (node !== undefined) node.folder = null;
    file.body.sync();
    file.folder = folder;
    folder.entries.set(name, file);
    folder.sync();
    return ok(undefined);
  }

  /** Takes a file or a folder with all in it away, for good: what no sync brings back. */
  erase(path: string): void {
    const place = this.#find(path, `erase ${path}`);
    if (!place.ok) return;
    const { folder, name } = place.value;
    folder.entries.delete(name);
    folder.unsyncedNames.delete(name);
    folder.removed.delete(name);
  }

  /** A few bytes of a file are others from now on; nothing else shows it. False where the file has none. */
  rot(path: string, random: Random): boolean {
    const file = this.openForReading(path);
    if (!file.ok || file.value.body.size === 0) return false;
    file.value.body.rot(below(random, 'where it rots', file.value.body.size), 1 + below(random, 'how it rots', 255));
    return true;
  }

  /** Paths of all files in a folder and in those under it. */
  filesUnder(path: string): readonly string[] {
    const listed = this.list(path);
    if (!listed.ok) return [];
    return listed.value.flatMap(({ name, kind }) => (kind === 'file' ? [`${path}/${name}`] : this.filesUnder(`${path}/${name}`)));
  }

  /** The power fails: of what was not synced, only that stays of which `survives` says so. */
  losePower(survives: () => boolean): void {
    settle(this.#root, survives);
    eachFile(this.#root, (file) => file.body.lose(survives));
  }

  #newFolder(): FolderNode {
    return new FolderNode(++this.#lastIdentity, this.#wallNow());
  }

  #addFile(folder: FolderNode, name: string): FileNode {
    const file = new FileNode(++this.#lastIdentity, this.#wallNow());
    file.folder = folder;
    folder.entries.set(name, file);
    folder.unsyncedNames.add(name);
    return file;
  }

  /** What is at a path, and the folder that it is in, which must be there. */
  #find(path: string, doing: string): Outcome<Place> {
    const parts = partsOf(path);
    const name = parts.pop();
    if (name === undefined) return ok({ folder: this.#root, name: '', node: this.#root });
    let folder = this.#root;
    for (const part of parts) {
      const next = folder.entries.get(part);
      if (next === undefined) return missing(doing);
      if (next.kind === 'file') return failed('io', doing, `${part} is a file, not a folder`);
      folder = next;
    }
    return ok({ folder, name, node: folder.entries.get(name) });
  }
}

const partsOf = (path: string): string[] => {
  if (!path.startsWith('/')) throw new Error(`The disk port takes absolute paths, not ${path}`);
  return path.split('/').filter((part) => part !== '' && part !== '.');
};

const eachFile = (folder: FolderNode, visit: (file: FileNode) => void): void => {
  for (const node of folder.entries.values()) {
    if (node.kind === 'file') visit(node);
    else eachFile(node, visit);
  }
};

const settle = (folder: FolderNode, survives: () => boolean): void => {
  for (const name of folder.unsyncedNames) if (!survives()) folder.entries.delete(name);
  for (const [name, node] of folder.removed) {
    if (survives() || folder.entries.has(name)) continue;
    folder.entries.set(name, node);
    if (node.kind === 'file') node.folder = folder;
  }
  folder.sync();
  for (const node of folder.entries.values()) if (node.kind === 'folder') settle(node, survives);
};
