/** `inspect`: what a torrent file says. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import { printMagnet } from '../../protocol/bittorrent/magnet.ts';
import { describeMetainfo, readMetainfo } from '../../protocol/bittorrent/metainfo.ts';
import { metainfoLimits } from '../../protocol/bittorrent/metainfo-files.ts';
import { addCommand, type Context, type Ending } from '../command.ts';
import { EXIT, stopWith } from '../exit.ts';
import { formatSize, plural, printable } from '../render/format.ts';

const CHUNK_BYTES = 256 * 1024;

/** The whole file, and no more than a torrent may have, whatever size it says it is of. */
const readUpTo = (path: string, bytesMax: number): Uint8Array => {
  const chunks: Buffer[] = [];
  const file = openSync(path, 'r');
  try {
    for (let size = 0; size <= bytesMax;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const length = readSync(file, chunk);
      if (length === 0) return Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, length));
      size += length;
    }
  } finally {
    closeSync(file);
  }
  return stopWith('torrent-invalid', `${path} is too large for a torrent file: more than ${formatSize(bytesMax)}.`);
};

const readTorrent = (path: string): Uint8Array => {
  try {
    const found = statSync(path);
    if (!found.isFile()) stopWith('missing', `${path} is ${found.isDirectory() ? 'a folder' : 'a device or a pipe'}, not a torrent file.`);
    return readUpTo(path, metainfoLimits.torrentBytesMax);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const why: Readonly<Record<string, string>> = {
      ENOENT: 'does not exist',
      EACCES: 'may not be read by this user',
      ENOTDIR: 'does not exist',
    };
    return stopWith('missing', `${path} ${why[code] ?? `cannot be read (${code})`}.`);
  }
};

const inspect = (context: Context, path: string): void => {
  const metainfo = readMetainfo(readTorrent(path));
  if (!metainfo.ok) return stopWith('torrent-invalid', `${path} is no valid torrent file: ${metainfo.error.message}.`);
  const description = describeMetainfo(metainfo.value);
  const { output } = context;
  output.value(description);
  const files = description.files.filter(({ pad }) => !pad);
  const row = (name: string, value: string): void => output.line(`${output.style.dim(name.padEnd(13))} ${value}`);
  row('name', printable(description.name));
  row('info-hash v1', description.v1 ?? 'none');
  row('info-hash v2', description.v2 ?? 'none');
  row('size', `${formatSize(files.reduce((sum, { size }) => sum + size, 0))} in ${plural(files.length, 'file')}`);
  row('piece length', `${description.pieceLength} bytes`);
  row('private', description.private ? 'yes' : 'no');
  const { v1, v2, name } = metainfo.value;
  row('magnet link', printMagnet({ v1, v2, name }));
  output.line();
  output.table(
    [
      { title: 'SIZE', of: ({ size }) => formatSize(size), right: true },
      { title: 'FILE', of: (file) => file.path, shrinksTo: 20 },
    ],
    files,
  );
};

export const inspectCommand = (program: Command, ending: Ending): void => {
  addCommand<[string]>(program, ending, {
    usage: 'inspect <file>',
    about: 'show what a torrent file says: info-hashes, magnet link, name, files',
    examples: ['shoal inspect dataset.torrent', 'shoal inspect dataset.torrent --json'],
    exits: [EXIT.data, EXIT.noInput],
    run: async (context, [file]) => inspect(context, file),
  });
};
