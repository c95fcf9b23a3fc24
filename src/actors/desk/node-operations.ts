import { ADDRESSES_MAX } from '../../domain/swarm/addresses.ts';
import type { NodeRecord } from '../../domain/swarm/registry.ts';
import type { NodeSummary, Operation } from '../../protocol/control/messages.ts';
import type { Exchange } from './exchange.ts';
import type { Asker, DeskContext } from './types.ts';

type Of<K extends Operation['op']> = Extract<Operation, { op: K }>;

/** Nodes named in one answer, and what each of them and all together share: the answer must fit into a frame. */
const NODES_MAX = 200;
const SHARES_PER_NODE_MAX = 100;
const SHARES_MAX = 5_000;

const NODE_ID = /^[\x21-\x7e]{1,64}$/u;
const NODE_NAME = /^[^\p{C}\p{Zl}\p{Zp}]{1,64}$/u;

const ownNode = (exchange: Exchange, node: string): boolean => exchange.request.from === null || exchange.request.from.node === node;
const forbidden = (exchange: Exchange): void => exchange.refuse('forbidden', 'A node can speak for itself only');
const origin = (exchange: Exchange): { proxy: string; host: string } => ({ proxy: exchange.proxy, host: exchange.host });

/** Joins the swarm side of the network; binds the node to the asker's account while it is there. */
export const enter = (context: DeskContext, exchange: Exchange<Of<'enter'>>, asker: Asker): void => {
  const { node, name, incarnation, addresses } = exchange.operation;
  const { aliveSeconds, removeSeconds } = context.settings;
  if (!ownNode(exchange, node)) return forbidden(exchange);
  if (!NODE_ID.test(node) || !NODE_ID.test(incarnation))
    return exchange.refuse('bad-request', 'A node id has 1 to 64 printable characters');
  if (!NODE_NAME.test(name)) return exchange.refuse('bad-request', 'The name of a node has 1 to 64 characters, none of them invisible');
  if (addresses.length > ADDRESSES_MAX) return exchange.refuse('bad-request', `A node may advertise ${ADDRESSES_MAX} addresses`);
  const facts = { node, name, account: asker.account, incarnation, addresses };
  const entered = context.swarm.registry.enter(facts, origin(exchange), context.clock.now());
  if (!entered.ok) return exchange.refuse(entered.error.code, entered.error.message, { retryAfterMs: 1_000 });
  exchange.ok('enter', { aliveSeconds, removeSeconds });
};

/** The incarnation, which only node and tracker know, is the proof: a goodbye needs no session. */
export const exit = (context: DeskContext, exchange: Exchange<Of<'exit'>>): void => {
  const { node, incarnation } = exchange.operation;
  if (!ownNode(exchange, node)) return forbidden(exchange);
  context.swarm.registry.exit(node, incarnation);
  exchange.ok('exit', {});
};

export const alive = (context: DeskContext, exchange: Exchange<Of<'alive'>>): void => {
  const { node, incarnation, uploadedBytes } = exchange.operation;
  if (!ownNode(exchange, node)) return forbidden(exchange);
  if (!context.swarm.registry.alive(node, incarnation, uploadedBytes, origin(exchange), context.clock.now()))
    return exchange.refuse('not-entered', 'The tracker does not know this node (any more): enter again');
  exchange.ok('alive', {});
};

const summaryOf = (record: NodeRecord, now: number): Omit<NodeSummary, 'shares'> => ({
  node: record.node,
  name: record.name,
  account: record.account,
  addresses: record.addresses,
  silentSeconds: Math.floor((now - record.heardAt) / 1_000_000),
  uploadedBytes: record.uploadedBytes,
});

/** Who is there, and what each shares: swarm and catalog together. */
export const listNodes = (context: DeskContext, exchange: Exchange): void => {
  const { clock, swarm } = context;
  const records = [...swarm.registry.nodes()].slice(0, NODES_MAX);
  const nodes: NodeSummary[] = [];
  let sharesLeft = SHARES_MAX;
  const next = (): void => {
    const record = records[nodes.length];
    if (record === undefined) return exchange.ok('nodes', { nodes });
    exchange.read('ownedBy', { node: record.node }, (contents) => {
      const shares = contents.slice(0, Math.min(SHARES_PER_NODE_MAX, sharesLeft)).map(({ id, name }) => ({ id, name }));
      sharesLeft -= shares.length;
      nodes.push({ ...summaryOf(record, clock.now()), shares });
      next();
    });
  };
  next();
};

export const ping = (context: DeskContext, exchange: Exchange<Of<'ping'>>): void => {
  const { node } = exchange.operation;
  const there = context.swarm.registry.node(node);
  if (there === null) return exchange.refuse('not-found', 'There is no such node in the network');
  context.pingNode(node, there.proxy, (result) => {
    if (result.ok) exchange.ok('ping', { node, roundTripMicros: result.value.roundTripMicros });
    // Not `unavailable`, which would be asked again: the tracker is there, the node is not.
    else exchange.refuse('not-found', `The node does not answer: ${result.error.message}`);
  });
};
