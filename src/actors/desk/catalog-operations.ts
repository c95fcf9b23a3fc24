import { foldContent, foldWords } from '../../domain/catalog/fold.ts';
import { describeTorrent } from '../../domain/catalog/torrent.ts';
import { checkTags } from '../../domain/catalog/tags.ts';
import type { OwnerRow } from '../../domain/ledger/types.ts';
import type { SwarmRegistry } from '../../domain/swarm/registry.ts';
import { ID_PREFIX_MIN, OWNERS_LISTED_MAX } from '../../protocol/control/limits.ts';
import type { ContentSummary, Operation, OwnerSummary, SearchHit } from '../../protocol/control/messages.ts';
import type { Enquiry } from './enquiry.ts';
import type { Asker, DeskContext } from './types.ts';

type Of<K extends Operation['op']> = Extract<Operation, { op: K }>;

const HITS_PER_PAGE_MAX = 100;
const CONTENT_ID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/u;
const WORDS_CHARACTERS_MAX = 1_024;
const ID_PREFIX = new RegExp(`^[0-9a-f]{${ID_PREFIX_MIN},64}$`, 'u');
/** Of an id's first digits that are those of several. */
const CANDIDATES_SHOWN = 8;

export const isContentId = (id: string): boolean => CONTENT_ID.test(id);

/**
 * A node takes a content on. The node must be in the network under the asker's account. What the catalog will say of the
 * content is read from the torrent, not believed.
 */
export const own = (context: DeskContext, enquiry: Enquiry<Of<'own'>>, asker: Asker): void => {
  const { operation, request } = enquiry;
  const { node, content } = operation;
  if (request.from !== null && request.from.node !== node) return enquiry.refuse('forbidden', 'A node can share for itself only');
  if (context.swarm.registry.node(node)?.account !== asker.account)
    return enquiry.refuse('not-entered', 'The node has not entered the network with this account', { retryAfterMs: 500 });
  if (!isContentId(content.id)) return enquiry.refuse('bad-request', 'A content is named by an info-hash: 64 or 40 hexadecimal digits');
  if (request.tail.length > context.settings.torrentBytesMax)
    return enquiry.refuse('too-large', `A torrent may have ${context.settings.torrentBytesMax} bytes; choose a greater piece length`);
  const put = (summary: ContentSummary, torrent: Uint8Array | null): void => {
    const foldedText = foldContent(summary.name, summary.tags);
    const change = { kind: 'own.put', content: summary, foldedText, account: asker.account, node, hasTorrent: torrent !== null } as const;
    enquiry.propose(change, (outcome) => enquiry.settle(outcome), torrent === null ? {} : { tail: torrent });
  };
  enquiry.read('content', { id: content.id }, (known) => {
    if (known !== null && known.summary.id === content.id) return put(known.summary, null);
    if (request.tail.length === 0) return enquiry.refuse('torrent-wanted', 'The catalog does not have this content yet: send its torrent');
    const tags = checkTags(content.tags);
    if (!tags.ok) return enquiry.refuse('bad-request', tags.error.message);
    const torrent = describeTorrent(request.tail, tags.value);
    if (!torrent.ok) return enquiry.refuse('torrent-invalid', torrent.error.message);
    if (torrent.value.id !== content.id)
      return enquiry.refuse('torrent-invalid', `The torrent is that of ${torrent.value.id}, not of ${content.id}`);
    put(torrent.value, request.tail);
  });
};

/** A node of the asker's account lets go of a content; the node need not be there. */
export const disown = (enquiry: Enquiry<Of<'disown'>>, asker: Asker): void => {
  const { content, node } = enquiry.operation;
  enquiry.propose({ kind: 'own.remove', content, account: asker.account, node }, (outcome) => enquiry.settle(outcome));
};

/** What the ledger knows of a content's owners. */
interface Known {
  readonly owners: readonly OwnerRow[];
  readonly ownerCount: number;
}

/** Owners as a downloader wants them: those that are there first, then those that have given most. */
const ranked = (registry: SwarmRegistry, owners: readonly OwnerRow[]): OwnerSummary[] =>
  owners
    .map(({ account, node }) => {
      const there = registry.node(node);
      const online = there !== null && there.account === account;
      return { account, node, uploadedBytes: online ? there.uploadedBytes : 0, online };
    })
    .sort((a, b) => Number(b.online) - Number(a.online) || b.uploadedBytes - a.uploadedBytes);

const hitOf = (registry: SwarmRegistry, summary: ContentSummary, known: Known): SearchHit => {
  const owners = ranked(registry, known.owners);
  return {
    ...summary,
    owners: owners.slice(0, OWNERS_LISTED_MAX),
    ownerCount: known.ownerCount,
    onlineCount: owners.filter(({ online }) => online).length,
    seeders: registry.seedersOf(summary.id),
  };
};

export const need = (context: DeskContext, enquiry: Enquiry<Of<'need'>>): void => {
  const { words, offset, limit } = enquiry.operation;
  if (words.length > WORDS_CHARACTERS_MAX) return enquiry.refuse('bad-request', `A search may have ${WORDS_CHARACTERS_MAX} characters`);
  const { registry } = context.swarm;
  const foldedWords = foldWords(words);
  if (foldedWords.length === 0 && words.trim() !== '') return enquiry.ok('need', { hits: [], total: 0 });
  enquiry.read('search', { foldedWords, offset, limit: Math.min(Math.max(1, limit), HITS_PER_PAGE_MAX) }, (page) =>
    enquiry.ok('need', { total: page.total, hits: page.hits.map((hit) => hitOf(registry, hit, hit)) }),
  );
};

const notFound = (enquiry: Enquiry): void => enquiry.refuse('not-found', 'The catalog has no such content');

export const content = (context: DeskContext, enquiry: Enquiry<Of<'content'>>): void => {
  const id = enquiry.operation.id.toLowerCase();
  enquiry.read('content', { id }, (known) => {
    if (known !== null) return enquiry.ok('content', hitOf(context.swarm.registry, known.summary, known));
    if (isContentId(id) || !ID_PREFIX.test(id)) return notFound(enquiry);
    enquiry.read('contentsFrom', { prefix: id, limit: CANDIDATES_SHOWN + 1 }, (found) => {
      const [only, another] = found;
      if (only === undefined) return notFound(enquiry);
      if (another !== undefined) return enquiry.refuse('ambiguous', ambiguous(id, found));
      enquiry.read('content', { id: only.id }, (whole) => {
        if (whole === null) return notFound(enquiry);
        enquiry.ok('content', hitOf(context.swarm.registry, whole.summary, whole));
      });
    });
  });
};

const ambiguous = (prefix: string, found: readonly ContentSummary[]): string => {
  const shown = found.slice(0, CANDIDATES_SHOWN).map(({ id, name }) => `${id.slice(0, prefix.length + 8)} "${name}"`);
  return `${prefix} begins the ids of several contents: ${shown.join(', ')}${found.length > CANDIDATES_SHOWN ? ', and more' : ''}.`;
};

export const torrent = (enquiry: Enquiry<Of<'torrent'>>): void =>
  enquiry.read('torrent', { id: enquiry.operation.id }, (bytes) => {
    if (bytes === null) return notFound(enquiry);
    enquiry.ok('torrent', { id: enquiry.operation.id }, undefined, bytes);
  });
