/** `nodes` and `ping`: who is in the network ("Discover" and "Ping node" of the original). */
import type { Command } from 'commander';
import { formatAddress } from '../../config/address.ts';
import { addCommand, type Context, type Ending } from '../command.ts';
import type { NodeSummary } from '../../protocol/control/messages.ts';
import { give, networkExits, stopWith } from '../exit.ts';
import { commandLine } from '../hints.ts';
import { showList } from '../list.ts';
import { askNode, withNode } from '../node-access.ts';
import { formatDuration, formatSize, plural, printable, shortId } from '../render/format.ts';

const SHARES_SHOWN_MAX = 5;

const listNodes = async (context: Context): Promise<void> => {
  const { nodes } = await askNode(context, 'nodes', {});
  context.output.value({ nodes });
  showList(
    context.output,
    [
      { title: 'NODE', of: ({ node }) => shortId(node) },
      { title: 'NAME', of: ({ name }) => name, shrinksTo: 8 },
      { title: 'ACCOUNT', of: ({ account }) => account, shrinksTo: 8 },
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
  context.output.note(plural(nodes.length, 'node'));
};

const ID_HEAD_MIN = 4;

/** The node that is meant: by its name, its id or the head of its id. Several nodes may have one name. */
const nodeNamed = (context: Context, nodes: readonly NodeSummary[], text: string): Pick<NodeSummary, 'node' | 'name'> => {
  const exact = nodes.filter(({ node, name }) => name === text || node === text.toLowerCase());
  const isHead = text.length >= ID_HEAD_MIN && /^[0-9a-f]+$/iu.test(text);
  const found = exact.length > 0 || !isHead ? exact : nodes.filter(({ node }) => node.startsWith(text.toLowerCase()));
  if (found.length > 1) {
    const each = found.map(({ node, name, account }) => `${shortId(node)} (${printable(name)} of ${printable(account)})`);
    stopWith('ambiguous', `"${printable(text)}" may be ${each.join(' or ')}. Name one by its id.`);
  }
  if (found[0] !== undefined) return found[0];
  // Not all of a large network are listed, but each can be asked.
  if (/^[0-9a-f]{32,64}$/iu.test(text)) return { node: text.toLowerCase(), name: text };
  const listed = `${plural(nodes.length, 'node')} that the network lists`;
  return stopWith('not-found', `"${printable(text)}" is none of the ${listed}. To see them: ${commandLine(context, 'nodes')}`);
};

const ping = async (context: Context, text: string): Promise<void> => {
  await withNode(context, async (node) => {
    const { nodes } = give(await node.call('nodes', {}));
    const target = nodeNamed(context, nodes, text);
    const answer = give(await node.call('ping', { node: target.node }));
    context.output.value(answer);
    context.output.line(`${printable(target.name)} answered in ${(answer.roundTripMicros / 1000).toFixed(2)} ms.`);
  });
};

export const nodeCommands = (program: Command, ending: Ending): void => {
  addCommand(program, ending, {
    usage: 'nodes',
    about: 'list the nodes of the network, and what they share',
    examples: ['shoal nodes'],
    exits: networkExits,
    config: true,
    run: listNodes,
  });
  addCommand<[string]>(program, ending, {
    usage: 'ping <node>',
    about: 'ask whether a node is there, by its name or id',
    examples: ['shoal ping alice-laptop'],
    exits: networkExits,
    config: true,
    run: (context, [node]) => ping(context, node),
  });
};
