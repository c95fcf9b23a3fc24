/** `search`, `get`, `unshare`. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { SearchHit } from '../../protocol/control/messages.ts';
import { addCommand, type Context, type Ending } from '../command.ts';
import { demandOf, type DemandOptions, keptWords, requireOption } from '../durability.ts';
import { EXIT, type ExitCode, give, networkExits, stopWith, transferExits } from '../exit.ts';
import { showList } from '../list.ts';
import { askNode, runningOrOwnNode, withNode } from '../node-access.ts';
import { notePage, noteStaleness, pageOf, type PageOptions } from '../paging.ts';
import { formatSize, printable, shortId } from '../render/format.ts';
import { watchSignals } from '../signals.ts';
import { findTransfer } from '../transfer-ids.ts';
import { meant } from '../what.ts';
import { followDownload, seedUntilStopped } from './download.ts';

const collect = (value: string, all: readonly string[]): string[] => [...all, value];

interface GetOptions {
  readonly to?: string;
  readonly file: readonly string[];
  readonly sequential?: boolean;
  readonly seed?: boolean;
}

const get = async (context: Context, words: readonly string[], options: GetOptions): Promise<ExitCode> => {
  const asked = await meant(words);
  const node = await runningOrOwnNode(context);
  const signals = watchSignals();
  try {
    const to = options.to === undefined ? null : resolve(options.to);
    const begun = await node.call('get', { ...asked, to, files: options.file, sequential: options.sequential === true });
    if (!begun.ok && begun.error.code === 'not-found' && words.length === 1 && /\.torrent$/iu.test(asked.what))
      stopWith('missing', `There is no file ${asked.what} here, nor a content of the catalog that is called so.`);
    const { id } = give(begun);
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
    about: 'download by id (its first 8 digits are enough), by words that match one content, by torrent file or by magnet link',
    examples: [
      'shoal get 4f1c09aa7d3e',
      'shoal get corpus 2026 --to /data --file "*.txt"',
      'shoal get debian.torrent',
      'shoal get "magnet:?xt=urn:btih:…"',
    ],
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
          '\nA torrent file (its path, or an http URL) or a magnet link (in quotes) whose content is in the catalog is taken from the network. Any\nother is downloaded from the peers that its own trackers know, and stays out of the catalog until it is published: shoal share ID.\nWhere no node is running, the command runs one itself until the download is complete.\nAn interrupted download resumes when the same command is run again.',
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
