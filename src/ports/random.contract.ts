import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { below, between, type Random } from './random.ts';

const draws = (random: Random, purpose: string, count: number): number[] => Array.from({ length: count }, () => random.u32(purpose));

/** What every source of randomness does. `make` gives the same source again for the same seed. */
export const randomContract = (name: string, make: (seed: number) => Random): void => {
  describe(`random contract: ${name}`, () => {
    it('draws integers of 32 bits, the same again from the same seed and others from another', () => {
      const first = draws(make(1), 'x', 100);
      assert.ok(first.every((draw) => Number.isInteger(draw) && draw >= 0 && draw < 2 ** 32));
      assert.deepEqual(draws(make(1), 'x', 100), first);
      assert.notDeepEqual(draws(make(2), 'x', 100), first);
    });

    it('moves no draw when another purpose draws more, or a fork does', () => {
      const plain = draws(make(1), 'x', 50);
      const random = make(1);
      const mixed = plain.map(() => {
        random.u32('y');
        random.fork('other').u32('x');
        return random.u32('x');
      });
      assert.deepEqual(mixed, plain);
    });

    it('forks independent sources, the same for the same label', () => {
      const random = make(1);
      const a = draws(random.fork('a'), 'x', 50);
      assert.deepEqual(draws(random.fork('a'), 'x', 50), a);
      assert.notDeepEqual(draws(random.fork('b'), 'x', 50), a);
      assert.notDeepEqual(draws(random, 'x', 50), a);
      assert.notDeepEqual(draws(random.fork('a').fork('b'), 'x', 50), draws(random.fork('ab'), 'x', 50));
    });

    it('is uniform, in every byte of a draw and over seeds', () => {
      const counts = Array.from({ length: 4 }, () => Array.from({ length: 256 }, () => 0));
      const take = (draw: number): void => {
        for (let byte = 0; byte < 4; byte++) {
          const row = counts[byte] as number[];
          const at = (draw >>> (8 * byte)) & 0xff;
          row[at] = (row[at] ?? 0) + 1;
        }
      };
      for (const draw of draws(make(7), 'x', 32_768)) take(draw);
      for (let seed = 0; seed < 32_768; seed++) take(make(seed).u32('x'));
      for (const row of counts) {
        // Chi-squared with 255 degrees of freedom: 1 in 10^9 true sources would be beyond 400. The seed is fixed.
        const chi = row.reduce((sum, count) => sum + (count - 256) ** 2 / 256, 0);
        assert.ok(chi < 400, `chi-squared ${chi}`);
      }
    });

    it('serves the helpers: bounds are kept', () => {
      const random = make(3);
      const seen = new Set(Array.from({ length: 200 }, () => below(random, 'die', 6)));
      assert.deepEqual([...seen].toSorted(), [0, 1, 2, 3, 4, 5]);
      for (let i = 0; i < 200; i++) {
        const number = between(random, 'delay', 2, 3);
        assert.ok(number >= 2 && number < 3);
      }
    });
  });
};
