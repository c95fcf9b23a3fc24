import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createActor } from 'xstate';
import { type SessionMessage, sessionMachine, type SessionState } from './machine.ts';

const start = (proxies: number, signedIn = false) => {
  const states: SessionState[] = [];
  const dials: number[] = [];
  const facts = { account: signedIn, swarms: false, enters: 0 };
  const delays: number[] = [];
  let due: (() => void) | null = null;
  const clock = {
    setTimeout: (fn: () => void) => {
      due = fn;
      return 1;
    },
    clearTimeout: () => {
      due = null;
    },
  };
  const actor = createActor(sessionMachine, {
    clock: clock as never,
    input: {
      proxies,
      backoffMs: (rounds) => {
        delays.push(rounds);
        return 100;
      },
      hasAccount: () => facts.account,
      hasSwarms: () => facts.swarms,
      dial: (proxy) => void dials.push(proxy),
      enter: () => void facts.enters++,
      entered: (state) => void states.push(state),
    },
  });
  actor.start();
  const send = (...types: SessionMessage['type'][]): void => {
    for (const type of types) actor.send((type === 'swarms.changed' ? { type, any: facts.swarms } : { type }) as SessionMessage);
  };
  return { states, dials, delays, facts, send, fire: () => due?.() };
};

test('a node without an account connects and waits for somebody to sign in, then enters', () => {
  const session = start(1);
  session.send('session.start', 'link.up');
  session.facts.account = true;
  session.send('account.known', 'node.entered');
  assert.deepEqual(session.states, ['offline', 'connecting', 'loggingIn', 'resuming', 'online.idle']);
  assert.equal(session.facts.enters, 1);
});

test('a node with a kept token resumes, and announces when it has swarms', () => {
  const session = start(1, true);
  session.send('session.start', 'link.up', 'node.entered');
  session.facts.swarms = true;
  session.send('swarms.changed');
  session.facts.swarms = false;
  session.send('swarms.changed', 'account.lost');
  assert.deepEqual(session.states.slice(2), ['resuming', 'online.idle', 'online.announcing', 'online.idle', 'loggingIn']);
});

test('proxies are tried in turn, then the node waits, longer each round', () => {
  const session = start(3);
  session.send('session.start', 'link.failed', 'link.failed', 'link.failed');
  assert.deepEqual(session.dials, [0, 1, 2]);
  assert.equal(session.states.at(-1), 'backoff');
  session.fire();
  session.send('link.failed', 'link.failed', 'link.failed');
  assert.deepEqual(session.dials, [0, 1, 2, 0, 1, 2]);
  assert.deepEqual(session.delays, [1, 2]);
});

test('a lost link is replaced by one to the next proxy, or to the only one', () => {
  const several = start(2, true);
  several.send('session.start', 'link.up', 'node.entered', 'link.down', 'link.up');
  assert.deepEqual(several.dials, [0, 1]);
  assert.deepEqual(several.states.slice(3), ['online.idle', 'switchingProxy', 'resuming']);
  const one = start(1, true);
  one.send('session.start', 'link.up', 'link.down');
  assert.deepEqual(one.dials, [0, 0]);
});

test('from every state it can be stopped', () => {
  for (const way of [['session.start'], ['session.start', 'link.up'], ['session.start', 'link.failed']] as SessionMessage['type'][][]) {
    const session = start(1, true);
    session.send(...way, 'session.stop');
    assert.equal(session.states.at(-1), 'offline');
  }
});
