/** Limits of rate by the time of day: which entry of a schedule is in force. */
import { type Day, DAYS, type ScheduleEntry } from '../../protocol/terms.ts';

const DAY_MS = 86_400_000;
export const MINUTE_MS = 60_000;
/** 1970-01-01 was a Thursday. */
const EPOCH_DAY = DAYS.indexOf('thu');

/** A moment as a clock on the wall shows it. */
export interface LocalMinute {
  /** Monday is 0. */
  readonly day: number;
  /** Minutes after midnight. */
  readonly minute: number;
}

/** `offsetMinutes`: what local time is ahead of UTC at that moment, daylight saving included. */
export const localMinute = (wallMs: number, offsetMinutes: number): LocalMinute => {
  const localMs = wallMs + offsetMinutes * MINUTE_MS;
  const days = Math.floor(localMs / DAY_MS);
  return {
    day: (((days + EPOCH_DAY) % DAYS.length) + DAYS.length) % DAYS.length,
    minute: Math.floor((localMs - days * DAY_MS) / MINUTE_MS),
  };
};

const holds = ({ days, from, to }: ScheduleEntry, { day, minute }: LocalMinute): boolean => {
  const begins = (weekday: number): boolean => days.includes(DAYS[(weekday + DAYS.length) % DAYS.length] as Day);
  if (from < to) return begins(day) && minute >= from && minute < to;
  return (begins(day) && minute >= from) || (begins(day - 1) && minute < to);
};

/** The first entry that is in force at that minute; null where none is. */
export const scheduledAt = (schedule: readonly ScheduleEntry[], at: LocalMinute): ScheduleEntry | null =>
  schedule.find((entry) => holds(entry, at)) ?? null;

/** Milliseconds until the clock on the wall shows the next minute. Zones differ from UTC by whole minutes. */
export const untilNextMinuteMs = (wallMs: number): number => MINUTE_MS - (((Math.floor(wallMs) % MINUTE_MS) + MINUTE_MS) % MINUTE_MS);
