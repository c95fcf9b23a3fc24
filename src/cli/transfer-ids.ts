/** Transfers of this node as people name them: by id, by the head of an id as tables show it, or by name. */
import type { TransferSummary } from '../protocol/api.ts';
import type { Context } from './command.ts';
import { give, stopWith } from './exit.ts';
import { commandLine } from './hints.ts';
import type { NodeAccess } from './node-access.ts';
import { printable, shortId } from './render/format.ts';

/** Enough among the few that one node has; in a catalog, where words are meant too, more is needed. */
const HEAD_LENGTH_MIN = 4;

/** Whether it may be the head of the id of a transfer. */
export const isHead = (text: string): boolean => text.length >= HEAD_LENGTH_MIN && /^[0-9a-f]+$/iu.test(text);

export const listTransfers = async (node: NodeAccess, id: string | null = null): Promise<readonly TransferSummary[]> =>
  give(await node.call('transfers', { id })).transfers;

/** What the node itself finds by an id. */
const others = async (node: NodeAccess, id: string): Promise<readonly TransferSummary[]> => {
  const found = await node.call('transfers', { id });
  return found.ok ? found.value.transfers : [];
};

/** The transfer that is meant; ends the command where there is none, or more than one. */
export const findTransfer = async (context: Context, node: NodeAccess, text: string): Promise<TransferSummary> => {
  const all = await listTransfers(node);
  const exact = all.filter(({ id, name }) => id === text.toLowerCase() || name === text);
  const found = exact.length > 0 || !isHead(text) ? exact : all.filter(({ id }) => id.startsWith(text.toLowerCase()));
  if (found.length > 1)
    stopWith(
      'ambiguous',
      `"${printable(text)}" may be ${found.map(({ id, name }) => `${shortId(id)} (${printable(name)})`).join(' or ')}.`,
    );
  // A link that had one of its hashes alone may have an id of the other since.
  const [other] = found.length === 0 && isHead(text) ? await others(node, text) : [];
  return (
    found[0] ?? other ?? stopWith('not-found', `This node has no transfer "${printable(text)}". What it has: ${commandLine(context, 'ls')}`)
  );
};
