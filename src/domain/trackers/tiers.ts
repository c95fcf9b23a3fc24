/** The trackers of a torrent: tiers that are tried in their order, and trackers that are shuffled within (BEP 12). */
import type { TrackerUrl } from '../../protocol/tracker/tracker-url.ts';
import { printTrackerUrl, readTrackerUrl } from '../../protocol/tracker/tracker-url.ts';

/** More are mischief, or a list of public trackers that was pasted in; the first count. */
export const trackersMax = 64;

export interface PlacedTracker {
  readonly url: TrackerUrl;
  /** From 0, as the torrent has it. */
  readonly tier: number;
}

/**
 * The trackers that can be used, tier by tier, each once and none without a tracker; within a tier shuffled. `below(limit)` draws an
 * integer from 0 to limit - 1. URLs that are none, and those of other protocols (wss), are left out.
 */
export const placeTrackers = (tiers: readonly (readonly string[])[], below: (limit: number) => number): PlacedTracker[][] => {
  const seen = new Set<string>();
  const placed: PlacedTracker[][] = [];
  for (const [tier, texts] of tiers.entries()) {
    const trackers: PlacedTracker[] = [];
    for (const text of texts) {
      if (seen.size >= trackersMax) break;
      const url = readTrackerUrl(text);
      const key = url.ok ? printTrackerUrl(url.value) : null;
      if (!url.ok || key === null || seen.has(key)) continue;
      seen.add(key);
      trackers.push({ url: url.value, tier });
    }
    if (trackers.length > 0) placed.push(shuffled(trackers, below));
  }
  return placed;
};

/** Fisher and Yates. */
const shuffled = <T>(items: readonly T[], below: (limit: number) => number): T[] => {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const other = below(last + 1);
    [order[last], order[other]] = [order[other] as T, order[last] as T];
  }
  return order;
};
