/** Words that configuration, API and decisions share: goals of seeding, and limits by the time of day. */

export interface SeedingGoal {
  /** Bytes given for each byte of what is wanted; null where that is no matter. */
  readonly ratio: number | null;
  /** Seconds of seeding; null where that is no matter. */
  readonly seconds: number | null;
}

export const RATIO_MAX = 1_000_000;
/** A hundred years. */
export const SEED_SECONDS_MAX = 3_155_760_000;

/** Days of the week, Monday first. */
export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Day = (typeof DAYS)[number];

export interface ScheduleEntry {
  /** The days on which it begins. */
  readonly days: readonly Day[];
  /** Minutes after midnight, local time. */
  readonly from: number;
  /** That excluded. Not after `from`: it ends on the day after (the same minute: 24 hours later). */
  readonly to: number;
  /** Bytes a second, 0 for no limit; null leaves the limit as it is without the schedule. */
  readonly uploadRate: number | null;
  readonly downloadRate: number | null;
}

/** `HH:MM` as minutes after midnight, 24:00 as midnight; null where it is none. */
export const parseTimeOfDay = (text: string): number | null => {
  const match = /^(\d{1,2}):(\d{2})$/u.exec(text);
  if (match === null) return null;
  const [hours, minutes] = [Number(match[1]), Number(match[2])];
  if (hours === 24 && minutes === 0) return 0;
  return hours < 24 && minutes < 60 ? hours * 60 + minutes : null;
};
