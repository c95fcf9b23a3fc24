import type { Random } from './random.ts';

/** Two 32-bit lanes: what names a source of randomness. */
interface Lanes {
  readonly a: number;
  readonly b: number;
}

const GOLDEN = 0x9e37_79b1;

/** Takes a string into the lanes (as cyrb53 does), with a separator so that 'ab' + 'c' is not 'a' + 'bc'. */
const absorb = ({ a, b }: Lanes, text: string): Lanes => {
  let x = a ^ text.length;
  let y = b ^ Math.imul(text.length, GOLDEN);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    x = Math.imul(x ^ unit, 0x9e37_79b1);
    y = Math.imul(y ^ unit, 0x5f35_6495);
    x = (x << 13) | (x >>> 19);
  }
  return { a: finish(x ^ (y >>> 15)), b: finish(y ^ Math.imul(x, 0x2545_f491)) };
};

/** MurmurHash3's finalizer: every bit of the input moves half the bits of the output. */
const finish = (value: number): number => {
  let x = value;
  x = Math.imul(x ^ (x >>> 16), 0x85eb_ca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2_ae35);
  return x ^ (x >>> 16);
};

const draw = ({ a, b }: Lanes, count: number): number => (finish(finish(a ^ Math.imul(count, GOLDEN)) + b) ^ finish(b + count)) >>> 0;

class CounterRandom implements Random {
  readonly #lanes: Lanes;
  readonly #purposes = new Map<string, { readonly lanes: Lanes; count: number }>();

  constructor(lanes: Lanes) {
    this.#lanes = lanes;
  }

  u32(purpose: string): number {
    let entry = this.#purposes.get(purpose);
    if (entry === undefined) {
      entry = { lanes: absorb(this.#lanes, `draw ${purpose}`), count: 0 };
      this.#purposes.set(purpose, entry);
    }
    entry.count = (entry.count + 1) | 0;
    return draw(entry.lanes, entry.count);
  }

  fork(label: string): Random {
    return new CounterRandom(absorb(this.#lanes, `fork ${label}`));
  }
}

/**
 * A counter-based source: each draw is a hash of the seed, the labels of the forks, the purpose and how often that
 * purpose was drawn. Purposes are constants of the program (each costs a table entry), not data. Not for secrets.
 */
export const createRandom = (seed: number | string): Random =>
  new CounterRandom(absorb({ a: 0x243f_6a88, b: 0x85a3_08d3 | 0 }, String(seed)));
