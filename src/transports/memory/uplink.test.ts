import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { VirtualScheduler } from './virtual-scheduler.test-kit.ts';
import { Uplink } from './uplink.ts';

const RATE = 1_000_000;

interface Job {
  readonly at: number;
  readonly bytes: number;
}

/** The same by brute force: from one start or end to the next, everybody gets the same. */
const fluid = (jobs: readonly Job[]): number[] => {
  const left = jobs.map(({ bytes }) => bytes);
  const ends = jobs.map(() => Number.NaN);
  let now = 0;
  for (;;) {
    const active = jobs.flatMap(({ at }, i) => (at <= now + 1e-9 && Number.isNaN(ends[i]) ? [i] : []));
    const nextStart = Math.min(...jobs.filter(({ at }) => at > now + 1e-9).map(({ at }) => at));
    if (active.length === 0 && nextStart === Infinity) return ends;
    const rate = RATE / 1_000_000 / Math.max(1, active.length);
    const nextEnd = active.length === 0 ? Infinity : now + Math.min(...active.map((i) => left[i] as number)) / rate;
    const next = Math.min(nextStart, nextEnd);
    for (const i of active) {
      left[i] = (left[i] as number) - (next - now) * rate;
      if ((left[i] as number) < 1e-6) ends[i] = next;
    }
    now = next;
  }
};

test('transfers end when brute force says they do', () => {
  const anyJob = fc.record({ at: fc.integer({ min: 0, max: 100_000 }), bytes: fc.integer({ min: 1, max: 50_000 }) });
  fc.assert(
    fc.property(fc.array(anyJob, { minLength: 1, maxLength: 30 }), (jobs) => {
      const scheduler = new VirtualScheduler();
      const uplink = new Uplink(scheduler, RATE);
      const ends = jobs.map(() => Number.NaN);
      jobs.forEach(({ at, bytes }, i) => scheduler.at(at, () => uplink.start(bytes, null, () => (ends[i] = scheduler.now()))));
      scheduler.runUntilIdle();
      fluid(jobs).forEach((expected, i) => {
        const error = (ends[i] as number) - expected;
        assert.ok(error > -1 && error < jobs.length + 1, `transfer ${i} ended at ${ends[i]}, not ${expected}`);
      });
    }),
  );
});

test('a transfer that is cancelled leaves its share to the others', () => {
  const scheduler = new VirtualScheduler();
  const uplink = new Uplink(scheduler, RATE);
  let end = 0;
  uplink.start(10_000, null, () => (end = scheduler.now()));
  const other = uplink.start(10_000, null, () => assert.fail('was cancelled'));
  scheduler.runUntil(5_000);
  uplink.cancel(other);
  scheduler.runUntilIdle();
  assert.equal(end, 12_500);
});

test('trains of one connection that follow each other lose no time to rounding', () => {
  const scheduler = new VirtualScheduler();
  const uplink = new Uplink(scheduler, 3 * RATE);
  let trains = 0;
  const next = (tagBefore: number | null): void => {
    const transfer = uplink.start(10, tagBefore, () => {
      if (++trains < 3_000) next(transfer.at);
    });
  };
  next(null);
  scheduler.runUntilIdle();
  assert.equal(scheduler.now(), 10_000);
});

test('at rate zero everything waits', () => {
  const scheduler = new VirtualScheduler();
  const uplink = new Uplink(scheduler, 0);
  let end = 0;
  uplink.start(1_000, null, () => (end = scheduler.now()));
  scheduler.runUntil(1_000_000);
  assert.equal(end, 0);
  uplink.setRate(RATE);
  scheduler.runUntilIdle();
  assert.equal(end, 1_001_000);
});
