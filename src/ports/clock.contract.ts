import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Clock, millis, type TimerId } from './clock.ts';
import type { Harness } from './harness.contract.ts';

type Setup = () => Harness & { readonly clock: Clock };

/** What every clock does. */
export const clockContract = (name: string, setup: Setup): void => {
  describe(`clock contract: ${name}`, () => {
    const scene = async (body: (clock: Clock, harness: Harness) => Promise<void>): Promise<void> => {
      const harness = setup();
      try {
        await body(harness.clock, harness);
      } finally {
        await harness.close();
      }
    };

    it('never fires a timer in the step that sets it, not even one without delay', () =>
      scene(async (clock, harness) => {
        let fired = false;
        let firedAtOnce = true;
        let inStep = false;
        harness.inStep(() => {
          clock.setTimer(0, () => {
            fired = true;
            inStep = harness.reactor.stepping;
          });
          firedAtOnce = fired;
        });
        await harness.until(() => fired);
        assert.equal(firedAtOnce, false);
        assert.equal(inStep, true);
      }));

    it('fires by due time, not by order of setting', () =>
      scene(async (clock, harness) => {
        const order: number[] = [];
        harness.inStep(() => {
          for (const ms of [9, 3, 6]) clock.setTimer(millis(ms), () => order.push(ms));
        });
        await harness.until(() => order.length === 3);
        assert.deepEqual(order, [3, 6, 9]);
      }));

    it('fires timers of the same due time in the order of setting', () =>
      scene(async (clock, harness) => {
        const order: number[] = [];
        harness.inStep(() => {
          for (let i = 0; i < 20; i++) clock.setTimer(millis(2), () => order.push(i));
        });
        await harness.until(() => order.length === 20);
        assert.deepEqual(order, [...Array(20).keys()]);
      }));

    it('does not fire a cleared timer, also one that another timer of the same time clears', () =>
      scene(async (clock, harness) => {
        const fired: string[] = [];
        let late: TimerId = 0;
        harness.inStep(() => {
          clock.clearTimer(clock.setTimer(millis(1), () => fired.push('cleared at once')));
          clock.setTimer(millis(2), () => {
            fired.push('first');
            clock.clearTimer(late);
          });
          late = clock.setTimer(millis(2), () => fired.push('cleared by the first'));
          clock.setTimer(millis(4), () => fired.push('last'));
        });
        await harness.until(() => fired.includes('last'));
        assert.deepEqual(fired, ['first', 'last']);
      }));

    it('takes the clearing of a timer that has fired, or was never set, in silence', () =>
      scene(async (clock, harness) => {
        let fired = 0;
        let id: TimerId = 0;
        harness.inStep(() => {
          id = clock.setTimer(0, () => fired++);
        });
        await harness.until(() => fired === 1);
        harness.inStep(() => {
          clock.clearTimer(id);
          clock.clearTimer(123_456);
          clock.setTimer(0, () => fired++);
        });
        await harness.until(() => fired === 2);
      }));

    it('keeps its time within a step, and never fires before the delay has passed', () =>
      scene(async (clock, harness) => {
        const early: string[] = [];
        let fired = 0;
        harness.inStep(() => {
          const setAt = clock.now();
          for (let delay = 1_007; delay < 12_000; delay += 500) {
            clock.setTimer(delay, () => {
              fired++;
              assert.equal(clock.now(), harness.reactor.now());
              if (!Number.isSafeInteger(clock.now()) || clock.now() < setAt + delay)
                early.push(`${delay} µs after ${clock.now() - setAt} µs`);
            });
          }
        });
        await harness.until(() => fired === 22);
        assert.deepEqual(early, []);
      }));

    it('lets a timer set another without end, one step each', () =>
      scene(async (clock, harness) => {
        let steps = 0;
        let count = 0;
        harness.reactor.taps.on('stepped', () => steps++);
        const again = (): void => {
          if (++count < 50) clock.setTimer(0, again);
        };
        harness.inStep(again);
        await harness.until(() => count === 50);
        assert.equal(steps, 50);
      }));

    it('refuses a delay that is negative or no number', () =>
      scene(async (clock, harness) => {
        harness.inStep(() => {
          assert.throws(() => clock.setTimer(-1, () => {}), /0 or more/u);
          assert.throws(() => clock.setTimer(Number.NaN, () => {}), /0 or more/u);
        });
      }));

    it('knows the wall time', () =>
      scene(async (clock) => {
        assert.ok(clock.wallNow() > Date.UTC(2020, 0, 1));
      }));
  });
};
