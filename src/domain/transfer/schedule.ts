/** Limits of rate by the time of day: which entry of a schedule is in force. */

/** Days of the week, Monday first. */
export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Day = (typeof DAYS)[number];

const DAY_MINUTES = 24 * 60;
const DAY_MS = 86_400_000;
export const MINUTE_MS = 60_000;
/** 1970-01-01 was a Thursday. */
const EPOCH_DAY = DAYS.indexOf('thu');

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

/** `HH:MM` as minutes after midnight, 24:00 as midnight; null where it is none. */
export const parseTimeOfDay = (text: string): number | null => {
  const match = /^(\d{1,2}):(\d{2})$/u.exec(text);
  if (match === null) return null;
  const [hours, minutes] = [Number(match[1]), Number(match[2])];
  if (hours === 24 && minutes === 0) return 0;
  return hours < 24 && minutes < 60 ? hours * 60 + minutes : null;
};

export const formatTimeOfDay = (minutes: number): string => {
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${two(Math.floor((minutes % DAY_MINUTES) / 60))}:${two(minutes % 60)}`;
};
