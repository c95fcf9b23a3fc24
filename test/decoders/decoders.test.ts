/** A share of what `npm run fuzz:decoders` does; there it is a million. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { bytesInUse, decoders, fuzzDecoder, tryInput, weigh } from './campaign.ts';
import { inputsFor } from './generators.ts';
import { drawFrom } from './mutate.ts';

const CASES = 1_500;
const GROWTH_BYTES_MAX = 6 * 1024 * 1024;
const SEED = 20_261_122;

describe('decoders of bytes from outside', () => {
  for (const decoder of decoders) {
    it(`${decoder.name}: takes what is valid, keeps its promises on what is not, at a cost by its length`, () => {
      assert.ok(
        decoder.seeds.some((seed) => decoder.run(seed, drawFrom(1))),
        'no seed is valid: nothing behind the first check is reached',
      );
      const told = fuzzDecoder(decoder, Math.ceil(CASES * (decoder.weight ?? 1)), SEED);
      assert.ok(!('message' in told), JSON.stringify(told));
      assert.deepEqual(weigh(decoder, 20, SEED), []);
      fc.assert(
        fc.property(inputsFor(decoder.name), fc.nat(), (input, seed) => assert.equal(tryInput(decoder, input, drawFrom(seed)), null)),
        { numRuns: Math.ceil(100 * (decoder.weight ?? 1)), seed: SEED },
      );
    });
  }

  it('keep nothing of what they were given', () => {
    const round = (seed: number): void => {
      for (const decoder of decoders) fuzzDecoder(decoder, Math.ceil(200 * (decoder.weight ?? 1)), seed);
    };
    round(1);
    round(2);
    const before = bytesInUse();
    for (let seed = 3; seed < 8; seed++) round(seed);
    assert.ok(bytesInUse() - before < GROWTH_BYTES_MAX);
  });
});
