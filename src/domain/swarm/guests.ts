/**
 * Guests: clients of other makes, which have a passkey instead of a node. In the swarms they stand beside nodes, each by
 * what tells it apart wherever it announces from and by whichever info-hash.
 */
import { type Micros, seconds } from '../../ports/clock.ts';
import type { GuestFamily, WireAddress } from '../../protocol/control/messages.ts';
import { sha256, toHex } from '../../protocol/digest.ts';
import { type Place, plainHost } from './addresses.ts';
import { peerTtlSeconds } from './interval.ts';

/** Seconds between two announces of a guest, where the network says nothing else. */
export const GUEST_INTERVAL_SECONDS = 300;
/** Clients on libtorrent announce no more often than so, whatever they are told. */
const SLOWEST_CLIENT_SECONDS = 300;
/**
 * A guest that has stopped comes back by `started`. Anything else that it said is late, for so long; a client that never
 * says `started` is not kept out for ever.
 */
export const STOPPED_SECONDS = 60;
/** Where a client does not know what it lacks (a magnet link), it lacks something. */
export const UNKNOWN_LEFT_BYTES: number = Number.MAX_SAFE_INTEGER;

const PREFIX = 'guest-';

/** Ids of nodes never begin so (the desk sees to that). */
export const isGuestId = (node: string): boolean => node.startsWith(PREFIX);

/**
 * How a client is told from all others: by its account and peer id. Without an account anybody could say that peer id, so it
 * counts from its own host alone. Its `key` is of no use: aria2 says another one in each announce by UDP.
 */
export const guestId = (said: { readonly account: string; readonly peerId: string; readonly host: string }): string => {
  const { account, peerId, host } = said;
  const proof = account !== '' ? [account, peerId] : [peerId, `host ${host}`];
  return `${PREFIX}${toHex(sha256(JSON.stringify(proof))).slice(0, 40)}`;
};

/** How long a guest counts as there after its last announce. */
export const guestTtlSeconds = (intervalSeconds: number): number => peerTtlSeconds(Math.max(intervalSeconds, SLOWEST_CLIENT_SECONDS));

/** How much longer than a node's a guest's silence may be. */
export const guestPatience = (settings: { readonly announceIntervalSeconds: number; readonly guestIntervalSeconds: number }): Micros =>
  Math.max(0, seconds(guestTtlSeconds(settings.guestIntervalSeconds)) - seconds(peerTtlSeconds(settings.announceIntervalSeconds)));

const isV6 = (host: string): boolean => host.includes(':');

/** An address that a guest has announced from. */
export interface GuestAddress extends WireAddress {
  readonly heardAt: Micros;
}

/**
 * Where a guest is, once it has announced from this address: one of each family, the one of IPv4 first. One of the other
 * family that was not heard since `since` is not its any more.
 */
export const withAddress = (known: readonly GuestAddress[], heard: GuestAddress, since: Micros): readonly GuestAddress[] => {
  const { port, heardAt } = heard;
  const host = plainHost(heard.host);
  const others = known.filter((address) => isV6(address.host) !== isV6(host) && address.heardAt >= since);
  return [...others.slice(0, 1), { host, port, heardAt }].sort((a, b) => Number(isV6(a.host)) - Number(isV6(b.host)));
};

/** Which places may be told to a guest: addresses (compact lists have no names), of the family that its answer can have. */
export const fitsGuest =
  (family: GuestFamily) =>
  ({ kind, host }: Pick<Place, 'kind' | 'host'>): boolean =>
    kind !== 'name' && (family === 'any' || isV6(host) === (family === 'v6'));
