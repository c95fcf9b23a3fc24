/** `share`, `search`, `get`, `unshare`. */
import { existsSync } from 'node:fs';
import { basename, parse, resolve } from 'node:path';
import { from, lastValueFrom, map, takeUntil, takeWhile, tap } from 'rxjs';
import type { Command } from 'commander';
import type { ApiCalls } from '../../protocol/api.ts';
import type { SearchHit } from '../../protocol/control/messages.ts';
import { polled, withPace } from '../../telemetry/progress.ts';
import { addCommand, type Context, type Ending } from '../command.ts';
import { demandOf, type DemandOptions, keptWords, requireOption } from '../durability.ts';
import { EXIT, type ExitCode, give, networkExits, stopWith, transferExits } from '../exit.ts';
import { asTyped, commandLine } from '../hints.ts';
import { showList } from '../list.ts';
import { askNode, type OwnableNode, runningOrOwnNode, withNode } from '../node-access.ts';
import { notePage, noteStaleness, pageOf, type PageOptions } from '../paging.ts';
import { formatSize, plural, printable, shortId } from '../render/format.ts';
import { ProgressView } from '../render/progress.ts';
import { type StopRequest, watchSignals } from '../signals.ts';
import { findTransfer } from '../transfer-ids.ts';
import { meant } from '../what.ts';
import { followDownload, seedUntilStopped } from './download.ts';

const POLL_MS = 200;
const PACE_WINDOW_MS = 3_000;

type ShareState = ApiCalls['shareJob']['result'];

interface ShareOptions extends DemandOptions {
  readonly name?: string;
  readonly tag: readonly string[];
  readonly v1?: boolean;
  readonly pieceLength?: string;
}

const collect = (value: string, all: readonly string[]): string[] => [...all, value];

/** `262144`, `256K`, `1M`: bytes, with K and M of 1024. */
export const parsePieceLength = (text: string | undefined): number | null => {
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
  const what = code === 'indeterminate' ? 'may or may not be in the catalog' : kept ? 'is not in the catalog' : 'is not shared';
  return `${label} ${what}: ${asTyped(context, reason, id === null ? null : shortId(id))}`;
};

const share = async (context: Context, given: readonly string[], options: ShareOptions): Promise<ExitCode> => {
  const paths = given.map((path) => resolve(path));
  for (const path of paths) {
    if (!existsSync(path)) stopWith('missing', `${path} does not exist.`);
    if (parse(path).root === path) stopWith('usage', `${path} is the root of a disk, which cannot be shared. Name a file or a folder.`);
  }
  const pieceLength = parsePieceLength(options.pieceLength);
  const node = await runningOrOwnNode(context);
  const signals = watchSignals();
  try {
    const { job } = give(
      await node.call('share', {
        paths,
        name: options.name ?? null,
        tags: options.tag,
        v1: options.v1 === true,
        pieceLength,
        ...demandOf(options),
      }),
    );
    const label = printable(options.name ?? basename(paths[0] ?? ''));
    const { state, id, size, skipped, durability, ...failure } = await followShare(context, node, job, label, signals);
    if (skipped > 0) context.output.note(`${plural(skipped, 'link or special file was', 'links or special files were')} left out.`);
    if (state === 'failed') stopWith(failure.code ?? 'failed', whyNotShared(context, node, label, { id, ...failure }));
    if (id === null || state !== 'done') {
      context.output.note(node.own ? 'Stopped: nothing is shared.' : 'The node goes on without this command.');
      return EXIT.interrupted;
    }
    context.output.value({ id, name: label, size, durability });
    context.output.line(
      `${context.output.style.green('shared')}  ${context.output.style.bold(label)}  ${formatSize(size)}  id ${id}${keptWords({ durability })}`,
    );
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

interface GetOptions {
  readonly to?: string;
  readonly file: readonly string[];
  readonly sequential?: boolean;
  readonly seed?: boolean;
}

const get = async (context: Context, words: readonly string[], options: GetOptions): Promise<ExitCode> => {
  const what = meant(words);
  const node = await runningOrOwnNode(context);
  const signals = watchSignals();
  try {
    const to = options.to === undefined ? null : resolve(options.to);
    const { id } = give(await node.call('get', { what, to, files: options.file, sequential: options.sequential === true }));
    const status = await followDownload(context, node, id, signals);
    if (status === EXIT.ok && node.own && options.seed === true && !signals.stopped) await seedUntilStopped(context, node, id, signals);
    return status;
  } finally {
    await node.close();
    signals.dispose();
  }
};

/** Results on a page. */
const PAGE_LENGTH = 20;

const ownersText = ({ owners }: SearchHit): string => [...new Set(owners.map(({ account }) => account))].join(', ');

const search = async (context: Context, words: readonly string[], options: PageOptions): Promise<void> => {
  const page = pageOf(options, { preset: PAGE_LENGTH, max: 100 });
  const { offset, limit } = page;
  const found = await askNode(context, 'search', { words: words.join(' '), offset, limit });
  const { output } = context;
  output.value(found);
  noteStaleness(output, found);
  if (found.hits.length === 0)
    return output.line(
      found.total === 0 ? (words.length === 0 ? 'Nothing is shared yet.' : 'Nothing was found.') : `There are only ${found.total} results.`,
    );
  showList(
    output,
    [
      { title: 'ID', of: ({ id }) => shortId(id) },
      { title: 'NAME', of: ({ name }) => name, shrinksTo: 16 },
      { title: 'SIZE', of: ({ size }) => formatSize(size), right: true },
      { title: 'NODES', of: ({ ownerCount }) => String(ownerCount), right: true, rank: 2 },
      { title: 'ONLINE', of: ({ onlineCount }) => String(onlineCount), right: true, rank: 1 },
      { title: 'TAGS', of: ({ tags }) => tags.join(', '), shrinksTo: 6, blank: '' },
      { title: 'OWNERS', of: ownersText, shrinksTo: 8 },
    ],
    found.hits,
  );
  notePage(context, 'search', words, options, { page, count: found.hits.length, total: found.total });
};

const unshare = async (context: Context, text: string, options: DemandOptions): Promise<void> => {
  await withNode(context, async (node) => {
    const { id, name } = await findTransfer(context, node, text);
    const kept = give(await node.call('unshare', { id, ...demandOf(options) }));
    context.output.value({ id, ...kept });
    context.output.line(`${printable(name)} is no longer shared by this node${keptWords(kept)}. Its files stay where they are.`);
    if (kept.durability === 'none') context.output.note('The catalog may name this node still; it is told as soon as it listens.');
  });
};

export const catalogCommands = (program: Command, ending: Ending): void => {
  addCommand<[string[]], ShareOptions>(program, ending, {
    usage: 'share <path...>',
    about: 'share files or folders as one content',
    examples: ['shoal share dataset/ --name "Corpus 2026" --tag text --tag vi', 'shoal share image.iso'],
    exits: transferExits,
    config: true,
    setup: (command) =>
      command
        .option('--name <name>', 'its name in the catalog, and of what is downloaded, so with its extension (default: that of the path)')
        .option('--tag <tag>', 'a word to find it by; may be given several times', collect, [])
        .option('--v1', 'a torrent of version 1 alone, for clients that know no other')
        .option('--piece-length <bytes>', 'a power of two, for example 1M (default: by size)')
        .option(...requireOption)
        .addHelpText('after', `\nWhere no node is running, the command runs one itself and shares until Ctrl-C.`),
    run: (context, [paths], options) => share(context, paths, options),
  });
  addCommand<[string[]], { page: string; limit?: string }>(program, ending, {
    usage: 'search [words...]',
    about: 'search the catalog; no words: everything',
    examples: ['shoal search corpus vi', 'shoal search dữ liệu', 'shoal search --page 2'],
    exits: networkExits,
    config: true,
    setup: (command) =>
      command
        .option('--page <n>', 'which page', '1')
        .option('--limit <n>', `results on a page (default: ${PAGE_LENGTH})`)
        .addHelpText('after', '\nWords match from their beginning, with or without diacritics.'),
    run: (context, [words], options) => search(context, words, options),
  });
  addCommand<[string[]], GetOptions>(program, ending, {
    usage: 'get <what...>',
    about: 'download by id (its first 8 digits are enough), by magnet link, or by words that match one content',
    examples: ['shoal get 4f1c09aa7d3e', 'shoal get corpus 2026 --to /data --file "*.txt"', 'shoal get "magnet:?xt=urn:btih:…"'],
    exits: transferExits,
    config: true,
    setup: (command) =>
      command
        .option('--to <dir>', 'where to (default: the download folder of the node)')
        .option('--file <glob>', 'only these files; may be given several times', collect, [])
        .option('--sequential', 'in order, to read from the beginning while it comes')
        .option('--seed', 'where the command runs a node itself: go on sharing until Ctrl-C')
        .addHelpText(
          'after',
          '\nOf a magnet link (quote it in a shell) only the info-hash counts: the network itself knows who has the content.\nWhere no node is running, the command runs one itself until the download is complete.\nAn interrupted download resumes when the same command is run again.',
        ),
    run: (context, [what], options) => get(context, what, options),
  });
  addCommand<[string], DemandOptions>(program, ending, {
    usage: 'unshare <id>',
    about: 'share it no more; the files stay',
    examples: ['shoal unshare 4f1c09aa7d3e'],
    exits: networkExits,
    config: true,
    setup: (command) => command.option(...requireOption),
    run: (context, [id], options) => unshare(context, id, options),
  });
};
