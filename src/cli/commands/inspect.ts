/** `inspect`: what a torrent file or a magnet link says. */
import type { Command } from 'commander';
import { printMagnet } from '../../protocol/bittorrent/magnet.ts';
import { describeMetainfo, type Metainfo, readMetainfo } from '../../protocol/bittorrent/metainfo.ts';
import { cleanName } from '../../protocol/bittorrent/names.ts';
import { readTrackerUrl, redactTrackerUrl } from '../../protocol/tracker/tracker-url.ts';
import { toHex } from '../../protocol/digest.ts';
import { addCommand, type Context, type Ending } from '../command.ts';
import { EXIT, stopWith } from '../exit.ts';
import { formatSize, formatTime, plural, printable } from '../render/format.ts';
import { downloadTorrent, isUrl, readTorrent } from '../torrent-file.ts';
import { isMagnet, magnetOf } from '../what.ts';

/** URLs of trackers hold passkeys of whoever has the file: they are hidden, so that what is shown may be passed on. */
const shownUrl = (url: string): string => {
  const read = readTrackerUrl(url);
  return read.ok ? redactTrackerUrl(read.value) : (URL.parse(url)?.origin ?? 'an unusable URL');
};

const rows = ({ output }: Context, entries: readonly (readonly [string, string])[]): void => {
  for (const [name, value] of entries) output.line(`${output.style.dim(name.padEnd(13))} ${printable(value)}`);
};

const trackerRows = (tiers: readonly (readonly string[])[]): (readonly [string, string])[] =>
  tiers.map((tier, n) => [n === 0 ? 'trackers' : '', tier.join(', ')] as const);

const kindOf = ({ v1, v2 }: Metainfo): string => (v1 === null ? 'v2' : v2 === null ? 'v1' : 'hybrid');

const inspectTorrent = (context: Context, name: string, bytes: Uint8Array): void => {
  const read = readMetainfo(bytes);
  if (!read.ok) return stopWith('torrent-invalid', `${name} is no valid torrent file: ${read.error.message}.`);
  const metainfo = read.value;
  const { comment, createdAt, createdBy, missingLayers, pieceCount, v1, v2, webSeeds } = metainfo;
  const description = describeMetainfo(metainfo);
  const trackers = metainfo.trackers.map((tier) => tier.map(shownUrl));
  const size = metainfo.contentBytes;
  const { output } = context;
  output.value({ ...description, size, pieces: pieceCount, missingLayers, trackers, webSeeds, comment, createdBy, createdAt });
  const files = description.files.filter(({ pad }) => !pad);
  rows(context, [
    ['name', description.name],
    ['kind', kindOf(metainfo)],
    ['info-hash v1', description.v1 ?? 'none'],
    ['info-hash v2', description.v2 ?? 'none'],
    ['size', `${formatSize(size)} in ${plural(files.length, 'file')}`],
    ['piece length', `${description.pieceLength} bytes`],
    ['pieces', missingLayers ? `${pieceCount}, without the piece layers that v2 needs` : String(pieceCount)],
    ['private', description.private ? 'yes' : 'no'],
    ...trackerRows(trackers),
    ...webSeeds.map((url, n) => [n === 0 ? 'web seeds' : '', url] as const),
    ...(comment === null ? [] : [['comment', comment] as const]),
    ...(createdBy === null ? [] : [['made by', createdBy] as const]),
    ...(createdAt === null ? [] : [['made at', formatTime(createdAt * 1_000)] as const]),
    ['magnet link', printMagnet({ v1, v2, name: metainfo.name })],
  ]);
  output.line();
  output.table(
    [
      { title: 'SIZE', of: (file) => formatSize(file.size), right: true },
      { title: 'FILE', of: (file) => file.path, shrinksTo: 20 },
    ],
    files,
  );
};

const inspectMagnet = (context: Context, text: string): void => {
  const { files, name, peers, size, trackers, v1, v2 } = magnetOf(text);
  const shown = {
    v1: v1 && toHex(v1),
    v2: v2 && toHex(v2),
    name: name === null ? null : cleanName(name),
    size,
    trackers: trackers.map(shownUrl),
    peers: peers.map(({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)),
    files: files.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`)),
  };
  context.output.value(shown);
  rows(context, [
    ['name', shown.name ?? 'not said'],
    ['info-hash v1', shown.v1 ?? 'not said'],
    ['info-hash v2', shown.v2 ?? 'not said'],
    ['size', size === null ? 'not said' : formatSize(size)],
    ...trackerRows(shown.trackers.map((tracker) => [tracker])),
    ...shown.peers.map((peer, n) => [n === 0 ? 'peers' : '', peer] as const),
    ['files', shown.files.length === 0 ? 'all' : `those at ${shown.files.join(', ')}`],
  ]);
};

const inspect = async (context: Context, what: string): Promise<void> => {
  if (what.trim() === '') stopWith('usage', 'Name a torrent file, its URL, or a magnet link.');
  if (isMagnet(what)) return inspectMagnet(context, what);
  return inspectTorrent(context, isUrl(what) ? 'What the URL gives' : what, isUrl(what) ? await downloadTorrent(what) : readTorrent(what));
};

export const inspectCommand = (program: Command, ending: Ending): void => {
  addCommand<[string]>(program, ending, {
    usage: 'inspect <torrent>',
    about: 'show what a torrent file or a magnet link says: info-hashes, name, files, pieces, trackers',
    examples: ['shoal inspect dataset.torrent', 'shoal inspect dataset.torrent --json', 'shoal inspect "magnet:?xt=urn:btih:…"'],
    exits: [EXIT.data, EXIT.noInput, EXIT.temporary],
    setup: (command) => command.addHelpText('after', '\nWhat may be a key in the URL of a tracker is shown as ***.'),
    run: (context, [what]) => inspect(context, what),
  });
};
