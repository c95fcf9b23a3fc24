/** `share`: files and folders as a new content, or a torrent that is there already. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, parse, resolve } from 'node:path';
import { from, lastValueFrom, map, takeUntil, takeWhile, tap } from 'rxjs';
import type { Command } from 'commander';
import type { ApiCalls } from '../../protocol/api.ts';
import { readMetainfo } from '../../protocol/bittorrent/metainfo.ts';
import { cleanName } from '../../protocol/bittorrent/names.ts';
import { polled, withPace } from '../../telemetry/progress.ts';
import { addCommand, type Context, type Ending } from '../command.ts';
import { demandOf, type DemandOptions, keptWords, requireOption } from '../durability.ts';
import { EXIT, type ExitCode, give, stopWith, transferExits } from '../exit.ts';
import { asTyped, commandLine } from '../hints.ts';
import { type OwnableNode, runningOrOwnNode } from '../node-access.ts';
import { formatSize, plural, printable, shortId } from '../render/format.ts';
import { ProgressView } from '../render/progress.ts';
import { type StopRequest, watchSignals } from '../signals.ts';
import { findTransfer, isHead } from '../transfer-ids.ts';
import { readTorrent } from '../torrent-file.ts';
import { seedUntilStopped } from './download.ts';

const POLL_MS = 200;
const PACE_WINDOW_MS = 3_000;

type ShareState = ApiCalls['shareJob']['result'];

interface ShareOptions extends DemandOptions {
  readonly name?: string;
  readonly tag: readonly string[];
  readonly v1?: boolean;
  readonly pieceLength?: string;
  readonly data?: string;
  readonly asFile?: boolean;
}

const collect = (value: string, all: readonly string[]): string[] => [...all, value];

/** `262144`, `256K`, `1M`: bytes, with K and M of 1024. */
const parsePieceLength = (text: string | undefined): number | null => {
  if (text === undefined) return null;
  const match = /^(\d{1,9})\s*([km]?)(?:i?b)?$/iu.exec(text);
  const unit = match?.[2]?.toLowerCase();
  const bytes = Number(match?.[1]) * (unit === 'm' ? 1024 * 1024 : unit === 'k' ? 1024 : 1);
  if (match === null || bytes < 16_384 || !Number.isInteger(Math.log2(bytes))) {
    return stopWith('usage', `--piece-length must be a power of two from 16K, for example 256K or 4M, not "${text}".`);
  }
  return bytes;
};

const followShare = async (context: Context, node: OwnableNode, job: number, label: string, signals: StopRequest): Promise<ShareState> => {
  const view = new ProgressView(context.output);
  const ask = async (): Promise<ShareState> => give(await node.call('shareJob', { job }));
  const first = await ask();
  const last = await lastValueFrom(
    polled(ask, POLL_MS).pipe(
      map((state) => ({ ...state, atMs: performance.now() })),
      withPace(PACE_WINDOW_MS),
      tap(({ state, ...facts }) => {
        if (state !== 'failed')
          view.show({ label, ...facts, sources: [], reason: state === 'hashing' ? null : 'registering with the network' });
      }),
      takeWhile(({ state }) => state === 'hashing' || state === 'registering', true),
      takeUntil(from(signals.requested)),
    ),
    { defaultValue: first },
  );
  view.clear();
  return last;
};

/** The catalog does not know it. A node that goes on has it and tells later; one that ends with the command does neither. */
const whyNotShared = (
  context: Context,
  { own }: OwnableNode,
  label: string,
  { id, kept, code, message }: Pick<ShareState, 'id' | 'kept' | 'code' | 'message'>,
): string => {
  const after = own
    ? ' The node ends with this command: once "shoal node" runs, it is shared and the catalog is told.'
    : ' It is shared from this node all the same; the catalog is told as soon as it listens.';
  const reason = `${message ?? 'no reason was given'}${kept ? after : ''}`;
  const what =
    code === 'shared-elsewhere'
      ? 'is not shared from there'
      : code === 'indeterminate'
        ? 'may or may not be in the catalog'
        : kept
          ? 'is not in the catalog'
          : 'is not shared';
  return `${label} ${what}: ${asTyped(context, reason, id === null ? null : shortId(id))}`;
};

/** What is being shared: how the node is asked for it, and what to call it meanwhile. */
interface Begun {
  readonly label: string;
  begin(node: OwnableNode): Promise<{ readonly job: number }>;
}

const ofPaths = (given: readonly string[], options: ShareOptions): Begun => {
  const paths = given.map((path) => resolve(path));
  for (const path of paths) {
    if (!existsSync(path)) stopWith('missing', `${path} does not exist.`);
    if (parse(path).root === path) stopWith('usage', `${path} is the root of a disk, which cannot be shared. Name a file or a folder.`);
  }
  if (options.data !== undefined) stopWith('usage', '--data goes with a torrent file: it says where the data of the torrent is.');
  const pieceLength = parsePieceLength(options.pieceLength);
  const { name = null, tag: tags, v1 = false } = options;
  return {
    label: printable(name ?? basename(paths[0] ?? '')),
    begin: async (node) => give(await node.call('share', { paths, name, tags, v1, pieceLength, ...demandOf(options) })),
  };
};

/** Of a torrent the name, the pieces and the version stand: they are what its info-hash is of. */
const refuseMaking = (options: ShareOptions): void => {
  const given = [
    options.name === undefined ? [] : '--name',
    options.v1 === undefined ? [] : '--v1',
    options.pieceLength === undefined ? [] : '--piece-length',
  ].flat();
  if (given.length > 0) stopWith('usage', `${given.join(', ')} would make another torrent; this one is published as it is.`);
};

const ofTorrent = (path: string, options: ShareOptions): Begun => {
  refuseMaking(options);
  const bytes = readTorrent(path);
  const metainfo = readMetainfo(bytes);
  if (!metainfo.ok) return stopWith('torrent-invalid', `${path} is no valid torrent file: ${metainfo.error.message}.`);
  const data = options.data === undefined ? null : resolve(options.data);
  const beside = dirname(resolve(path));
  const torrent = Buffer.from(bytes).toString('base64');
  return {
    label: printable(cleanName(metainfo.value.name)),
    begin: async (node) => give(await node.call('publish', { torrent, id: null, data, beside, tags: options.tag, ...demandOf(options) })),
  };
};

const ofTransfer = (context: Context, text: string, options: ShareOptions): Begun => {
  refuseMaking(options);
  const begun = {
    label: text,
    begin: async (node: OwnableNode): Promise<{ readonly job: number }> => {
      const { id, name } = await findTransfer(context, node, text);
      begun.label = printable(name);
      return give(await node.call('publish', { torrent: null, id, data: null, beside: null, tags: options.tag, ...demandOf(options) }));
    },
  };
  return begun;
};

const meant = (context: Context, given: readonly string[], options: ShareOptions): Begun => {
  const [only = '', another] = given;
  if (another !== undefined || options.asFile === true) return ofPaths(given, options);
  if (!existsSync(only)) return isHead(only) ? ofTransfer(context, only, options) : ofPaths(given, options);
  return /\.torrent$/iu.test(only) && statSync(only).isFile() ? ofTorrent(only, options) : ofPaths(given, options);
};

const share = async (context: Context, given: readonly string[], options: ShareOptions): Promise<ExitCode> => {
  const begun = meant(context, given, options);
  const node = await runningOrOwnNode(context);
  const signals = watchSignals();
  try {
    const { job } = await begun.begin(node);
    const { label } = begun;
    const { already, state, id, size, skipped, durability, ...failure } = await followShare(context, node, job, label, signals);
    if (skipped > 0) context.output.note(`${plural(skipped, 'link or special file was', 'links or special files were')} left out.`);
    if (state === 'failed') stopWith(failure.code ?? 'failed', whyNotShared(context, node, label, { id, ...failure }));
    if (id === null || state !== 'done') {
      context.output.note(node.own ? 'Stopped: nothing is shared.' : 'The node goes on without this command.');
      return EXIT.interrupted;
    }
    const { output } = context;
    const where = already === undefined ? {} : { already };
    output.value({ id, name: label, size, durability, ...where });
    const what = output.style.green(already === undefined ? 'shared' : 'shared already');
    const from = already === undefined ? '' : `  from ${printable(already)}`;
    output.line(`${what}  ${output.style.bold(label)}  ${formatSize(size)}  id ${id}${keptWords({ durability })}${from}`);
    // Whoever names the file of a node here has others to name elsewhere.
    const others = context.configFile === null ? context : { ...context, configFile: 'FILE' };
    context.output.note(`On another node of the network: ${commandLine(others, 'get', [shortId(id)])}`);
    if (node.own) await seedUntilStopped(context, node, id, signals);
    return EXIT.ok;
  } finally {
    await node.close();
    signals.dispose();
  }
};

export const shareCommand = (program: Command, ending: Ending): void => {
  addCommand<[string[]], ShareOptions>(program, ending, {
    usage: 'share <path...>',
    about: 'share files or folders as one content, or publish a torrent that is there already',
    examples: [
      'shoal share dataset/ --name "Corpus 2026" --tag text --tag vi',
      'shoal share image.iso',
      'shoal share debian.torrent --data /data/iso',
      'shoal share 4f1c09aa7d3e',
    ],
    exits: transferExits,
    config: true,
    setup: (command) =>
      command
        .option('--name <name>', 'its name in the catalog, and of what is downloaded, so with its extension (default: that of the path)')
        .option('--tag <tag>', 'a word to find it by; may be given several times', collect, [])
        .option('--v1', 'a torrent of version 1 alone, for clients that know no other')
        .option('--piece-length <bytes>', 'a power of two, for example 1M (default: by size)')
        .option('--data <path>', 'of a torrent file: where its data is (default: beside it, then the download folder)')
        .option('--as-file', 'share a torrent file itself, as any other file')
        .option(...requireOption)
        .addHelpText(
          'after',
          '\nA torrent file is published under its own info-hash, once its data is found and checked; so is a download of elsewhere, by its id.\nWhere no node is running, the command runs one itself and shares until Ctrl-C.',
        ),
    run: (context, [paths], options) => share(context, paths, options),
  });
};
