/** `nodes` and `ping`: who is in the network ("Discover" and "Ping node" of the original). */
import type { Command } from 'commander';
import { formatAddress } from '../../config/address.ts';
import { addCommand, type Context, type Ending } from '../command.ts';
import { EXIT, give } from '../exit.ts';
import { askNode, withNode } from '../node-access.ts';
import { formatDuration, formatSize, plural, printable, shortId } from '../render/format.ts';

const exits = [EXIT.unavailable, EXIT.temporary, EXIT.permission, EXIT.config];
const SHARES_SHOWN_MAX = 5;

const listNodes = async (context: Context): Promise<void> => {
  const { nodes } = await askNode(context, 'nodes', {});
  context.output.value({ nodes });
  context.output.table(
    [
      { title: 'NODE', of: ({ node }) => shortId(node) },
      { title: 'NAME', of: ({ name }) => name, shrinksTo: 8 },
      { title: 'ACCOUNT', of: ({ account }) => account, shrinksTo: 8 },
      { title: 'ADDRESS', of: ({ addresses }) => addresses.map(formatAddress).join(' '), shrinksTo: 15 },
      { title: 'HEARD', of: ({ silentSeconds }) => `${formatDuration(silentSeconds)} ago`, right: true },
      { title: 'UPLOADED', of: ({ uploadedBytes }) => formatSize(uploadedBytes), right: true },
      {
        title: 'SHARES',
        of: ({ shares }) =>
          [
            ...shares.slice(0, SHARES_SHOWN_MAX).map(({ name }) => name),
            ...(shares.length > SHARES_SHOWN_MAX ? [`and ${shares.length - SHARES_SHOWN_MAX} more`] : []),
          ].join(', '),
        shrinksTo: 10,
      },
    ],
    nodes,
  );
  context.output.note(plural(nodes.length, 'node'));
};

const ping = async (context: Context, text: string): Promise<void> => {
  await withNode(context, async (node) => {
    const { nodes } = give(await node.call('nodes', {}));
    const named = nodes.filter(
      (each) => each.node === text || each.name === text || (text.length >= 4 && each.node.startsWith(text.toLowerCase())),
    );
    const target = named.length === 1 ? (named[0]?.node ?? text) : text;
    const answer = give(await node.call('ping', { node: target }));
    context.output.value(answer);
    context.output.line(`${printable(named[0]?.name ?? text)} answered in ${(answer.roundTripMicros / 1000).toFixed(2)} ms.`);
  });
};

export const nodeCommands = (program: Command, ending: Ending): void => {
  addCommand(program, ending, {
    usage: 'nodes',
    about: 'list the nodes of the network, and what they share',
    examples: ['shoal nodes'],
    exits,
    config: true,
    run: listNodes,
  });
  addCommand<[string]>(program, ending, {
    usage: 'ping <node>',
    about: 'ask whether a node is there, by its name or id',
    examples: ['shoal ping alice-laptop'],
    exits,
    config: true,
    run: (context, [node]) => ping(context, node),
  });
};
