import { Reactor } from '../bus/reactor.ts';
import type { Harness } from '../ports/harness.contract.ts';
import { monotonicMicros } from './clock.ts';

/** A process over real time: waiting is waiting for its next step. */
export const systemHarness = (close: () => void | Promise<void> = () => {}): Harness => {
  let onFault = (error: unknown): void => {
    throw error;
  };
  const reactor = new Reactor(monotonicMicros, (error) => onFault(error));
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
    faultOf: (body) =>
      new Promise((resolve) => {
        onFault = (error) => resolve(error instanceof Error ? error.message : String(error));
        reactor.step({ port: 'process', id: 0, kind: 'test' }, body);
      }),
    close: async () => close(),
  };
};
