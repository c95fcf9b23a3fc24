/**
 * Which proxies a replica reaches, as a bitmap over those of the network (at most 16): bit i for the i-th. A primary that
 * no proxy reaches serves nobody, although the pair alone is a majority of three voters: it hands over to a replica in
 * sync that proxies do reach (docs/availability.md).
 */

/** Bits of a bitmap; as many as a network may have proxies. */
const PROXIES_MAX = 16;

export const reachOf = (proxies: readonly string[], up: ReadonlySet<string>): number =>
  proxies.slice(0, PROXIES_MAX).reduce((bits, proxy, index) => (up.has(proxy) ? bits | (1 << index) : bits), 0);

/**
 * Since when this primary has reached no proxy while a replica in sync has reached some; null where that is not so.
 *
 * @param since what this function answered the time before.
 * @param peers the reach of each other replica in sync, as it told last.
 */
export const unreachedSince = (since: number | null, own: number, peers: readonly number[], now: number): number | null =>
  own === 0 && peers.some((reach) => reach !== 0) ? (since ?? now) : null;
