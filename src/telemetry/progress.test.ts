import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { from, lastValueFrom, take, toArray } from 'rxjs';
import { polled, withPace } from './progress.ts';

describe('progress', () => {
  it('knows the rate of the last seconds, not of all time', async () => {
    const amounts = [0, 1, 2, 3, 4, 5, 6, 7].map((s) => ({
      size: 10_000,
      atMs: s * 1000,
      doneBytes: s <= 4 ? s * 1000 : 4000 + (s - 4) * 100,
    }));
    const paces = await lastValueFrom(from(amounts).pipe(withPace(2000), toArray()));
    assert.deepEqual(
      paces.map(({ rate }) => rate),
      [0, 1000, 1000, 1000, 1000, 550, 100, 100],
    );
    assert.equal(paces[0]?.secondsLeft, null);
    assert.equal(paces[7]?.secondsLeft, (10_000 - 4300) / 100);
  });

  it('gives no time left while nothing moves', async () => {
    const still = [0, 1000, 2000].map((atMs) => ({ size: 10, doneBytes: 5, atMs }));
    const last = await lastValueFrom(from(still).pipe(withPace(5000)));
    assert.deepEqual([last.rate, last.secondsLeft], [0, null]);
  });

  it('asks one question at a time, and passes an error on', async () => {
    let open = 0;
    let most = 0;
    const ask = async (): Promise<number> => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setTimeout(resolve, 5));
      return open--;
    };
    await lastValueFrom(polled(ask, 1).pipe(take(3)));
    assert.equal(most, 1);
    await assert.rejects(lastValueFrom(polled(() => Promise.reject(new Error('gone')), 1)), /gone/u);
  });
});
