import {
  type Actor,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createActor,
  type EventFromLogic,
  type InputFrom,
  type StateValue,
} from 'xstate';
import type { Clock } from '../ports/clock.ts';
import { millis } from '../ports/clock.ts';
import type { Address, Reactor } from './reactor.ts';

/** XState's clock over ours. Delays are milliseconds there. */
export const machineClock = (clock: Clock): { setTimeout(fn: () => void, ms: number): number; clearTimeout(id: number): void } => ({
  setTimeout: (fn, ms) => clock.setTimer(millis(ms), fn),
  clearTimeout: (id) => clock.clearTimer(id),
});

/**
 * Starts a machine as an actor of the process: it takes its messages from the bus, its time from the clock port, and an
 * error in it ends the step (and the process) instead of vanishing in a timer of XState's.
 */
export const startMachine = <M extends AnyStateMachine>(
  reactor: Reactor,
  clock: Clock,
  machine: M,
  options: { readonly address: Address; readonly input: InputFrom<M> },
): Actor<M> => {
  const actor = createActor(machine, { clock: machineClock(clock), input: options.input } as never) as Actor<M>;
  actor.subscribe({
    error: (error) => reactor.fault(error),
    complete: () => reactor.unregister(options.address),
  });
  reactor.register(options.address, (message) => actor.send(message as EventFromLogic<M>));
  if (reactor.taps.listenerCount('transition') > 0) tellTransitions(reactor, actor, machine.id, options.address);
  actor.start();
  return actor;
};

/** Dotted, with `+` between parallel regions: `primary.sync`. */
const dotted = (value: StateValue): string =>
  typeof value === 'string'
    ? value
    : Object.entries(value)
        .map(([state, inner]) => (inner === undefined ? state : `${state}.${dotted(inner)}`.replace(/\.$/u, '')))
        .join('+');

const tellTransitions = (reactor: Reactor, actor: Actor<AnyStateMachine>, machine: string, address: Address): void => {
  let from = dotted((actor.getSnapshot() as AnyMachineSnapshot).value);
  actor.system.inspect((told) => {
    if (told.type !== '@xstate.microstep') return;
    // An event that nothing waits for takes none.
    const {
      _transitions: [first],
    } = told;
    if (first === undefined) return;
    const to = dotted((told.snapshot as AnyMachineSnapshot).value);
    reactor.taps.emit('transition', { machine, actor: address, from, event: first.eventType, to }, reactor.now());
    from = to;
  });
};
