import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assign, setup as machineSetup } from 'xstate';
import type { Clock, TimerId } from '../ports/clock.ts';
import { DueHeap, type Due } from '../ports/due-heap.ts';
import { startMachine } from './machine.ts';
import { type Address, type Message, Reactor } from './reactor.ts';

/** Virtual time in the smallest form: these tests are of the bus, not of a port. */
const makeProcess = () => {
  const heap = new DueHeap();
  const timers = new Map<TimerId, Due>();
  let now = 0;
  let lastId = 0;
  const reactor = new Reactor(() => now);
  const clock: Clock = {
    now: () => reactor.now(),
    wallNow: () => now / 1_000,
    setTimer: (delay, fire) => {
      const id = ++lastId;
      timers.set(
        id,
        heap.add(now + delay, () => reactor.step({ port: 'clock', id, kind: 'timer' }, fire)),
      );
      return id;
    },
    clearTimer: (id) => {
      const due = timers.get(id);
      if (due !== undefined) heap.remove(due);
    },
  };
  const next = (): boolean => {
    const due = heap.take();
    if (due === undefined) return false;
    now = due.at;
    due.fire();
    return true;
  };
  const inStep = (body: () => void): void => reactor.step({ port: 'process', id: 0, kind: 'test' }, body);
  return { reactor, clock, next, inStep, timersLeft: () => heap.size, time: () => now };
};

interface Knock extends Message {
  readonly type: 'knock' | 'leave' | 'break';
}

const doorAddress: Address<Knock> = 'door';

const door = machineSetup({
  types: {} as { context: { opened: number }; events: Knock; input: { openMs: number } & Record<string, unknown> },
  delays: { openTime: 1_500 },
  actions: {
    breakDown: () => {
      throw new Error('the door broke');
    },
  },
}).createMachine({
  id: 'door',
  context: () => ({ opened: 0 }),
  initial: 'shut',
  states: {
    shut: { on: { knock: 'open', leave: 'gone', break: { actions: 'breakDown' } } },
    open: { entry: assign({ opened: ({ context }) => context.opened + 1 }), after: { openTime: 'shut' }, on: { leave: 'gone' } },
    gone: { type: 'final' },
  },
});

describe('machines on the bus', () => {
  const scene = () => {
    const process = makeProcess();
    const actor = (() => {
      let started: ReturnType<typeof startMachine<typeof door>> | undefined;
      process.inStep(() => {
        started = startMachine(process.reactor, process.clock, door, { address: doorAddress, input: { openMs: 1 } });
      });
      return started as NonNullable<typeof started>;
    })();
    const say = (type: Knock['type']): void => process.inStep(() => process.reactor.post(doorAddress, { type }));
    return { ...process, actor, say };
  };

  it('take messages from the bus and their delays from the clock port', () => {
    const { actor, say, next, time } = scene();
    say('knock');
    assert.equal(actor.getSnapshot().value, 'open');
    assert.equal(next(), true);
    assert.equal(time(), 1_500_000);
    assert.equal(actor.getSnapshot().value, 'shut');
    assert.equal(actor.getSnapshot().context.opened, 1);
  });

  it('leave no timer behind when they leave the state, or end', () => {
    const { say, timersLeft } = scene();
    say('knock');
    assert.equal(timersLeft(), 1);
    say('leave');
    assert.equal(timersLeft(), 0);
  });

  it('give their address back when they end', () => {
    const { say, reactor } = scene();
    say('leave');
    say('knock');
    reactor.register(doorAddress, () => {});
  });

  it('tell each transition to who listened before they were started, and nothing of what they ignore', () => {
    const { reactor, clock, inStep, next } = makeProcess();
    const told: string[] = [];
    reactor.taps.on('transition', ({ machine, actor, from, event, to }) => told.push(`${machine} ${actor}: ${from} ${event} ${to}`));
    inStep(() => startMachine(reactor, clock, door, { address: doorAddress, input: { openMs: 1 } }));
    const say = (type: Knock['type']): void => inStep(() => reactor.post(doorAddress, { type }));
    say('knock');
    say('knock');
    next();
    say('leave');
    assert.deepEqual(told, [
      'door door: shut knock open',
      'door door: open xstate.after.openTime.door.open shut',
      'door door: shut leave gone',
    ]);
  });

  it('end the process when an action throws, in the step that it throws in', () => {
    const { say } = scene();
    assert.throws(() => say('break'), /the door broke/u);
  });
});
