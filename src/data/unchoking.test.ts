import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Clock, seconds } from '../ports/clock.ts';
import type { Peer } from './peer.ts';
import { Unchoking } from './unchoking.ts';

/** Peers that all want something, and a clock that is turned by hand, one second at a time. */
const scene = (peerCount: number, slots: number) => {
  let now = 0;
  const clock: Clock = { now: () => now, wallNow: () => 0, setTimer: () => assert.fail(), clearTimer: () => assert.fail() };
  const gives = new Map<number, number>();
  const peers = Array.from({ length: peerCount }, (_, key) => {
    const peer = {
      key,
      interested: true,
      snubbed: false,
      amChoking: true,
      bits: null,
      down: { rate: () => gives.get(key) ?? 0 },
      up: { total: 0 },
      setChoking: (choking: boolean) => void (peer.amChoking = choking),
    };
    return peer;
  });
  const choked: number[] = [];
  let draws = 0;
  const unchoking = new Unchoking({
    clock,
    // Another one at each draw.
    below: (limit) => draws++ % limit,
    slots,
    choked: ({ key }) => void choked.push(key),
    unchoking: () => {},
  });
  return {
    gives,
    choked,
    unchoked: (): readonly number[] => peers.filter(({ amChoking }) => !amChoking).map(({ key }) => key),
    tick: (): void => {
      unchoking.tick(peers as unknown as readonly Peer[], false);
      now += seconds(1);
    },
  };
};

/** Runs for so long, with what happens before each second, and answers the seconds at which others were unchoked than before. */
const changes = (own: ReturnType<typeof scene>, forSeconds: number, before: (second: number) => void): readonly number[] => {
  const at: number[] = [];
  let last: readonly number[] = [];
  for (let second = 0; second < forSeconds; second++) {
    before(second);
    own.tick();
    const unchoked = own.unchoked();
    if (String(unchoked) !== String(last)) at.push(second);
    last = unchoked;
  }
  return at;
};

test('who gives most is found out every 10 seconds, and who is choked then is told', () => {
  const own = scene(3, 1);
  // Every five seconds another one gives most.
  const at = changes(own, 35, (second) => {
    own.gives.clear();
    own.gives.set(Math.floor(second / 5) % 3, 1_000);
  });
  assert.deepEqual(at, [0, 10, 20, 30]);
  assert.deepEqual(own.choked, [0, 2, 1]);
});

test('the optimistic slot goes to another peer every 30 seconds, and stays with one between', () => {
  const own = scene(5, 2);
  own.gives.set(0, 1_000);
  assert.deepEqual(
    changes(own, 95, () => {}),
    [0, 30, 60, 90],
  );
  assert.deepEqual(own.choked, [1, 2, 3], 'the best giver keeps its slot');
});
