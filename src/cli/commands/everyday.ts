/** `files`, `queue`, `limit`, `seed`, `move`: what of a transfer is wanted first, how fast, for how long, and where. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { ApiCalls, FileSummary, TransferTerms } from '../../protocol/api.ts';
import { RATIO_MAX, SEED_SECONDS_MAX } from '../../protocol/terms.ts';
import { addCommand, type Context, type Ending } from '../command.ts';
import { EXIT, give, networkExits, stopWith } from '../exit.ts';
import { showList } from '../list.ts';
import { type NodeAccess, withNode } from '../node-access.ts';
import { parseDuration, parseRate } from '../quantities.ts';
import { formatDuration, formatPercent, formatRate, formatSize, printable } from '../render/format.ts';
import { findTransfer } from '../transfer-ids.ts';

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];
const limitText = (rate: number): string => (rate === 0 ? 'no limit' : formatRate(rate));

interface FileOptions {
  readonly skip: readonly string[];
  readonly low: readonly string[];
  readonly normal: readonly string[];
  readonly high: readonly string[];
  readonly sequential?: boolean;
  readonly rarest?: boolean;
}

const showFiles = ({ output }: Context, { files, sequential }: ApiCalls['files']['result']): void => {
  output.value({ files, sequential });
  showList<FileSummary>(
    output,
    [
      { title: 'PRIORITY', of: ({ priority }) => priority },
      { title: 'DONE', of: ({ doneBytes, size }) => formatPercent(doneBytes, size), right: true },
      { title: 'SIZE', of: ({ size }) => formatSize(size), right: true },
      { title: 'FILE', of: ({ path }) => path, shrinksTo: 16 },
    ],
    files,
  );
  if (sequential) output.line('In order, from the beginning.');
};

const files = async (context: Context, text: string, options: FileOptions): Promise<void> => {
  const { high, low, normal, rarest, sequential: inOrder, skip } = options;
  if (inOrder === true && rarest === true) stopWith('usage', 'Give --sequential or --rarest, not both.');
  const sequential = inOrder === true ? true : rarest === true ? false : null;
  const changes = [skip, low, normal, high].some((globs) => globs.length > 0) || sequential !== null;
  const result = await withNode(context, async (node) => {
    const { id } = await findTransfer(context, node, text);
    return give(await (changes ? node.call('files.set', { id, skip, low, normal, high, sequential }) : node.call('files', { id })));
  });
  showFiles(context, result);
};

type QueueMove = ApiCalls['queue']['args']['move'];

const queue = async (context: Context, text: string, options: { readonly [M in QueueMove]?: boolean }): Promise<void> => {
  const moves = (['top', 'bottom', 'up', 'down'] as const).filter((move) => options[move] === true);
  const [move] = moves;
  if (moves.length > 1) return stopWith('usage', 'Give one of --top, --bottom, --up and --down.');
  return withNode(context, async (node) => {
    const { id, name, terms } = await findTransfer(context, node, text);
    const result = move === undefined ? { queue: terms?.queue ?? 0 } : give(await node.call('queue', { id, move }));
    context.output.value({ id, ...result });
    context.output.line(`${printable(name)} is number ${result.queue} in the queue.`);
  });
};

const rateOf = (name: string, text: string | undefined): number | null => {
  if (text === undefined) return null;
  return parseRate(text) ?? stopWith('usage', `--${name} must be bytes a second such as 500k or 5M, or none; not "${text}".`);
};

const limit = async (
  context: Context,
  text: string | undefined,
  options: { readonly up?: string; readonly down?: string },
): Promise<void> => {
  const [uploadRate, downloadRate] = [rateOf('up', options.up), rateOf('down', options.down)];
  await withNode(context, async (node) => {
    const transfer = text === undefined ? null : await findTransfer(context, node, text);
    const result = give(await node.call('limits', { id: transfer?.id ?? null, uploadRate, downloadRate }));
    const { output } = context;
    output.value({ id: transfer?.id ?? null, ...result });
    output.line(
      `${transfer === null ? 'This node' : printable(transfer.name)}: up ${limitText(result.uploadRate)}, down ${limitText(result.downloadRate)}.`,
    );
    if (result.scheduled)
      output.line(`By the schedule just now: up ${limitText(result.now.uploadRate)}, down ${limitText(result.now.downloadRate)}.`);
  });
};

interface SeedOptions {
  readonly ratio?: string;
  readonly time?: string;
  readonly forever?: boolean;
  readonly usual?: boolean;
  readonly super?: string;
}

const goalOf = ({ forever, ratio, time, usual }: SeedOptions): ApiCalls['seed']['args']['goal'] => {
  const own = ratio !== undefined || time !== undefined;
  if ([own, forever === true, usual === true].filter(Boolean).length > 1)
    stopWith('usage', 'Give --ratio and --time, or --forever, or --usual.');
  if (forever === true) return { ratio: null, seconds: null };
  if (usual === true) return 'node';
  if (!own) return null;
  const times = ratio === undefined ? null : Number(ratio);
  if (times !== null && (!Number.isFinite(times) || times < 0 || ratio?.trim() === ''))
    stopWith('usage', `--ratio must be a number such as 1.5, not "${ratio}".`);
  if (times !== null && times > RATIO_MAX) stopWith('usage', `--ratio must be at most ${RATIO_MAX}, not "${ratio}".`);
  const seconds = time === undefined ? null : parseDuration(time);
  if (time !== undefined && seconds === null) stopWith('usage', `--time must be a time such as 3d, 12h or 1h30m, not "${time}".`);
  if (seconds !== null && seconds > SEED_SECONDS_MAX)
    stopWith('usage', `--time must be a hundred years at most, not "${time}"; or say --forever.`);
  return { ratio: times, seconds };
};

/** `until a ratio of 2 or after 3 d 0 h, whichever comes first`. */
const goalText = ({ goal: { ratio, seconds } }: TransferTerms): string => {
  const parts = [
    ...(ratio === null ? [] : [`until it was given ${ratio} times over`]),
    ...(seconds === null ? [] : [`for ${formatDuration(seconds)}`]),
  ];
  if (parts.length === 0) return 'until it is stopped';
  return parts.length === 1 ? (parts[0] as string) : `${parts.join(' or ')}, whichever comes first`;
};

const superOf = ({ super: mode }: SeedOptions): { readonly superSeeding?: boolean } => {
  if (mode === undefined) return {};
  if (mode !== 'on' && mode !== 'off') stopWith('usage', `--super must be on or off, not "${mode}".`);
  return { superSeeding: mode === 'on' };
};

const seed = async (context: Context, text: string, options: SeedOptions): Promise<void> => {
  const goal = goalOf(options);
  const mode = superOf(options);
  await withNode(context, async (node) => {
    const { id, name } = await findTransfer(context, node, text);
    const terms = give(await node.call('seed', { id, goal, ...mode }));
    context.output.value({ id, ...terms });
    context.output.line(
      `${printable(name)} is seeded ${goalText(terms)}. So far ${terms.ratio.toFixed(2)} times, for ${formatDuration(terms.seededSeconds)}.`,
    );
    if (terms.superSeeding) context.output.line('Super-seeding: each piece is given about once, as long as others do not have everything.');
  });
};

const move = async (context: Context, text: string, to: string): Promise<void> => {
  const folder = resolve(to);
  const moved = async (node: NodeAccess): Promise<void> => {
    const { id, name } = await findTransfer(context, node, text);
    const result = give(await node.call('move', { id, folder }));
    context.output.value({ id, ...result });
    context.output.line(`${printable(name)} is in ${result.folder} now.`);
  };
  await withNode(context, moved);
};

export const everydayCommands = (program: Command, ending: Ending): void => {
  addCommand<[string], FileOptions>(program, ending, {
    usage: 'files <id>',
    about: 'list the files of a transfer, and say which come first, or not at all',
    examples: [
      'shoal files 4f1c09aa7d3e',
      'shoal files 4f1c09aa7d3e --skip "*.nfo" --high "disc1/**"',
      'shoal files 4f1c09aa7d3e --sequential',
    ],
    exits: networkExits,
    config: true,
    setup: (command) =>
      command
        .option('--skip <glob>', 'do not download these; may be given several times, as the others', collect, [])
        .option('--low <glob>', 'these come last', collect, [])
        .option('--normal <glob>', 'these are as any other', collect, [])
        .option('--high <glob>', 'these come first', collect, [])
        .option('--sequential', 'in order, to read from the beginning while it comes')
        .option('--rarest', 'the rarest pieces first, as usual')
        .addHelpText(
          'after',
          '\nA file that several globs mean gets the highest priority of them. It may be changed while it is downloaded.',
        ),
    run: (context, [id], options) => files(context, id, options),
  });
  addCommand<[string], { readonly [M in QueueMove]?: boolean }>(program, ending, {
    usage: 'queue <id>',
    about: 'where a transfer stands in the queue for a turn, or move it there',
    examples: ['shoal queue 4f1c09aa7d3e --top', 'shoal queue 4f1c09aa7d3e --down'],
    exits: networkExits,
    config: true,
    setup: (command) =>
      command
        .option('--top', 'it comes first')
        .option('--bottom', 'it comes last')
        .option('--up', 'one before')
        .option('--down', 'one after')
        .addHelpText(
          'after',
          '\nA node downloads and seeds so many at one time (limits.activeTransfersMax, limits.activeSeedsMax). One that does not move\nkeeps nobody waiting.',
        ),
    run: (context, [id], options) => queue(context, id, options),
  });
  addCommand<[string | undefined], { readonly up?: string; readonly down?: string }>(program, ending, {
    usage: 'limit [id]',
    about: 'show or set limits of rate, of the node or of one transfer',
    examples: ['shoal limit', 'shoal limit --up 5M --down 10M', 'shoal limit 4f1c09aa7d3e --down none'],
    exits: networkExits,
    config: true,
    setup: (command) =>
      command
        .option('--up <rate>', 'bytes a second that are uploaded at most: 500k, 5M, none')
        .option('--down <rate>', 'bytes a second that are downloaded at most')
        .addHelpText('after', '\nThey hold at once and after a restart. A schedule (node.json) goes before those of the node.'),
    run: (context, [id], options) => limit(context, id, options),
  });
  addCommand<[string], SeedOptions>(program, ending, {
    usage: 'seed <id>',
    about: 'show or set when seeding of a transfer is over',
    examples: ['shoal seed 4f1c09aa7d3e --ratio 2 --time 3d', 'shoal seed 4f1c09aa7d3e --forever'],
    exits: networkExits,
    config: true,
    setup: (command) =>
      command
        .option('--ratio <times>', 'until so many times its size was given')
        .option('--time <time>', 'for so long: 3d, 12h, 1h30m; a number alone is hours')
        .option('--forever', 'until it is stopped')
        .option('--usual', "as the node's configuration says (seeding)")
        .option('--super <on|off>', 'super-seeding: as the first seed with a slow uplink, give each piece about once (BEP 16)')
        .addHelpText(
          'after',
          '\nWhat comes first counts. Then it is paused and announced no more; the catalog goes on to name this node as an owner, as with\nany pause. "shoal resume" goes on seeding for good.',
        ),
    run: (context, [id], options) => seed(context, id, options),
  });
  addCommand<[string, string]>(program, ending, {
    usage: 'move <id> <folder>',
    about: 'move the files of a transfer to another folder, also on another disk',
    examples: ['shoal move 4f1c09aa7d3e /mnt/big'],
    exits: [...networkExits, EXIT.cannotCreate, EXIT.io, EXIT.permission],
    config: true,
    run: (context, [id, folder]) => move(context, id, folder),
  });
};
