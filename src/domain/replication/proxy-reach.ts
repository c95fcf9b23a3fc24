/**
 * Which proxies a replica reaches, as a bitmap over those of the network (at most 16): bit i for the i-th. A primary leads
 * by the voters, which may be others than the proxies that members stand behind: it hands over to a replica in sync that
 * all of its proxies reach and others too, so that more are served and nobody loses anything (docs/availability.md).
 */

/** Bits of a bitmap; as many as a network may have proxies. */
const PROXIES_MAX = 16;

export const reachOf = (proxies: readonly string[], up: ReadonlySet<string>): number =>
  proxies.slice(0, PROXIES_MAX).reduce((bits, proxy, index) => (up.has(proxy) ? bits | (1 << index) : bits), 0);

/**
 * Since when a replica in sync has reached all proxies that this primary reaches, and more; null where that is not so. Of
 * two replicas one at most reaches more than the other in this sense: they do not hand over to and fro.
 *
 * @param since what this function answered the time before.
 * @param peers the reach of each other replica in sync, as it told last.
 */
export const outreachedSince = (since: number | null, own: number, peers: readonly number[], now: number): number | null =>
  peers.some((reach) => reach !== own && (own & ~reach) === 0) ? (since ?? now) : null;
