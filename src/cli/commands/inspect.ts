/** `inspect`: what a torrent file says. */
import { readFileSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import { describeMetainfo, readMetainfo } from '../../protocol/bittorrent/metainfo.ts';
import { addCommand, type Context, type Ending } from '../command.ts';
import { EXIT, stopWith } from '../exit.ts';
import { formatSize, plural, printable } from '../render/format.ts';

/** The reader has its own, lower limit; this one keeps a wrong file from being read into memory. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;

const readTorrent = (path: string): Uint8Array => {
  try {
    const { size } = statSync(path);
    if (size > FILE_BYTES_MAX) stopWith('torrent-invalid', `${path} is too large for a torrent file (${formatSize(size)}).`);
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const why: Readonly<Record<string, string>> = {
      ENOENT: 'does not exist',
      EACCES: 'may not be read by this user',
      EISDIR: 'is a folder',
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
    about: 'show what a torrent file says: info-hashes, name, files',
    examples: ['shoal inspect dataset.torrent', 'shoal inspect dataset.torrent --json'],
    exits: [EXIT.data, EXIT.noInput],
    run: async (context, [file]) => inspect(context, file),
  });
};
