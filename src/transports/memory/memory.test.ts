import { Reactor } from '../../bus/reactor.ts';
import { createRandom } from '../../ports/counter-random.ts';
import { type ConformanceWorld, transportConformance } from '../conformance.ts';
import { MemoryNetwork } from './network.ts';
import { VirtualScheduler } from './virtual-scheduler.test-kit.ts';

const createWorld = (uplinkBytesPerSecond?: number) => (): ConformanceWorld => {
  const scheduler = new VirtualScheduler();
  const network = new MemoryNetwork({ scheduler, random: createRandom('conformance'), link: { latencyMs: 20, jitterMs: 5 } });
  const reactors = { near: new Reactor(() => scheduler.now()), far: new Reactor(() => scheduler.now()) };
  const options = uplinkBytesPerSecond === undefined ? {} : { uplinkBytesPerSecond, downlinkBytesPerSecond: 2 * uplinkBytesPerSecond };
  network.addHost('10.0.0.1', options);
  network.addHost('10.0.0.2', options);
  const far = network.transport('10.0.0.2', reactors.far);
  return {
    near: network.transport('10.0.0.1', reactors.near),
    far,
    host: '10.0.0.2',
    act: (side, run) => reactors[side].step({ port: 'process', id: 0, kind: 'act' }, run),
    stepping: () => reactors.near.stepping || reactors.far.stepping,
    until: async (condition, what) => {
      while (!condition()) if (!scheduler.next()) throw new Error(`It never happened that ${what}`);
    },
    killFar: () => far.crash('reset'),
    close: async () => scheduler.runUntilIdle(),
  };
};

transportConformance('memory', { create: createWorld(), poisons: true });
transportConformance('memory with key and limited links', {
  create: createWorld(10_000_000),
  poisons: true,
  security: { identity: 'test', key: new Uint8Array(32).fill(1) },
});
