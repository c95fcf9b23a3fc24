import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Clock, type Micros, seconds } from '../../ports/clock.ts';
import { ProxyPatience } from './patience.ts';

/** A clock that goes on by hand, and a request that waits from the beginning. */
class Bench {
  now: Micros = 0;
  waitingSince: Micros | null = 0;
  /** Whether who waits is a person. */
  personal = false;
  withoutPrimary = false;
  stranded = false;
  /** Whether the proxy answers a ping. */
  alive = false;
  pings = 0;
  readonly left: string[] = [];
  readonly patience: ProxyPatience;
  #due: { at: Micros; fire: () => void }[] = [];

  constructor() {
    const clock: Clock = {
      now: () => this.now,
      wallNow: () => 0,
      setTimer: (delay, fire) => this.#due.push({ at: this.now + delay, fire }),
      clearTimer: () => (this.#due = []),
    };
    this.patience = new ProxyPatience(clock, {
      waitingSince: (personal) => (personal && !this.personal ? null : this.waitingSince),
      withoutPrimary: () => this.withoutPrimary,
      stranded: () => this.stranded,
      ping: () => {
        this.pings++;
        if (this.alive) this.patience.heard();
      },
      leave: (reason) => this.left.push(reason),
    });
    this.patience.heard();
    this.patience.sent();
  }

  until(s: number): this {
    for (; this.now < seconds(s); this.now += seconds(0.1)) {
      const due = this.#due.filter(({ at }) => at <= this.now);
      this.#due = this.#due.filter(({ at }) => at > this.now);
      for (const { fire } of due) fire();
    }
    return this;
  }

  get timers(): number {
    return this.#due.length;
  }
}

describe('patience with a proxy', () => {
  it('leaves one that fell silent, after it was asked for a sign of life', () => {
    const bench = new Bench().until(2.9);
    assert.deepEqual([bench.left, bench.pings > 0], [[], true]);
    bench.until(4);
    assert.deepEqual(bench.left, ['nothing heard for 3000 ms, and a request waits']);
  });

  it('stays with one that is there and slow', () => {
    const bench = new Bench();
    bench.alive = true;
    assert.deepEqual(bench.until(60).left, []);
  });

  it('leaves one that knows no primary, though it talks', () => {
    const bench = new Bench();
    bench.alive = true;
    bench.withoutPrimary = true;
    assert.deepEqual(bench.until(4).left, ['it has no primary, and a request waits']);
  });

  /** Seconds until the next one is left. */
  const next = (bench: Bench): number => {
    const from = bench.now;
    bench.waitingSince = from;
    bench.patience.heard();
    bench.patience.sent();
    const before = bench.left.length;
    while (bench.left.length === before) bench.until(bench.now / 1_000_000 + 0.1);
    return Math.round((bench.now - from) / 1_000_000);
  };

  it('is twice as patient with the next one, until one has answered', () => {
    const bench = new Bench().until(4);
    assert.deepEqual([next(bench), next(bench)], [6, 6]);
    bench.patience.answered();
    assert.equal(next(bench), 3);
  });

  it('is never more patient where a person waits and there is no primary', () => {
    const bench = new Bench();
    Object.assign(bench, { alive: true, withoutPrimary: true });
    bench.until(4);
    assert.equal(next(bench), 6);
    bench.personal = true;
    assert.deepEqual([next(bench), next(bench)], [3, 3]);
  });

  it('leaves one soon that reaches no tracker that may lead, and is no less patient with the next one', () => {
    const bench = new Bench();
    Object.assign(bench, { alive: true, stranded: true });
    bench.until(1.9);
    assert.deepEqual(bench.left, ['it reaches no tracker that may lead, and a request waits']);
    Object.assign(bench, { stranded: false, withoutPrimary: true });
    assert.equal(next(bench), 3);
  });

  it('looks only while something waits', () => {
    const bench = new Bench();
    bench.waitingSince = null;
    assert.equal(bench.until(1).timers, 0);
    bench.patience.sent();
    bench.patience.stop();
    assert.equal(bench.timers, 0);
  });
});
