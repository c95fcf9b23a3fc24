import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { Reactor } from '../../bus/reactor.ts';
import { type ConformanceWorld, transportConformance } from '../conformance.ts';
import type { Address, CloseReason, Connection, ConnectionHandler, Security } from '../transport.ts';
import { checkSecurity } from './security.ts';
import { createTcpTransport, type TcpOptions, type TcpTransport } from './tcp.ts';

const newReactor = (): Reactor => new Reactor(() => Math.round(performance.now() * 1_000));

/** Resolves when the condition holds; it is looked at after each step. */
const untilStepped = (reactors: readonly Reactor[], condition: () => boolean): Promise<void> =>
  new Promise((resolve) => {
    const look = (): void => {
      if (!condition()) return;
      for (const reactor of reactors) reactor.taps.off('stepped', look);
      resolve();
    };
    for (const reactor of reactors) reactor.taps.on('stepped', look);
    look();
  });

/** Two transports over loopback. */
const createWorld = (): ConformanceWorld => {
  const reactors = { near: newReactor(), far: newReactor() };
  const near = createTcpTransport(reactors.near);
  const far = createTcpTransport(reactors.far);
  return {
    near,
    far,
    host: '127.0.0.1',
    act: (side, run) => reactors[side].step({ port: 'process', id: 0, kind: 'act' }, run),
    stepping: () => reactors.near.stepping || reactors.far.stepping,
    until: (condition) => untilStepped(Object.values(reactors), condition),
    killFar: () => far.shutdown(),
    close: async () => {
      near.shutdown();
      far.shutdown();
    },
  };
};

const key: Security = { identity: 'test', key: new Uint8Array(randomBytes(32)) };

transportConformance('tcp', { create: createWorld, poisons: false });
transportConformance('tcp with TLS', { create: createWorld, poisons: false, security: key });

/** One process that dials itself. */
interface Lab {
  readonly transport: TcpTransport;
  act(run: () => void): void;
  until(condition: () => boolean): Promise<void>;
  /** Listens and keeps what it takes. */
  serve(security?: readonly Security[]): Promise<{ address: Address; taken: Seen[]; rejected: string[] }>;
  dial(address: Address, timeoutMs?: number, security?: Security): Seen;
}

class Seen implements ConnectionHandler {
  wire: Connection | null = null;
  readonly events: string[] = [];
  bytesReceived = 0;
  reads = 0;
  reason: CloseReason | null = null;

  get error(): { readonly code: string; readonly message: string } | null {
    return this.reason?.kind === 'failed' ? this.reason.error : null;
  }

  open(): void {
    this.events.push('open');
  }

  bytes(chunk: Uint8Array): void {
    this.reads++;
    this.bytesReceived += chunk.length;
  }

  drain(): void {}

  end(): void {
    this.events.push('end');
  }

  closed(reason: CloseReason): void {
    this.reason = reason;
  }
}

const TEST = { timeout: 20_000 };

const withLab = async (options: TcpOptions, run: (lab: Lab) => Promise<void>): Promise<void> => {
  const reactor = newReactor();
  const transport = createTcpTransport(reactor, options);
  const act = (body: () => void): void => reactor.step({ port: 'process', id: 0, kind: 'act' }, body);
  const until = (condition: () => boolean): Promise<void> => untilStepped([reactor], condition);
  const lab: Lab = {
    transport,
    act,
    until,
    serve: async (security) => {
      let address: Address | null = null;
      const taken: Seen[] = [];
      const rejected: string[] = [];
      act(() => {
        transport.listen({ host: '127.0.0.1', port: 0 }, security === undefined ? {} : { security }, {
          listening: (at) => (address = at),
          connection: (connection) => {
            const seen = new Seen();
            seen.wire = connection;
            taken.push(seen);
            return seen;
          },
          rejected: ({ message }) => rejected.push(message),
          failed: ({ message }) => assert.fail(message),
        });
      });
      await until(() => address !== null);
      return { address: address as unknown as Address, taken, rejected };
    },
    dial: (address, timeoutMs = 5_000, security) => {
      const seen = new Seen();
      act(() => (seen.wire = transport.dial(address, { timeoutMs, ...(security === undefined ? {} : { security }) }, seen)));
      return seen;
    },
  };
  try {
    await run(lab);
  } finally {
    transport.shutdown();
  }
};

test('a peer that takes the connection and says nothing does not hold a secured dial for ever', TEST, () =>
  withLab({}, async (lab) => {
    const { address } = await lab.serve();
    const seen = lab.dial(address, 100, key);
    await lab.until(() => seen.reason !== null);
    assert.equal(seen.error?.code, 'timeout');
    assert.match(seen.error?.message ?? '', /did not answer within 100 ms/);
    assert.deepEqual(seen.events, []);
  }),
);

/** Opens TCP connections that say nothing, one after the other; each tells when the other side has closed it. */
const mutes = async (count: number, { host, port }: Address): Promise<Promise<unknown>[]> => {
  const closed: Promise<unknown>[] = [];
  for (let i = 0; i < count; i++) {
    const socket = net.connect(port, host);
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.resume();
    closed.push(once(socket, 'close'));
  }
  return closed;
};

test('connections that have not proved a key are few', TEST, () =>
  withLab({ handshakesMax: 2, handshakeTimeoutMs: 3_600_000 }, async (lab) => {
    const { address, taken } = await lab.serve([key]);
    const closed = await mutes(3, address);
    await closed[2];
    const late = lab.dial(address, 5_000, key);
    await lab.until(() => late.reason !== null);
    assert.equal(taken.length, 0);
    lab.transport.shutdown();
    await Promise.all(closed);
  }),
);

test('connections that have not proved a key do not stay', TEST, () =>
  withLab({ handshakesMax: 2, handshakeTimeoutMs: 100 }, async (lab) => {
    const { address, taken, rejected } = await lab.serve([key]);
    await Promise.all(await mutes(2, address));
    await lab.until(() => rejected.length === 2);
    assert.deepEqual(taken, []);
    const seen = lab.dial(address, 5_000, key);
    await lab.until(() => seen.events.includes('open'));
  }),
);

test('connections beyond the limit are turned away, and take no place once they are gone', TEST, () =>
  withLab({ connectionsMax: 2 }, async (lab) => {
    const { address, taken } = await lab.serve();
    const first = [lab.dial(address), lab.dial(address)];
    await lab.until(() => taken.length === 2);
    const third = lab.dial(address);
    await lab.until(() => third.events.includes('end') || third.reason !== null);
    assert.equal(taken.length, 2);
    lab.act(() => first[0]?.wire?.abort());
    await lab.until(() => taken.some(({ reason }) => reason !== null));
    const fourth = lab.dial(address);
    await lab.until(() => taken.length === 3 || fourth.reason !== null);
    assert.equal(taken.length, 3);
  }),
);

test('a process that is killed is noticed', TEST, () =>
  withLab({}, async (lab) => {
    const { address, taken } = await lab.serve();
    const child = spawn(process.execPath, ['-e', `require('node:net').connect(${address.port}, '127.0.0.1').write('here')`], {
      stdio: 'ignore',
    });
    await lab.until(() => taken[0]?.bytesReceived === 4);
    child.kill('SIGKILL');
    await lab.until(() => taken[0]?.events.includes('end') === true || taken[0]?.reason !== null);
    lab.act(() => taken[0]?.wire?.close());
    await lab.until(() => taken[0]?.reason !== null);
  }),
);

test('many small sends of one step leave together', TEST, () =>
  withLab({}, async (lab) => {
    const { address, taken } = await lab.serve();
    const seen = lab.dial(address);
    await lab.until(() => taken.length === 1 && seen.events.includes('open'));
    lab.act(() => {
      for (let i = 0; i < 1_000; i++) seen.wire?.send(new Uint8Array(20));
    });
    await lab.until(() => taken[0]?.bytesReceived === 20_000);
    assert.ok((taken[0]?.reads ?? 0) <= 5, `${taken[0]?.reads} reads for 1,000 sends`);
  }),
);

test('an address that is not of this machine is said to be so', TEST, () =>
  withLab({}, async (lab) => {
    let failure = '';
    lab.act(() => {
      lab.transport.listen(
        { host: '192.0.2.1', port: 0 },
        {},
        {
          listening: () => assert.fail('this machine does not have that address'),
          connection: () => null,
          failed: ({ code, message }) => (failure = `${code}: ${message}`),
        },
      );
    });
    await lab.until(() => failure !== '');
    assert.match(failure, /unreachable: Cannot listen on 192.0.2.1:0/);
  }),
);

test('a key that cannot be is the program’s mistake', () => {
  assert.throws(() => checkSecurity({ identity: 'x', key: new Uint8Array(16) }), /32 bytes, not 16/);
  assert.throws(() => checkSecurity({ identity: '', key: new Uint8Array(32) }), /identity/);
});

test('whose memory was lent is told when it is written, and not before it was sent', TEST, () =>
  withLab({}, async (lab) => {
    const { address, taken } = await lab.serve();
    const seen = lab.dial(address);
    const told: string[] = [];
    const last = Promise.withResolvers<void>();
    lab.act(() => {
      seen.wire?.send(new Uint8Array(100_000).fill(1), () => told.push('first'));
      seen.wire?.send(new Uint8Array(100_000).fill(2));
      seen.wire?.send(new Uint8Array(100_000).fill(3), () => {
        told.push('last');
        last.resolve();
      });
    });
    assert.deepEqual(told, []);
    await Promise.all([lab.until(() => taken[0]?.bytesReceived === 300_000), last.promise]);
    assert.deepEqual(told, ['first', 'last']);
  }),
);
