import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createActor } from 'xstate';
import { ROUTE_TIMING, type RouteMessage, routeMachine, type RouteState } from './machine.ts';

/** A clock that fires what is due when told so. */
const heldClock = () => {
  const timers = new Map<number, { fn: () => void; ms: number }>();
  let id = 0;
  return {
    clock: {
      setTimeout: (fn: () => void, ms: number) => (timers.set(++id, { fn, ms }), id),
      clearTimeout: (timer: number) => void timers.delete(timer),
    },
    /** Fires the one timer that is set. */
    fire(): number {
      const [[key, timer]] = [...timers] as [[number, { fn: () => void; ms: number }]];
      timers.delete(key);
      timer.fn();
      return timer.ms;
    },
    waiting: () => timers.size,
  };
};

const start = () => {
  const held = heldClock();
  const states: RouteState[] = [];
  const actor = createActor(routeMachine, {
    clock: held.clock as never,
    input: { timing: ROUTE_TIMING, entered: (state: RouteState) => void states.push(state) },
  });
  actor.start();
  return { ...held, states, send: (...messages: RouteMessage[]) => messages.forEach((message) => actor.send(message)) };
};

test('a primary that is found is followed, from whatever state', () => {
  const route = start();
  route.send({ type: 'primary.found' }, { type: 'primary.found' }, { type: 'primary.lost' }, { type: 'primary.found' });
  assert.deepEqual(route.states, ['discovering', 'routed', 'routed', 'holding', 'routed']);
  assert.equal(route.waiting(), 0);
});

test('a silent primary is suspected, given up after a while, and taken back when it is heard', () => {
  const route = start();
  route.send({ type: 'primary.found' }, { type: 'primary.silent' });
  route.send({ type: 'primary.heard' }, { type: 'primary.silent' });
  assert.equal(route.fire(), ROUTE_TIMING.suspectMs);
  route.send({ type: 'primary.heard' });
  assert.deepEqual(route.states, ['discovering', 'routed', 'suspect', 'routed', 'suspect', 'holding', 'routed']);
});

test('requests are held for a while, then soft reads go to a follower if there is one', () => {
  const route = start();
  route.send({ type: 'followers.changed', any: true }, { type: 'primary.found' }, { type: 'primary.lost' });
  assert.equal(route.fire(), ROUTE_TIMING.holdMs);
  route.send({ type: 'followers.changed', any: false }, { type: 'followers.changed', any: true });
  assert.deepEqual(route.states.slice(2), ['holding', 'softOnly', 'unavailable', 'softOnly']);
});

test('with nobody there the network is unavailable, until a primary comes', () => {
  const route = start();
  assert.equal(route.fire(), ROUTE_TIMING.discoverMs);
  route.send({ type: 'primary.found' });
  assert.deepEqual(route.states, ['discovering', 'unavailable', 'routed']);
});
