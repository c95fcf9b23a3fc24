/** Limits of control frames. A frame over them is a violation, which ends its link. */
import type { LinkType } from './messages.ts';

const MIB = 1_048_576;

/** The torrent file in the tail of `own` and of `torrent`'s reply. */
export const TORRENT_BYTES_MAX = 8 * MIB;
/** The JSON head of a frame that has one. The largest are pages of a search and the list of nodes. */
export const HEAD_BYTES_MAX = 4 * MIB;
/** Of a request's head: what a member can make a proxy parse. */
export const REQUEST_HEAD_BYTES_MAX = 65_536;
/** A hello and its answer; nothing larger is read before them. */
export const HELLO_BYTES_MAX = 4_096;
/** Digits of an id that are enough to ask for a content: as many as tables show and people copy. */
export const ID_PREFIX_MIN = 8;
/** Nodes in one answer: it must fit into a frame, with what each shares. */
export const NODES_PAGE_MAX = 200;
/** Contents of an account's statistics in one answer. */
export const STATISTICS_PAGE_MAX = 500;
/** Owners listed with a content: a page of the largest must fit into a head. How many there are is said beside them. */
export const OWNERS_LISTED_MAX = 50;
/** Items of an announce. */
export const ANNOUNCE_ITEMS_MAX = 64;
/** Peers of one item of the answer. */
export const ANNOUNCED_PEERS_MAX = 200;
/** Peers in the answer to a client that is no node: a UDP packet of IPv6 addresses with as many still passes. */
export const GUEST_PEERS_MAX = 200;
/** Info-hashes of one scrape: as many as fit a UDP packet (BEP 15). */
export const GUEST_HASHES_MAX = 74;
/** Entries of an append. */
export const APPEND_ENTRIES_MAX = 4_096;
/** Payload of one log entry: a change with a torrent file behind it. */
export const ENTRY_BYTES_MAX = TORRENT_BYTES_MAX + MIB;
/** A delta of the swarms; senders stay far below. */
const SWARM_DELTA_BYTES_MAX = MIB / 4;
/** Nodes that a delta tells of, those that are gone, and contents without a swarm. */
export const SWARM_NODES_MAX = 4_096;
/** Peers of one node in a delta. */
export const SWARM_ITEMS_MAX = 4_096;

/** Kind and body of a frame. An append holds at least one entry of any size, with room for small ones beside it. */
export const FRAME_BYTES_MAX: Readonly<Record<LinkType, number>> = {
  member: TORRENT_BYTES_MAX + HEAD_BYTES_MAX + 1_024,
  proxy: TORRENT_BYTES_MAX + HEAD_BYTES_MAX + 1_024,
  replica: ENTRY_BYTES_MAX + 4 * MIB,
  swarm: SWARM_DELTA_BYTES_MAX,
  operator: REQUEST_HEAD_BYTES_MAX + 1_024,
};

/** Announce URLs that a torrent or link may be asked for with. */
export const ANNOUNCE_URLS_MAX = 16;
