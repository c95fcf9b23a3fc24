/**
 * What a primary tells the other replica of the swarms, so that it is warm when it has to take over
 * (docs/availability.md, soft state): lossy, in its own link, never in the log. Everything about a node that a frame
 * tells is in that frame: none depends on another having arrived.
 */
import type { Reader } from './binary.ts';
import { Writer } from './binary.ts';
import { SWARM_ITEMS_MAX, SWARM_NODES_MAX } from './limits.ts';

/** One content of one node. Of two, the one with the higher sequence counts. */
export interface WireSwarmItem {
  readonly content: string;
  /** Of the announce that said it last. */
  readonly sequence: number;
  readonly leftBytes: number;
  readonly uploadedBytes: number;
  /** It has left the swarm; remembered, so that a late announce does not bring it back. */
  readonly stopped: boolean;
  /** It has all that it wants, and uploads only (BEP 21). */
  readonly paused: boolean;
  /** Milliseconds since it was announced, 0 to 2^32 - 1. */
  readonly silentMs: number;
}

/** A node that has entered, or a guest, and some of its contents. */
export interface WireSwarmNode {
  readonly node: string;
  readonly incarnation: string;
  readonly name: string;
  readonly account: string;
  /** Of a guest, the passkey that it announces with: SHA-256, 64 hexadecimal digits. '' of a node, and where there was none. */
  readonly passkeyHash: string;
  /** Where it can be reached, as it said itself. At most 255. */
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  /** The proxy that it came through, and its host as seen there. */
  readonly proxy: string;
  readonly host: string;
  readonly uploadedBytes: number;
  /** Milliseconds since anything was heard of it, 0 to 2^32 - 1. */
  readonly silentMs: number;
  readonly items: readonly WireSwarmItem[];
}

export interface SwarmDeltaFrame {
  readonly kind: 'swarmDelta';
  /** The primary's: of an older one nothing is taken (R12). */
  readonly epoch: number;
  /** Rises with every frame of an epoch: one that comes late is not taken. */
  readonly batch: number;
  readonly nodes: readonly WireSwarmNode[];
  /** They said goodbye, or were silent for too long. */
  readonly gone: readonly { readonly node: string; readonly incarnation: string }[];
  /** Contents that have no swarm any more: the catalog does not have them. */
  readonly dropped: readonly string[];
}

/** Names that people give: 64 characters of up to 4 bytes each. */
const NAME_BYTES_MAX = 2_048;
/** Smallest encodings, to bound counts. */
const SHORT_BYTES_MIN = 2;
const ADDRESS_BYTES_MIN = SHORT_BYTES_MIN + 2;
const ITEM_BYTES_MIN = SHORT_BYTES_MIN + 3 * 8 + 1 + 4;
const NODE_BYTES_MIN = 5 * SHORT_BYTES_MIN + 2 * 2 + 1 + 8 + 4 + 2;

/**
 * What a node, and each of its items, takes in a frame, generously: for budgets, not for memory.
 */
export const swarmNodeBytes = (node: Omit<WireSwarmNode, 'items'>): number =>
  NODE_BYTES_MIN +
  node.node.length +
  node.incarnation.length +
  node.proxy.length +
  node.host.length +
  node.passkeyHash.length +
  3 * (node.name.length + node.account.length) +
  node.addresses.reduce((sum, { host }) => sum + ADDRESS_BYTES_MIN + host.length, 0);

export const swarmItemBytes = ({ content }: WireSwarmItem): number => ITEM_BYTES_MIN + content.length;

export const encodeSwarmDelta = (frame: SwarmDeltaFrame): Uint8Array => {
  const w = new Writer(4_096).integer(frame.epoch).integer(frame.batch).u16(frame.nodes.length);
  for (const node of frame.nodes) {
    w.short(node.node).short(node.incarnation).text(node.name).text(node.account).short(node.passkeyHash).u8(node.addresses.length);
    for (const { host, port } of node.addresses) w.short(host).u16(port);
    w.short(node.proxy).short(node.host).integer(node.uploadedBytes).u32(node.silentMs).u16(node.items.length);
    for (const item of node.items) {
      w.short(item.content).integer(item.sequence).integer(item.leftBytes).integer(item.uploadedBytes);
      w.u8((item.stopped ? 1 : 0) + (item.paused ? 2 : 0)).u32(item.silentMs);
    }
  }
  w.u16(frame.gone.length);
  for (const { node, incarnation } of frame.gone) w.short(node).short(incarnation);
  w.u16(frame.dropped.length);
  for (const content of frame.dropped) w.short(content);
  return w.finish();
};

const list = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

/** Never throws; what is wrong is in the reader. */
export const readSwarmDelta = (r: Reader): SwarmDeltaFrame => {
  const epoch = r.integer();
  const batch = r.integer();
  const nodes = list(r.count(r.u16(), SWARM_NODES_MAX, NODE_BYTES_MIN), () => readNode(r));
  const gone = list(r.count(r.u16(), SWARM_NODES_MAX, 2 * SHORT_BYTES_MIN), () => ({ node: r.short(), incarnation: r.short() }));
  const dropped = list(r.count(r.u16(), SWARM_NODES_MAX, SHORT_BYTES_MIN), () => r.short());
  return { kind: 'swarmDelta', epoch, batch, nodes, gone, dropped };
};

const readNode = (r: Reader): WireSwarmNode => ({
  node: r.short(),
  incarnation: r.short(),
  name: r.text(NAME_BYTES_MAX),
  account: r.text(NAME_BYTES_MAX),
  passkeyHash: r.short(),
  addresses: list(r.count(r.u8(), 255, ADDRESS_BYTES_MIN), () => ({ host: r.short(), port: r.u16() })),
  proxy: r.short(),
  host: r.short(),
  uploadedBytes: r.integer(),
  silentMs: r.u32(),
  items: list(r.count(r.u16(), SWARM_ITEMS_MAX, ITEM_BYTES_MIN), () => readItem(r)),
});

const readItem = (r: Reader): WireSwarmItem => {
  const [content, sequence, leftBytes, uploadedBytes, flags, silentMs] = [
    r.short(),
    r.integer(),
    r.integer(),
    r.integer(),
    r.u8(),
    r.u32(),
  ];
  if (flags > 3) r.fail('unknown flags');
  return { content, sequence, leftBytes, uploadedBytes, stopped: (flags & 1) !== 0, paused: (flags & 2) !== 0, silentMs };
};
