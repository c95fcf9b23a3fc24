/** Contents as people name them: by id, by the head of an id as tables show it, or by name. */
import type { TransferSummary } from '../protocol/api.ts';
import type { SearchHit } from '../protocol/control/messages.ts';
import { give, stopWith } from './exit.ts';
import type { NodeAccess } from './node-access.ts';
import { printable, shortId } from './render/format.ts';

const HEAD_LENGTH_MIN = 4;
const SEARCH_PAGE = 100;
/** How much of a catalog is looked through for the head of an id. */
const SEARCHED_MAX = 5_000;

const isHead = (text: string): boolean => text.length >= HEAD_LENGTH_MIN && /^[0-9a-f]+$/iu.test(text);

export const listTransfers = async (node: NodeAccess, id: string | null = null): Promise<readonly TransferSummary[]> =>
  give(await node.call('transfers', { id })).transfers;

/** The transfer that is meant; ends the command where there is none, or more than one. */
export const findTransfer = async (node: NodeAccess, text: string): Promise<TransferSummary> => {
  const all = await listTransfers(node);
  const exact = all.filter(({ id, name }) => id === text.toLowerCase() || name === text);
  const found = exact.length > 0 || !isHead(text) ? exact : all.filter(({ id }) => id.startsWith(text.toLowerCase()));
  if (found.length > 1)
    stopWith('ambiguous', `"${text}" may be ${found.map(({ id, name }) => `${shortId(id)} (${printable(name)})`).join(' or ')}.`);
  return found[0] ?? stopWith('not-found', `This node has no transfer "${text}". "shoal ls" shows what it has.`);
};

/** The full id for the head of one, where the catalog has it; otherwise the text as it is. */
export const expandId = async (node: NodeAccess, text: string): Promise<string> => {
  if (!isHead(text) || text.length === 64 || text.length === 40) return text;
  const found: SearchHit[] = [];
  for (let offset = 0; offset < SEARCHED_MAX; offset += SEARCH_PAGE) {
    const { hits } = give(await node.call('search', { words: '', offset, limit: SEARCH_PAGE }));
    found.push(...hits.filter(({ id }) => id.startsWith(text.toLowerCase())));
    if (hits.length < SEARCH_PAGE) break;
  }
  if (found.length > 1)
    stopWith('ambiguous', `"${text}" may be ${found.map(({ id, name }) => `${id} (${printable(name)})`).join(' or ')}.`);
  return found[0]?.id ?? text;
};
