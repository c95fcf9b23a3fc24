import { Reactor } from '../bus/reactor.ts';
import type { Harness } from '../ports/harness.contract.ts';
import { monotonicMicros } from './clock.ts';

/** A process over real time: waiting is waiting for its next step. */
export const systemHarness = (close: () => void | Promise<void> = () => {}): Harness => {
  const reactor = new Reactor(monotonicMicros);
  return {
    reactor,
    inStep: (body) => reactor.step({ port: 'process', id: 0, kind: 'test' }, body),
    until: (happened) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!happened()) return;
          reactor.taps.off('stepped', look);
          resolve();
        };
        reactor.taps.on('stepped', look);
        look();
      }),
    close: async () => close(),
  };
};
