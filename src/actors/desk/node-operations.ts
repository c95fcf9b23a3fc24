import { withGeneration } from '../../domain/replication/generation.ts';
import { ADDRESSES_MAX } from '../../domain/swarm/addresses.ts';
import type { NodeRecord } from '../../domain/swarm/registry.ts';
import { NODES_PAGE_MAX } from '../../protocol/control/limits.ts';
import type { NodeSummary, Operation } from '../../protocol/control/messages.ts';
import type { Enquiry } from './enquiry.ts';
import type { Asker, DeskContext } from './types.ts';

type Of<K extends Operation['op']> = Extract<Operation, { op: K }>;

/** What each node of an answer and all together share: the answer must fit into a frame. */
const SHARES_PER_NODE_MAX = 100;
const SHARES_MAX = 5_000;
/** Their names are looked up one by one. */
const SEEDS_PER_GUEST_MAX = 10;

const NODE_ID = /^[\x21-\x7e]{1,64}$/u;
const NODE_NAME = /^[^\p{C}\p{Zl}\p{Zp}]{1,64}$/u;

const ownNode = (enquiry: Enquiry, node: string): boolean => enquiry.request.from === null || enquiry.request.from.node === node;
const forbidden = (enquiry: Enquiry): void => enquiry.refuse('forbidden', 'A node can speak for itself only');
const origin = (enquiry: Enquiry): { proxy: string; host: string } => ({ proxy: enquiry.proxy, host: enquiry.host });

/** Joins the swarm side of the network; binds the node to the asker's account while it is there. */
export const enter = (context: DeskContext, enquiry: Enquiry<Of<'enter'>>, asker: Asker): void => {
  const { node, name, incarnation, addresses } = enquiry.operation;
  const { aliveSeconds, removeSeconds } = context.settings;
  if (!ownNode(enquiry, node)) return forbidden(enquiry);
  if (!NODE_ID.test(node) || !NODE_ID.test(incarnation)) return enquiry.refuse('bad-request', 'A node id has 1 to 64 printable characters');
  if (!NODE_NAME.test(name)) return enquiry.refuse('bad-request', 'The name of a node has 1 to 64 characters, none of them invisible');
  if (addresses.length > ADDRESSES_MAX) return enquiry.refuse('bad-request', `A node may advertise ${ADDRESSES_MAX} addresses`);
  const facts = { node, name, account: asker.account, incarnation, addresses };
  const entered = context.swarm.registry.enter(facts, origin(enquiry), context.clock.now());
  if (!entered.ok) return enquiry.refuse(entered.error.code, entered.error.message, { retryAfterMs: 1_000 });
  enquiry.ok('enter', { aliveSeconds, removeSeconds, ...withGeneration(context.replica.status().generation) });
};

/** The incarnation, which only node and tracker know, is the proof: a goodbye needs no session. */
export const exit = (context: DeskContext, enquiry: Enquiry<Of<'exit'>>): void => {
  const { node, incarnation } = enquiry.operation;
  if (!ownNode(enquiry, node)) return forbidden(enquiry);
  context.swarm.registry.exit(node, incarnation, context.clock.now());
  enquiry.ok('exit', {});
};

export const alive = (context: DeskContext, enquiry: Enquiry<Of<'alive'>>): void => {
  const { node, incarnation, uploadedBytes } = enquiry.operation;
  if (!ownNode(enquiry, node)) return forbidden(enquiry);
  if (!context.swarm.registry.alive(node, incarnation, uploadedBytes, origin(enquiry), context.clock.now()))
    return enquiry.refuse('not-entered', 'The tracker does not know this node (any more): enter again');
  enquiry.ok('alive', {});
};

const summaryOf = (record: Omit<NodeRecord, 'incarnation' | 'proxy'>, now: number): Omit<NodeSummary, 'shares'> => ({
  node: record.node,
  name: record.name,
  account: record.account,
  addresses: record.addresses,
  silentSeconds: Math.floor((now - record.heardAt) / 1_000_000),
  uploadedBytes: record.uploadedBytes,
});

/** Who is there, and what each shares: swarm and catalog together. */
export const listNodes = (context: DeskContext, enquiry: Enquiry<Of<'nodes'>>): void => {
  const { clock, swarm } = context;
  const { offset, limit } = enquiry.operation;
  const everybody = [...swarm.registry.nodes(), ...swarm.registry.guests.present()];
  const records = everybody.slice(offset, offset + Math.min(limit, NODES_PAGE_MAX));
  const nodes: NodeSummary[] = [];
  let sharesLeft = SHARES_MAX;
  const next = (): void => {
    const record = records[nodes.length];
    if (record === undefined) return enquiry.ok('nodes', { nodes, total: everybody.length });
    const add = (contents: readonly { readonly id: string; readonly name: string }[]): void => {
      const shares = contents.slice(0, Math.min(SHARES_PER_NODE_MAX, sharesLeft)).map(({ id, name }) => ({ id, name }));
      sharesLeft -= shares.length;
      nodes.push({ ...summaryOf(record, clock.now()), shares, ...('seeds' in record ? { guest: true as const } : {}) });
      next();
    };
    if ('seeds' in record) namesOf(enquiry, record.seeds.slice(0, SEEDS_PER_GUEST_MAX), add);
    else enquiry.read('ownedBy', { node: record.node }, add);
  };
  next();
};

/** Contents with their names, as far as the catalog has them. */
const namesOf = (
  enquiry: Enquiry,
  ids: readonly string[],
  then: (contents: { readonly id: string; readonly name: string }[]) => void,
  found: { readonly id: string; readonly name: string }[] = [],
): void => {
  const [id, ...rest] = ids;
  if (id === undefined) return then(found);
  enquiry.read('content', { id }, (known) =>
    namesOf(enquiry, rest, then, known === null ? found : [...found, { id, name: known.summary.name }]),
  );
};

/** Nodes that are named where several could be meant. */
const CANDIDATES_SHOWN = 8;

export const ping = (context: DeskContext, enquiry: Enquiry<Of<'ping'>>): void => {
  const { node: what } = enquiry.operation;
  const found = context.swarm.registry.find(what);
  const [there, another] = found;
  if (there === undefined && context.swarm.registry.guests.present().some(({ node, name }) => node.startsWith(what) || name === what))
    return enquiry.refuse('not-found', `"${what}" is a BitTorrent client of another make, which cannot be pinged`);
  if (there === undefined) return enquiry.refuse('not-found', `No node "${what}" is in the network now`);
  if (another !== undefined) {
    const shown = found.slice(0, CANDIDATES_SHOWN).map(({ node, name, account }) => `${node.slice(0, 12)} ("${name}" of ${account})`);
    const more = found.length > shown.length ? `, and ${found.length - shown.length} more` : '';
    return enquiry.refuse('ambiguous', `"${what}" may be ${shown.join(', ')}${more}: name one by its id`);
  }
  const { node, proxy } = there;
  context.pingNode(node, proxy, (result) => {
    if (result.ok) enquiry.ok('ping', { node, roundTripMicros: result.value.roundTripMicros });
    // Not `unavailable`, which would be asked again: the tracker is there, the node is not.
    else enquiry.refuse('not-found', `The node does not answer: ${result.error.message}`);
  });
};
