/** A memory network for tests, with handlers that keep the times of what they are told. */
import assert from 'node:assert/strict';
import { Reactor } from '../../bus/reactor.ts';
import type { Micros } from '../../ports/clock.ts';
import { createRandom } from '../../ports/counter-random.ts';
import type { CloseReason, Connection, ConnectionHandler, Transport } from '../transport.ts';
import type { Gate } from './gate.ts';
import { MemoryNetwork, type MemoryNetworkOptions } from './network.ts';
import { VirtualScheduler } from './virtual-scheduler.test-kit.ts';
import type { MemoryTransport } from './transport.ts';

export const PORT = 6_881;
export const MB = 1_000_000;

export interface Lab {
  readonly scheduler: VirtualScheduler;
  readonly network: MemoryNetwork;
  start(host: string, gate?: Gate): Process;
}

export interface Process {
  readonly transport: MemoryTransport;
  act<T>(run: (transport: Transport) => T): T;
}

export const lab = (options: Partial<MemoryNetworkOptions> = {}, seed = 'seed'): Lab => {
  const scheduler = new VirtualScheduler();
  const network = new MemoryNetwork({ scheduler, random: createRandom(seed), link: { latencyMs: 10, jitterMs: 0 }, ...options });
  return {
    scheduler,
    network,
    start(host, gate) {
      const reactor = new Reactor(() => scheduler.now());
      const transport = network.transport(host, reactor, gate);
      return {
        transport,
        act: (run) => {
          let value: unknown;
          reactor.step({ port: 'process', id: 0, kind: 'act' }, () => (value = run(transport)));
          return value as ReturnType<typeof run>;
        },
      };
    },
  };
};

/** A side that keeps the times of what it is told. */
export class Log implements ConnectionHandler {
  readonly times: Record<string, Micros> = {};
  readonly #scheduler: VirtualScheduler;
  connection: Connection | null = null;
  bytesReceived = 0;
  reason: CloseReason | null = null;
  onDrain = (): void => {};

  constructor(scheduler: VirtualScheduler) {
    this.#scheduler = scheduler;
  }

  get wire(): Connection {
    assert.ok(this.connection !== null);
    return this.connection;
  }

  get code(): string | undefined {
    return this.reason?.kind === 'failed' ? this.reason.error.code : this.reason?.kind;
  }

  open(): void {
    this.#note('open');
  }

  bytes(chunk: Uint8Array): void {
    this.bytesReceived += chunk.length;
    this.#note('bytes');
  }

  drain(): void {
    this.onDrain();
  }

  end(): void {
    this.#note('end');
  }

  closed(reason: CloseReason): void {
    this.reason = reason;
    this.#note('closed');
  }

  #note(event: string): void {
    this.times[event] = this.#scheduler.now();
  }
}

export const serve = (own: Lab, process: Process, port = PORT): Log[] => {
  const taken: Log[] = [];
  process.act((transport) =>
    transport.listen(
      { host: '0.0.0.0', port },
      {},
      {
        listening() {},
        connection(connection) {
          const log = new Log(own.scheduler);
          log.connection = connection;
          taken.push(log);
          return log;
        },
        failed: ({ message }) => assert.fail(message),
      },
    ),
  );
  return taken;
};

export const dial = (own: Lab, process: Process, host: string, timeoutMs = 5_000): Log => {
  const log = new Log(own.scheduler);
  process.act((transport) => (log.connection = transport.dial({ host, port: PORT }, { timeoutMs }, log)));
  return log;
};

/** Two hosts with a process each, and a connection from the first to the second. */
export const couple = (own: Lab): { a: Process; b: Process; near: Log; far: Log } => {
  own.network.addHost('10.0.0.1');
  own.network.addHost('10.0.0.2');
  const [a, b] = [own.start('10.0.0.1'), own.start('10.0.0.2')];
  const taken = serve(own, b);
  own.scheduler.runUntilIdle();
  const near = dial(own, a, '10.0.0.2');
  own.scheduler.runUntilIdle();
  return { a, b, near, far: taken[0] as Log };
};
