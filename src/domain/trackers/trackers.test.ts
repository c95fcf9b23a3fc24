import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { placeTrackers, trackersMax } from './tiers.ts';
import { leastWait, waitAfterFailure, waitAfterReply } from './waits.ts';

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const interval = fc.option(fc.nat({ max: 1_000_000 }));

describe('waits between announces', () => {
  it('are never shorter than the tracker asks, within bounds, and differ', () => {
    fc.assert(
      fc.property(interval, interval, chance, (intervalSeconds, minIntervalSeconds, drawn) => {
        const wait = waitAfterReply({ intervalSeconds, minIntervalSeconds }, drawn);
        const asked = Math.min(86_400, Math.max(10, intervalSeconds ?? 1_800, minIntervalSeconds ?? 0));
        assert.ok(wait >= asked && wait <= asked * 1.1 + 1e-9);
        assert.ok(leastWait({ intervalSeconds, minIntervalSeconds }) <= wait);
      }),
    );
    assert.notEqual(
      waitAfterReply({ intervalSeconds: 60, minIntervalSeconds: null }, 0.1),
      waitAfterReply({ intervalSeconds: 60, minIntervalSeconds: null }, 0.9),
    );
  });

  it('allow more peers to be asked for after 30 seconds, or when the tracker says', () => {
    assert.equal(leastWait({ intervalSeconds: 1_800, minIntervalSeconds: null }), 30);
    assert.equal(leastWait({ intervalSeconds: 15, minIntervalSeconds: null }), 15);
    assert.equal(leastWait({ intervalSeconds: 1_800, minIntervalSeconds: 300 }), 300);
  });

  it('after failures grow up to half an hour and a bit, and heed what the tracker says', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), chance, (failures, drawn) => {
        const wait = waitAfterFailure(failures, null, drawn);
        assert.ok(wait >= 11 && wait <= 1_800 * 1.25);
        assert.ok(waitAfterFailure(failures + 1, null, drawn) >= wait);
        assert.ok(waitAfterFailure(failures, 7_200, drawn) >= 7_200);
      }),
    );
  });
});

describe('the trackers of a torrent', () => {
  const first = (): number => 0;
  const shown = (tiers: readonly (readonly string[])[]): string[][] =>
    placeTrackers(tiers, first).map((tier) => tier.map(({ url, tier: place }) => `${place} ${url.scheme} ${url.host}`));

  it('are those that can be used, each once, in their tiers', () => {
    assert.deepEqual(shown([['wss://a/', 'bad'], ['http://b/announce'], ['udp://c:1', 'http://b/announce', 'http://B:80/announce']]), [
      ['1 http b'],
      ['2 udp c'],
    ]);
    assert.deepEqual(shown([]), []);
  });

  it('are at most 64', () => {
    const many = Array.from({ length: 300 }, (_, place) => [`http://t${place}.test/announce`]);
    assert.equal(placeTrackers(many, first).flat().length, trackersMax);
  });

  it('come in every order within a tier', () => {
    const tier = ['http://a/', 'http://b/', 'http://c/'];
    const orders = new Set<string>();
    for (let one = 0; one < 3; one++) {
      for (let two = 0; two < 2; two++) {
        const draws = [one, two];
        orders.add(
          placeTrackers([tier], () => draws.shift() ?? 0)
            .flat()
            .map(({ url }) => url.host)
            .join(''),
        );
      }
    }
    assert.equal(orders.size, 6);
  });
});
