/** When a client announces again: what the tracker asks for, within bounds, and never all clients at once. */

const defaultIntervalSeconds = 1_800;
/** A tracker that has just taken over may ask for a few seconds; less is a mistake. */
const intervalSecondsMin = 10;
const intervalSecondsMax = 24 * 3_600;
/** Between two announces where the tracker names no least interval and more peers are wanted. */
const minIntervalSecondsDefault = 30;
const backoffSecondsMin = 15;
const backoffSecondsMax = 1_800;
const failuresForMax = 8;
/** Announces are spread over so much more than the interval. */
const intervalSpread = 0.1;

/** A number from 0 (included) to 1, drawn anew for each wait. */
export type Chance = number;

export interface AskedIntervals {
  readonly intervalSeconds: number | null;
  readonly minIntervalSeconds: number | null;
}

/** Seconds until the next regular announce: never before the interval, up to a tenth of it later. */
export const waitAfterReply = ({ intervalSeconds, minIntervalSeconds }: AskedIntervals, chance: Chance): number => {
  const asked = Math.max(intervalSeconds ?? defaultIntervalSeconds, minIntervalSeconds ?? 0);
  return Math.min(intervalSecondsMax, Math.max(intervalSecondsMin, asked)) * (1 + intervalSpread * chance);
};

/** Seconds that must pass before an announce out of turn, for more peers. */
export const leastWait = ({ intervalSeconds, minIntervalSeconds }: AskedIntervals): number =>
  Math.min(intervalSecondsMax, minIntervalSeconds ?? Math.min(intervalSeconds ?? defaultIntervalSeconds, minIntervalSecondsDefault));

/**
 * Seconds until a tracker is tried again after so many failures in a row (1 or more): twice as long each time up to half an hour, a
 * quarter more or less. Where the tracker itself named a time (BEP 31), not before.
 */
export const waitAfterFailure = (failures: number, retryInSeconds: number | null, chance: Chance): number => {
  const backoff = Math.min(backoffSecondsMax, backoffSecondsMin * 2 ** (Math.min(failures, failuresForMax) - 1));
  return Math.max(backoff * (0.75 + chance / 2), (retryInSeconds ?? 0) * (1 + (intervalSpread * chance) / 2));
};
