/** What the tour shares, and the proof that copies are true. */
import { createHash, randomFillSync } from 'node:crypto';
import { closeSync, createReadStream, mkdirSync, openSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** Smaller than this, a file is over before it is seen. */
const DEFAULT_BYTES_MIN = 100_000_000;

export interface Shared {
  readonly path: string;
  readonly name: string;
  /** What to search it by. */
  readonly words: string;
}

/** The Node executable that runs this program; where that is a small stub over a library, a file of random bytes. */
export const defaultFile = (folder: string): Shared => {
  if (statSync(process.execPath).size >= DEFAULT_BYTES_MIN)
    return { path: process.execPath, name: `node-${process.version}`, words: `node ${process.version}` };
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'random-bytes.bin');
  const file = openSync(path, 'w');
  const chunk = Buffer.alloc(1024 * 1024);
  for (let written = 0; written < DEFAULT_BYTES_MIN; written += chunk.length) writeSync(file, randomFillSync(chunk));
  closeSync(file);
  return { path, name: 'random-bytes.bin', words: 'random bytes' };
};

/** A word of letters and digits is looked for as it stands; anything else separates words. */
export const wordsOf = (name: string): string =>
  name
    .split(/[^\p{L}\p{N}\p{M}]+/u)
    .filter(Boolean)
    .slice(0, 4)
    .join(' ');

export const fileOfUser = (path: string): Shared => ({ path, name: basename(path), words: wordsOf(basename(path)) });

/** A small folder, with names in Vietnamese and an empty file. */
export const notesFolder = (folder: string): Shared => {
  const path = join(folder, 'Ghi chú phòng thí nghiệm');
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  };
  write('đọc tôi.txt', 'Chia sẻ trong lúc máy theo dõi chính không chạy.\nShared while the main tracker was down.\n');
  write('dữ liệu/đo đạc.csv', Array.from({ length: 20_000 }, (_, i) => `${i},${(i * 7919) % 10_007}\n`).join(''));
  write('dữ liệu/trống', '');
  return { path, name: basename(path), words: 'ghi chu phong' };
};

const hashFile = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest('hex');
};

const filesIn = async (path: string): Promise<string[]> => {
  if (statSync(path).isFile()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
};

/** SHA-256 of every file under a path, by its name within. */
export const digestsOf = async (path: string): Promise<ReadonlyMap<string, string>> => {
  const digests = new Map<string, string>();
  for (const file of await filesIn(path)) digests.set(relative(path, file), await hashFile(file));
  return digests;
};

/** How many files are the same on both sides. @throws where any is not, naming it. */
export const compare = (original: ReadonlyMap<string, string>, copy: ReadonlyMap<string, string>, where: string): number => {
  for (const [file, digest] of original) {
    if (copy.get(file) !== digest) throw new Error(`${join(where, file)} is not what was shared`);
  }
  return original.size;
};
