/** Torrent files: those of other tools load here with the info-hashes that others read from them, and ours load there. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { promisify } from 'node:util';
import { readMetainfo } from '../../src/protocol/bittorrent/metainfo.ts';
import { makeTestTorrent, testBytes, valueOf } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { toHex } from '../../src/protocol/digest.ts';
import { type LibtorrentClient, startLibtorrent } from './clients/libtorrent.ts';
import { startWebtorrent, type WebtorrentClient } from './clients/webtorrent.ts';
import { Lab } from './machines.ts';
import { type ProgramName, skipWithout } from './programs.ts';
import { cell } from './record.ts';

const needed: readonly ProgramName[] = ['aria2', 'transmission', 'libtorrent', 'mktorrent', 'webtorrent'];
const run = promisify(execFile);
const PIECE_BYTES = 32_768;
const table = 'Torrent files';
const theirs = 'made by it, loads here with the same info-hash';
const ours = 'made by Shoal, loads there with the same info-hash';

/** Names that are no plain ASCII, a file that ends with a piece, an empty one, and a folder. */
const files = [
  { path: ['Dữ liệu.bin'], bytes: testBytes(100_000, 1) },
  { path: ['a', 'exact.bin'], bytes: testBytes(PIECE_BYTES * 2, 2) },
  { path: ['a', 'empty'], bytes: new Uint8Array(0) },
  { path: ['small.txt'], bytes: testBytes(11, 3) },
];
const single = [{ path: ['one file.bin'], bytes: testBytes(200_000, 4) }];

interface Hashes {
  readonly v1: string | null;
  readonly v2: string | null;
}

const here = (torrent: Uint8Array): Hashes => {
  const { v1, v2 } = valueOf(readMetainfo(torrent));
  return { v1: v1 === null ? null : toHex(v1), v2: v2 === null ? null : toHex(v2) };
};

const skip = skipWithout(needed);

describe('torrent files, theirs and ours', { skip }, () => {
  let lab: Lab;
  let libtorrent: LibtorrentClient;
  let webtorrent: WebtorrentClient;
  let folder: string;
  let file: string;

  before(async () => {
    lab = new Lab(['libtorrent', 'webtorrent']);
    [libtorrent, webtorrent] = await Promise.all([startLibtorrent(lab, 'libtorrent'), startWebtorrent(lab, 'webtorrent')]);
    folder = join(lab.folder, 'content');
    for (const { path, bytes } of files) {
      mkdirSync(join(folder, ...path.slice(0, -1)), { recursive: true });
      writeFileSync(join(folder, ...path), bytes);
    }
    file = join(lab.folder, 'one file.bin');
    writeFileSync(file, single[0]?.bytes ?? '');
  });
  after(() => lab.close());

  /** A third reader's word: what we read is what libtorrent reads. */
  const asOthersReadIt = async (torrent: Uint8Array): Promise<Hashes> => {
    const found = here(torrent);
    assert.deepEqual(found, await libtorrent.read(torrent));
    return found;
  };

  /** By a command that writes a torrent file: for the folder and for the file. */
  const madeBy = async (name: string, command: (source: string, output: string) => [string, string[]]): Promise<Hashes[]> => {
    const found: Hashes[] = [];
    for (const source of [folder, file]) {
      const output = join(lab.folder, `${name}-${found.length}.torrent`);
      await run(...command(source, output), { timeout: 20_000 });
      found.push(await asOthersReadIt(readFileSync(output)));
    }
    return found;
  };

  cell({ table, row: 'mktorrent', column: theirs }, async () => {
    const found = await madeBy('mktorrent', (source, output) => [
      'mktorrent',
      ['-p', '-l', '16', '-a', 'http://10.78.0.1/announce', '-o', output, source],
    ]);
    return `${found.length} torrents, v1`;
  });

  cell({ table, row: 'Transmission', column: theirs }, async () => {
    const found = await madeBy('transmission', (source, output) => [
      'transmission-create',
      ['-p', '-t', 'http://10.78.0.1/announce', '-o', output, source],
    ]);
    for (const [index, { v1 }] of found.entries()) {
      const { stdout } = await run('transmission-show', [join(lab.folder, `transmission-${index}.torrent`)]);
      assert.equal(/Hash: ([0-9a-f]{40})/u.exec(stdout)?.[1], v1);
    }
    return `${found.length} torrents, v1`;
  });

  cell({ table, row: 'libtorrent', column: theirs }, async () => {
    for (const version of ['v1', 'v2', 'hybrid'] as const)
      for (const source of [folder, file]) {
        const { v1, v2 } = await asOthersReadIt(await libtorrent.make(source, version, PIECE_BYTES));
        assert.deepEqual([v1 !== null, v2 !== null], [version !== 'v2', version !== 'v1']);
      }
    return '6 torrents: v1, v2 and hybrid';
  });

  cell({ table, row: 'webtorrent', column: theirs }, async () => {
    for (const source of [folder, file]) {
      const torrent = await webtorrent.make(source, PIECE_BYTES);
      assert.equal((await asOthersReadIt(torrent)).v1, await webtorrent.read(torrent));
    }
    return '2 torrents, v1';
  });

  /** Ours: each version, of several files and of one. */
  const made = (['hybrid', 'v1'] as const).flatMap((version) =>
    [files, single].map(
      (content) => makeTestTorrent(content, { version, pieceLength: PIECE_BYTES }, { trackers: [['http://10.78.0.1/announce']] }).bytes,
    ),
  );
  const plainV1 = made.filter((torrent) => here(torrent).v2 === null);

  cell({ table, row: 'libtorrent', column: ours }, async () => {
    for (const torrent of made) await asOthersReadIt(torrent);
    return `${made.length} torrents: v1 and hybrid`;
  });

  cell({ table, row: 'webtorrent', column: ours }, async () => {
    for (const torrent of made) assert.equal(await webtorrent.read(torrent), here(torrent).v1);
    return `${made.length} torrents: v1 and hybrid`;
  });

  /** Whether it still makes nothing of a hybrid, libtorrent's neither. */
  const refusesHybrids = async (command: string, args: readonly string[], pattern: RegExp): Promise<void> => {
    const torrent = await libtorrent.make(file, 'hybrid', PIECE_BYTES);
    const path = join(lab.folder, 'hybrid.torrent');
    writeFileSync(path, torrent);
    const said = await run(command, [...args, path], { timeout: 20_000 }).catch(() => null);
    assert.notEqual(pattern.exec(said?.stdout ?? '')?.[1], here(torrent).v1, `${command} reads hybrids now: say so in the table`);
  };

  /**
   * Asks a command that prints the info-hash of a torrent file. These programs make nothing of a hybrid, whoever made it:
   * an empty key in the dictionary of version 2 is beyond them. `shoal share --v1` is for them.
   */
  const printed = async (command: string, args: readonly string[], pattern: RegExp): Promise<string> => {
    for (const [index, torrent] of plainV1.entries()) {
      const path = join(lab.folder, `ours-${index}.torrent`);
      writeFileSync(path, torrent);
      const { stdout } = await run(command, [...args, path], { timeout: 20_000 });
      assert.equal(pattern.exec(stdout)?.[1]?.toLowerCase(), here(torrent).v1, stdout);
    }
    await refusesHybrids(command, args, pattern);
    return `${plainV1.length} torrents, v1; this version reads no hybrid, libtorrent's neither`;
  };

  cell({ table, row: 'Transmission', column: ours }, () => printed('transmission-show', [], /Hash: ([0-9a-f]{40})/u));
  cell({ table, row: 'aria2', column: ours }, () => printed('aria2c', ['--no-conf=true', '-S'], /Info Hash: ([0-9a-f]{40})/u));
});
