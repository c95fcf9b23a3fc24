/** `torrent` and `magnet`: a content of the network for other BitTorrent programs. */
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { readMetainfo } from '../../protocol/bittorrent/metainfo.ts';
import { metainfoLimits } from '../../protocol/bittorrent/metainfo-files.ts';
import { redress } from '../../protocol/bittorrent/redress.ts';
import { readWebUrl } from '../../protocol/bittorrent/web-seed.ts';
import { diskFailure } from '../../system/disk-failure.ts';
import { addCommand, type Context, type Ending } from '../command.ts';
import { EXIT, networkExits, stopWith } from '../exit.ts';
import { commandLine } from '../hints.ts';
import { failureCodeOf } from '../new-files.ts';
import { printable } from '../render/format.ts';
import { addAnnounceOptions, announced, type AnnounceOptions } from './announces.ts';

const HYBRID =
  'It is a hybrid torrent: qBittorrent, Deluge, WebTorrent and Transmission 4 take it; aria2 and Transmission 3 make nothing of one. For those, share with --v1.';

/** Nothing that is there is replaced. */
const writeNew = (file: string, bytes: Uint8Array, secret: boolean): void => {
  try {
    writeFileSync(file, bytes, { mode: secret ? 0o600 : 0o666, flag: 'wx' });
  } catch (error) {
    const failure = error as NodeJS.ErrnoException;
    if (failure.code === 'EEXIST') stopWith('exists', `${file} is there already and is not replaced.`);
    stopWith(failureCodeOf(failure), diskFailure(failure, `write ${file}`).error.message);
  }
};

const collect = (value: string, all: readonly string[]): string[] => [...all, value];

/** Before anything is made that a refused file would be for. */
const refuseTaken = (out: string): void => {
  const given = resolve(out);
  if (existsSync(given) && !statSync(given).isDirectory()) stopWith('exists', `${given} is there already and is not replaced.`);
};

/** The torrent file with these web seeds besides its own; its info-hash stays. */
const withWebSeeds = (bytes: Uint8Array, urls: readonly string[]): Uint8Array => {
  for (const url of urls) {
    const read = readWebUrl(url);
    if (!read.ok) stopWith('usage', `The web seed ${url} cannot be used: ${read.error.message}.`);
  }
  const metainfo = readMetainfo(bytes);
  if (urls.length === 0 || !metainfo.ok) return bytes;
  const { trackers, webSeeds } = metainfo.value;
  const dressed = redress(bytes, { trackers, webSeeds: [...new Set([...webSeeds, ...urls])] }, metainfoLimits.torrentBytesMax);
  return dressed.ok ? dressed.value : stopWith(dressed.error.code, dressed.error.message);
};

const torrent = async (
  context: Context,
  words: readonly string[],
  options: AnnounceOptions & { readonly out?: string; readonly webSeed?: readonly string[] },
): Promise<void> => {
  const { output } = context;
  const what = words.join(' ');
  const toTerminal = options.out === undefined && !output.json;
  if (toTerminal && output.isTerminal)
    stopWith(
      'usage',
      `A torrent file is no text: write it to a file, for example with: ${commandLine(context, 'torrent', words, ['--out', 'f.torrent'])}`,
    );
  if (options.device !== undefined && options.out !== undefined) refuseTaken(options.out);
  const { found, device, note } = await announced(context, 'torrent', { what }, options);
  const { id, name, personal, torrent: told } = found;
  const bytes = withWebSeeds(Buffer.from(told, 'base64'), options.webSeed ?? []);
  const text = Buffer.from(bytes).toString('base64');
  if (options.out === undefined) {
    output.value({ id, name, personal, ...device, torrent: text });
    output.bytes(bytes);
  } else {
    const given = resolve(options.out);
    const isFolder = existsSync(given) && statSync(given).isDirectory();
    const file = isFolder ? join(given, `${basename(name)}.torrent`) : given;
    writeNew(file, bytes, personal);
    output.value({ id, name, personal, ...device, file });
    output.line(`${printable(name)} is in ${file}.`);
  }
  const metainfo = readMetainfo(bytes);
  if (metainfo.ok && metainfo.value.v1 !== null && metainfo.value.v2 !== null) output.note(HYBRID);
  if (personal) output.note(note);
};

const magnet = async (
  context: Context,
  words: readonly string[],
  options: AnnounceOptions & { readonly bare?: boolean },
): Promise<void> => {
  const bare = options.bare === true;
  if (bare && (options.device !== undefined || options.announce.length > 0))
    stopWith('usage', 'A link with --bare has no trackers: leave out --announce and --device, or --bare.');
  const { found, device, note } = await announced(context, 'magnet', { what: words.join(' '), bare }, options);
  const { output } = context;
  output.value({ ...found, ...device });
  output.line(found.magnet);
  if (found.personal) output.note(`${note} Without it: ${commandLine(context, 'magnet', words, ['--bare'])}`);
};

export const torrentCommands = (program: Command, ending: Ending): void => {
  addCommand<[string[]], AnnounceOptions & { out?: string; webSeed?: string[] }>(program, ending, {
    usage: 'torrent <what...>',
    about: 'write the torrent file of a content, for other BitTorrent programs, with your own announce URL',
    examples: [
      'shoal torrent 4f1c09aa7d3e > corpus.torrent',
      'shoal torrent corpus 2026 --out ~/watch/',
      'shoal torrent 4f1c09aa7d3e --device seedbox > corpus.torrent',
    ],
    exits: [...networkExits, EXIT.cannotCreate],
    config: true,
    setup: (command) =>
      addAnnounceOptions(command)
        .option('--out <file>', 'write it to this file, or into this folder, for you alone to read')
        .option('--web-seed <url>', 'a web server that has the files, as another source (BEP 19); may be given several times', collect, [])
        .addHelpText(
          'after',
          "\nThe info-hash stays that of the catalog. The announce URLs hold a passkey of this node, which is asked for on first use; end it with:\nshoal passkey revoke. For a client on another device --device makes that one's passkey (the one it had goes on for a while), and\n--announce takes one that was made with shoal passkey new. A torrent that came from elsewhere is written as it came. aria2 and\nTransmission 3 make nothing of hybrid torrents, which shoal share makes by default: for those, share with --v1.",
        ),
    run: (context, [what], options) => torrent(context, what, options),
  });
  addCommand<[string[]], AnnounceOptions & { bare?: boolean }>(program, ending, {
    usage: 'magnet <what...>',
    about: 'print the magnet link of a content, with your own announce URL',
    examples: ['shoal magnet 4f1c09aa7d3e', 'shoal magnet corpus 2026 --bare', 'shoal magnet 4f1c09aa7d3e --device phone'],
    exits: networkExits,
    config: true,
    setup: (command) =>
      addAnnounceOptions(command).option('--bare', 'without trackers: safe to pass on, of use to nodes of the network alone'),
    run: (context, [what], options) => magnet(context, what, options),
  });
};
