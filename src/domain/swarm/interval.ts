import { below, type Random } from '../../ports/random.ts';
import type { AnnouncedFrame, AnnounceFrame } from '../../protocol/control/messages.ts';

/** While a swarm is being rebuilt nodes come back sooner, spread over this range, so that few peers are soon more. */
const WARMING_SECONDS_MIN = 30;
const WARMING_SECONDS_SPREAD = 31;
/** Who downloads and was told of nobody may ask again so soon. */
const LONELY_SECONDS_MIN = 5;
const LONELY_SECONDS_SPREAD = 6;

/** Whether a node that wants to download something was given no peer for it. */
export const isLonely = (asked: AnnounceFrame['items'], answered: AnnouncedFrame['items']): boolean =>
  asked.some(
    ({ content, event, leftBytes, want }) =>
      event !== 'stopped' && leftBytes > 0 && want > 0 && answered.every((item) => item.content !== content || item.peers.length === 0),
  );

/** Seconds until a node should announce again. */
export const announceInterval = (
  usualSeconds: number,
  facts: { readonly warming: boolean; readonly lonely: boolean },
  random: Random,
): number => {
  if (facts.lonely) return Math.min(usualSeconds, LONELY_SECONDS_MIN + below(random, 'lonely interval', LONELY_SECONDS_SPREAD));
  if (facts.warming) return Math.min(usualSeconds, WARMING_SECONDS_MIN + below(random, 'warming interval', WARMING_SECONDS_SPREAD));
  return usualSeconds;
};

/** How long after a promotion the swarms count as warming: every node that is there has announced by then. */
export const warmingSeconds = (usualSeconds: number): number => Math.min(60, usualSeconds);

/** A peer is forgotten after so many announce intervals of silence. */
const TTL_INTERVALS = 2.1;

/** How long a peer counts as there after its last announce. */
export const peerTtlSeconds = (usualSeconds: number): number => usualSeconds * TTL_INTERVALS;

/** A guest that downloads and was told of nobody, and all of them while a swarm is being rebuilt, come back after so long. */
const GUEST_SOON_SECONDS_MIN = 30;
const GUEST_SOON_SECONDS_SPREAD = 31;
/** Of the usual interval: guests that came at once do not come back at once. */
const GUEST_JITTER = 0.1;
/** No guest should announce more often, whatever happens there. */
const GUEST_SECONDS_MIN = 30;

/** Seconds until a guest should announce again, and those before which it should not. */
export const guestInterval = (
  usualSeconds: number,
  facts: { readonly warming: boolean; readonly lonely: boolean },
  random: Random,
): { readonly intervalSeconds: number; readonly minIntervalSeconds: number } => {
  const soon = facts.warming || facts.lonely;
  const wanted = soon
    ? Math.min(usualSeconds, GUEST_SOON_SECONDS_MIN + below(random, 'guest interval', GUEST_SOON_SECONDS_SPREAD))
    : usualSeconds + below(random, 'guest interval', Math.max(1, Math.floor(usualSeconds * GUEST_JITTER)));
  return { intervalSeconds: wanted, minIntervalSeconds: Math.min(wanted, GUEST_SECONDS_MIN) };
};
