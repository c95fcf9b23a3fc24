import type { Millis } from './clock.ts';

/** The zone of time that this machine's users live in. */
export interface Zone {
  /** Minutes that the clock on the wall is ahead of UTC at that moment, daylight saving included. Whole. */
  offsetMinutes(at: Millis): number;
}

export const utc: Zone = { offsetMinutes: () => 0 };
