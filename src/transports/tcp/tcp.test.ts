import { randomBytes } from 'node:crypto';
import { Reactor } from '../../bus/reactor.ts';
import { type ConformanceWorld, transportConformance } from '../conformance.ts';
import { createTcpTransport } from './tcp.ts';

const now = (): number => Math.round(performance.now() * 1_000);

/** Two transports over loopback; the condition is looked at after each step of either. */
const createWorld = (): ConformanceWorld => {
  const reactors = { near: new Reactor(now), far: new Reactor(now) };
  const near = createTcpTransport(reactors.near);
  const far = createTcpTransport(reactors.far);
  const { promise, resolve } = Promise.withResolvers<void>();
  let open = 0;
  for (const transport of [near, far]) open += transport === null ? 0 : 1;
  void promise;
  void resolve;
  void open;
  return {
    near,
    far,
    host: '127.0.0.1',
    act: (side, run) => reactors[side].step({ port: 'process', id: 0, kind: 'act' }, run),
    stepping: () => reactors.near.stepping || reactors.far.stepping,
    until: (condition) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!condition()) return;
          for (const reactor of Object.values(reactors)) reactor.taps.off('stepped', look);
          resolve();
        };
        for (const reactor of Object.values(reactors)) reactor.taps.on('stepped', look);
        look();
      }),
    killFar: () => far.shutdown(),
    close: async () => {
      near.shutdown();
      far.shutdown();
    },
  };
};

transportConformance('tcp', { create: createWorld, poisons: false });
transportConformance('tcp with TLS', {
  create: createWorld,
  poisons: false,
  security: { identity: 'test', key: new Uint8Array(randomBytes(32)) },
});
