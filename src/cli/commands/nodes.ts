/** `nodes` and `ping`: who is in the network ("Discover" and "Ping node" of the original). */
import type { Command } from 'commander';
import { formatAddress } from '../../config/address.ts';
import { addCommand, type Context, type Ending } from '../command.ts';
import { NODES_PAGE_MAX } from '../../protocol/control/limits.ts';
import { networkExits } from '../exit.ts';
import { showList } from '../list.ts';
import { askNode } from '../node-access.ts';
import { notePage, noteStaleness, pageOf, type PageOptions } from '../paging.ts';
import { formatDuration, formatSize, plural, printable, shortId } from '../render/format.ts';

const SHARES_SHOWN_MAX = 5;

const listNodes = async (context: Context, options: PageOptions): Promise<void> => {
  const page = pageOf(options, { preset: NODES_PAGE_MAX, max: NODES_PAGE_MAX });
  const { offset, limit } = page;
  const found = await askNode(context, 'nodes', { offset, limit });
  const { nodes, total } = found;
  context.output.value(found);
  noteStaleness(context.output, found);
  if (nodes.length === 0 && total > 0) return context.output.line(`There are only ${plural(total, 'node')}.`);
  showList(
    context.output,
    [
      { title: 'NODE', of: ({ node }) => shortId(node) },
      { title: 'NAME', of: ({ name, guest }) => (guest === true ? `${name} (no node)` : name), shrinksTo: 8 },
      { title: 'ACCOUNT', of: ({ account }) => account, shrinksTo: 8, blank: '-' },
      { title: 'ADDRESS', of: ({ addresses }) => addresses.map(formatAddress).join(' '), shrinksTo: 15, rank: 1 },
      { title: 'HEARD', of: ({ silentSeconds }) => `${formatDuration(silentSeconds)} ago`, right: true, rank: 3 },
      { title: 'UPLOADED', of: ({ uploadedBytes }) => formatSize(uploadedBytes), right: true, rank: 4 },
      {
        title: 'SHARES',
        of: ({ shares }) =>
          [
            ...shares.slice(0, SHARES_SHOWN_MAX).map(({ name }) => name),
            ...(shares.length > SHARES_SHOWN_MAX ? [`and ${shares.length - SHARES_SHOWN_MAX} more`] : []),
          ].join(', '),
        shrinksTo: 10,
        blank: '',
        rank: 2,
      },
    ],
    nodes,
  );
  if (nodes.length === total) context.output.note(plural(total, 'node'));
  else notePage(context, 'nodes', [], options, { page, count: nodes.length, total });
};

/** The tracker, which knows all nodes, finds the one that is meant. */
const ping = async (context: Context, text: string): Promise<void> => {
  const answer = await askNode(context, 'ping', { node: text });
  context.output.value(answer);
  context.output.line(`${printable(text)} answered in ${(answer.roundTripMicros / 1000).toFixed(2)} ms.`);
};

export const nodeCommands = (program: Command, ending: Ending): void => {
  addCommand<[], PageOptions>(program, ending, {
    usage: 'nodes',
    about: 'list the nodes of the network and the BitTorrent clients of other makes, and what they share',
    examples: ['shoal nodes', 'shoal nodes --page 2'],
    exits: networkExits,
    config: true,
    setup: (command) =>
      command.option('--page <n>', 'which page', '1').option('--limit <n>', `nodes on a page (default: ${NODES_PAGE_MAX})`),
    run: (context, _words, options) => listNodes(context, options),
  });
  addCommand<[string]>(program, ending, {
    usage: 'ping <node>',
    about: 'ask whether a node is there, by its name, its id or the head of its id',
    examples: ['shoal ping alice-laptop'],
    exits: networkExits,
    config: true,
    run: (context, [node]) => ping(context, node),
  });
};
