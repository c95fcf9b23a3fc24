import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { localMinute, MINUTE_MS, scheduledAt, untilNextMinuteMs } from './schedule.ts';
import { DAYS, parseTimeOfDay, type ScheduleEntry } from '../../protocol/terms.ts';

const at = (text: string): number => parseTimeOfDay(text) ?? Number.NaN;
const entry = (days: ScheduleEntry['days'], from: string, to: string): ScheduleEntry => ({
  days,
  from: at(from),
  to: at(to),
  uploadRate: 1,
  downloadRate: null,
});
const monday = DAYS.indexOf('mon');
const tuesday = DAYS.indexOf('tue');
const sunday = DAYS.indexOf('sun');

test('an entry holds from its first minute up to, not with, its last', () => {
  const work = [entry(['mon'], '09:00', '17:30')];
  assert.equal(scheduledAt(work, { day: monday, minute: at('08:59') }), null);
  assert.equal(scheduledAt(work, { day: monday, minute: at('09:00') }), work[0]);
  assert.equal(scheduledAt(work, { day: monday, minute: at('17:29') }), work[0]);
  assert.equal(scheduledAt(work, { day: monday, minute: at('17:30') }), null);
  assert.equal(scheduledAt(work, { day: tuesday, minute: at('12:00') }), null);
});

test('one that ends before it begins goes on past midnight, also from Sunday to Monday', () => {
  const night = [entry(['sun'], '22:00', '06:00')];
  assert.equal(scheduledAt(night, { day: sunday, minute: at('23:59') }), night[0]);
  assert.equal(scheduledAt(night, { day: monday, minute: at('05:59') }), night[0]);
  assert.equal(scheduledAt(night, { day: monday, minute: at('06:00') }), null);
  assert.equal(scheduledAt(night, { day: sunday, minute: at('05:00') }), null, 'that is the night from Saturday');
});

test('one that ends when it begins is a whole day, and the first that holds counts', () => {
  const [all, noon] = [entry(['mon'], '06:00', '06:00'), entry([...DAYS], '12:00', '13:00')];
  assert.equal(scheduledAt([all, noon], { day: monday, minute: at('12:30') }), all);
  assert.equal(scheduledAt([all, noon], { day: tuesday, minute: at('05:59') }), all);
  assert.equal(scheduledAt([all, noon], { day: tuesday, minute: at('12:30') }), noon);
});

test('a moment as the wall shows it, before 1970 and west of Greenwich too', () => {
  // 2026-11-22 was a Sunday.
  const noon = 1_795_348_800_000;
  assert.deepEqual(localMinute(noon, 0), { day: sunday, minute: 12 * 60 });
  assert.deepEqual(localMinute(noon, 13 * 60), { day: monday, minute: 60 });
  assert.deepEqual(localMinute(noon, -13 * 60), { day: DAYS.indexOf('sat'), minute: 23 * 60 });
  assert.deepEqual(localMinute(-1, 0), { day: DAYS.indexOf('wed'), minute: 1439 });
});

test('in the night when clocks go forward, what begins in the hour that is left out begins with the next', () => {
  const entries = [entry([...DAYS], '02:30', '04:00')];
  // Central Europe, 2026-03-29: at 01:00 UTC local time goes from 02:00 to 03:00.
  const change = 1_774_746_000_000;
  const offset = (ms: number): number => (ms < change ? 60 : 120);
  const shown = (ms: number): ScheduleEntry | null => scheduledAt(entries, localMinute(ms, offset(ms)));
  assert.equal(shown(change - MINUTE_MS), null, '01:59');
  assert.equal(shown(change), entries[0], '03:00');
  assert.equal(shown(change + 60 * MINUTE_MS), null, '04:00');
});

test('in the night when clocks go back, what lies in the hour that comes twice holds twice', () => {
  const entries = [entry([...DAYS], '02:00', '02:30')];
  // Central Europe, 2026-10-25: at 01:00 UTC local time goes from 03:00 to 02:00.
  const change = 1_792_890_000_000;
  const offset = (ms: number): number => (ms < change ? 120 : 60);
  const shown = (ms: number): ScheduleEntry | null => scheduledAt(entries, localMinute(ms, offset(ms)));
  assert.equal(shown(change - 60 * MINUTE_MS), entries[0], '02:00 the first time');
  assert.equal(shown(change - 20 * MINUTE_MS), null, '02:40 the first time');
  assert.equal(shown(change), entries[0], '02:00 the second time');
  assert.equal(shown(change + 30 * MINUTE_MS), null, '02:30 the second time');
});

test('the next minute is never further than a minute, and never now', () => {
  fc.assert(
    fc.property(fc.integer({ min: -1e12, max: 4e12 }), (ms) => {
      const wait = untilNextMinuteMs(ms);
      assert.ok(wait > 0 && wait <= MINUTE_MS);
      assert.equal(Math.abs((ms + wait) % MINUTE_MS), 0);
    }),
  );
});

test('times of day are read as people write them', () => {
  assert.equal(parseTimeOfDay('7:05'), 425);
  assert.equal(parseTimeOfDay('24:00'), 0);
  for (const wrong of ['24:01', '7', '07:60', '-1:00', '07:5', 'noon']) assert.equal(parseTimeOfDay(wrong), null, wrong);
});
