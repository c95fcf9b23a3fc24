import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Reactor } from '../../bus/reactor.ts';
import { millis, seconds } from '../../ports/clock.ts';
import type { Micros } from '../../ports/clock.ts';
import { createRandom } from '../../ports/counter-random.ts';
import type { CloseReason, Connection, ConnectionHandler, Transport } from '../transport.ts';
import { MemoryNetwork, type MemoryNetworkOptions } from './network.ts';
import type { MemoryTransport } from './transport.ts';
import { VirtualScheduler } from './scheduler.ts';

const PORT = 6_881;
const MB = 1_000_000;

interface Lab {
  readonly scheduler: VirtualScheduler;
  readonly network: MemoryNetwork;
  start(host: string): Process;
}

interface Process {
  readonly transport: MemoryTransport;
  act<T>(run: (transport: Transport) => T): T;
}

const lab = (options: Partial<MemoryNetworkOptions> = {}, seed = 'seed'): Lab => {
  const scheduler = new VirtualScheduler();
  const network = new MemoryNetwork({ scheduler, random: createRandom(seed), link: { latencyMs: 10, jitterMs: 0 }, ...options });
  return {
    scheduler,
    network,
    start(host) {
      const reactor = new Reactor(() => scheduler.now());
      const transport = network.transport(host, reactor);
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
class Log implements ConnectionHandler {
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

const serve = (own: Lab, process: Process, port = PORT): Log[] => {
  const taken: Log[] = [];
  process.act((transport) =>
    transport.listen({ host: '0.0.0.0', port }, {}, {
      listening() {},
      connection(connection) {
        const log = new Log(own.scheduler);
        log.connection = connection;
        taken.push(log);
        return log;
      },
      failed: ({ message }) => assert.fail(message),
    }),
  );
  return taken;
};

const dial = (own: Lab, process: Process, host: string, timeoutMs = 5_000): Log => {
  const log = new Log(own.scheduler);
  process.act((transport) => (log.connection = transport.dial({ host, port: PORT }, { timeoutMs }, log)));
  return log;
};

/** Two hosts with a process each, and a connection from the first to the second. */
const couple = (own: Lab): { a: Process; b: Process; near: Log; far: Log } => {
  own.network.addHost('10.0.0.1');
  own.network.addHost('10.0.0.2');
  const [a, b] = [own.start('10.0.0.1'), own.start('10.0.0.2')];
  const taken = serve(own, b);
  own.scheduler.runUntilIdle();
  const near = dial(own, a, '10.0.0.2');
  own.scheduler.runUntilIdle();
  return { a, b, near, far: taken[0] as Log };
};

test('a dial takes a round trip, and bytes the latency of their direction', () => {
  const own = lab();
  const { a, near, far } = couple(own);
  assert.equal(near.times.open, millis(20));
  assert.equal(far.times.open, millis(30));
  own.network.setLink('10.0.0.1', '10.0.0.2', { latencyMs: 70, jitterMs: 0 });
  const sentAt = own.scheduler.now();
  a.act(() => near.wire.send(new Uint8Array(100)));
  own.scheduler.runUntilIdle();
  assert.equal(far.times.bytes, sentAt + millis(70));
});

test('jitter delays bytes but never changes their order', () => {
  const own = lab({ link: { latencyMs: 5, jitterMs: 50 } });
  const { a, near, far } = couple(own);
  const seen: number[] = [];
  far.bytes = (chunk) => void seen.push(...chunk);
  for (let i = 0; i < 100; i++) {
    own.scheduler.runUntil(own.scheduler.now() + millis(1));
    a.act(() => near.wire.send(new Uint8Array([i])));
  }
  own.scheduler.runUntilIdle();
  assert.deepEqual(seen, Array.from({ length: 100 }, (_, i) => i));
});

/** A sender with a limited uplink and receivers without limits, one connection each. */
const star = (own: Lab, receivers: number, uplinkBytesPerSecond: number): { sender: Process; out: Log[]; taken: Log[][] } => {
  own.network.addHost('10.0.0.1', { uplinkBytesPerSecond });
  const sender = own.start('10.0.0.1');
  const taken = Array.from({ length: receivers }, (_, i) => {
    own.network.addHost(`10.0.1.${i}`);
    return serve(own, own.start(`10.0.1.${i}`));
  });
  own.scheduler.runUntilIdle();
  const out = taken.map((_, i) => dial(own, sender, `10.0.1.${i}`));
  own.scheduler.runUntilIdle();
  return { sender, out, taken };
};

test('an uplink alone gives its whole rate, to the microsecond', () => {
  const own = lab();
  const { sender, out, taken } = star(own, 1, 3 * MB);
  const begin = own.scheduler.now();
  sender.act(() => out[0]?.wire.send(new Uint8Array(MB)));
  own.scheduler.runUntilIdle();
  assert.equal(taken[0]?.[0]?.times.bytes, begin + Math.ceil(1_000_000 / 3) + millis(10));
});

test('connections that share an uplink get the same, and who is left gets the rest', () => {
  const own = lab();
  const { sender, out, taken } = star(own, 2, MB);
  const begin = own.scheduler.now();
  sender.act(() => {
    out[0]?.wire.send(new Uint8Array(MB));
    out[1]?.wire.send(new Uint8Array(MB / 4));
  });
  own.scheduler.runUntilIdle();
  const [long, short] = [taken[0]?.[0] as Log, taken[1]?.[0] as Log];
  // The short one goes at half the rate: 0.25 MB in 0.5 s. Then the long one has 0.75 MB left: 1.25 s in all.
  assert.equal(short.times.bytes, begin + seconds(0.5) + millis(10));
  assert.equal(long.times.bytes, begin + seconds(1.25) + millis(10));
});

test('ten connections get a tenth each, though one sends in bits and pieces', () => {
  const own = lab({ windowBytes: 4 * MB });
  const { sender, out, taken } = star(own, 10, 10 * MB);
  const begin = own.scheduler.now();
  sender.act(() => out.forEach(({ wire }) => wire.send(new Uint8Array(MB))));
  const chatty = out[3] as Log;
  sender.act(() => Array.from({ length: 1_000 }, () => chatty.wire.send(new Uint8Array(10))));
  own.scheduler.runUntil(begin + seconds(0.5) + millis(10));
  for (const [log] of taken) assert.ok(Math.abs((log as Log).bytesReceived - MB / 2) <= 65_536, `${log?.bytesReceived}`);
  own.scheduler.runUntilIdle();
  assert.equal(Math.max(...taken.map(([log]) => log?.times.bytes ?? 0)), begin + seconds(1.001) + millis(10));
});

test('a downlink is not passed', () => {
  const own = lab();
  own.network.addHost('10.0.0.9', { downlinkBytesPerSecond: MB });
  const sink = serve(own, own.start('10.0.0.9'));
  own.scheduler.runUntilIdle();
  const senders = Array.from({ length: 4 }, (_, i) => {
    own.network.addHost(`10.0.2.${i}`, { uplinkBytesPerSecond: MB });
    const process = own.start(`10.0.2.${i}`);
    return { process, log: dial(own, process, '10.0.0.9') };
  });
  own.scheduler.runUntilIdle();
  const begin = own.scheduler.now();
  for (const { process, log } of senders) process.act(() => log.wire.send(new Uint8Array(MB / 2)));
  own.scheduler.runUntilIdle();
  const last = Math.max(...sink.map(({ times }) => times.bytes ?? 0));
  assert.ok(last >= begin + seconds(2) && last <= begin + seconds(2.2), `${last - begin}`);
});

test('a rate that changes counts from that moment on', () => {
  const own = lab();
  const { sender, out, taken } = star(own, 1, MB);
  const begin = own.scheduler.now();
  sender.act(() => out[0]?.wire.send(new Uint8Array(MB)));
  own.scheduler.runUntil(begin + seconds(0.5));
  own.network.setUplink('10.0.0.1', 5 * MB);
  own.scheduler.runUntilIdle();
  assert.ok(Math.abs((taken[0]?.[0]?.times.bytes ?? 0) - (begin + seconds(0.6) + millis(10))) <= 20);
});

test('a partition is silence, and what was sent comes when it heals', () => {
  const own = lab();
  const { a, b, near, far } = couple(own);
  const heal = own.network.partition(['10.0.0.1'], ['10.0.0.2']);
  a.act(() => near.wire.send(new Uint8Array(5_000)));
  b.act(() => far.wire.send(new Uint8Array(6_000)));
  own.scheduler.runUntil(own.scheduler.now() + seconds(600));
  assert.deepEqual([far.bytesReceived, near.bytesReceived, near.reason, far.reason], [0, 0, null, null]);
  heal();
  own.scheduler.runUntilIdle();
  assert.deepEqual([far.bytesReceived, near.bytesReceived], [5_000, 6_000]);
});

test('a blocked direction leaves the other open, but for the acknowledgements', () => {
  const own = lab({ windowBytes: 100_000, trainBytesMax: 10_000 });
  const { a, b, near, far } = couple(own);
  const heal = own.network.block(['10.0.0.2'], ['10.0.0.1']);
  a.act(() => near.wire.send(new Uint8Array(150_000)));
  b.act(() => far.wire.send(new Uint8Array(10)));
  own.scheduler.runUntil(own.scheduler.now() + seconds(60));
  assert.deepEqual([far.bytesReceived, near.bytesReceived], [100_000, 0], 'one window passes, then the sender waits');
  heal();
  own.scheduler.runUntilIdle();
  assert.deepEqual([far.bytesReceived, near.bytesReceived], [150_000, 10]);
});

test('partitions overlap: the way is free when the last is healed, and the order holds throughout', () => {
  const own = lab();
  const { a, near, far } = couple(own);
  const seen: number[] = [];
  far.bytes = (chunk) => void seen.push(...chunk);
  const wide = own.network.partition(['10.0.0.1'], ['10.0.0.2']);
  const narrow = own.network.block(['10.0.0.1'], ['10.0.0.2']);
  for (let i = 0; i < 40; i++) {
    own.scheduler.runUntil(own.scheduler.now() + millis(3));
    a.act(() => near.wire.send(new Uint8Array([i])));
    if (i === 9) wide();
    if (i === 15) assert.deepEqual(seen, [], 'one block is left');
    if (i === 16) own.network.healAll();
    if (i === 20) own.network.block(['10.0.0.1'], ['10.0.0.2']);
    // A block that was taken away already takes no other with it.
    if (i === 25) narrow();
  }
  own.scheduler.runUntilIdle();
  assert.ok(seen.length > 10 && seen.length < 22, `${seen.length} came before the last block`);
  own.network.healAll();
  own.scheduler.runUntilIdle();
  assert.deepEqual(seen, Array.from({ length: 40 }, (_, i) => i));
});

test('connections are broken on demand, aloud or silently', () => {
  const own = lab();
  const { a, b, near, far } = couple(own);
  const taken = serve(own, b, PORT + 1);
  own.network.addHost('10.0.0.3');
  own.scheduler.runUntilIdle();
  assert.equal(own.network.breakConnections('reset', '10.0.0.1', '10.0.0.3'), 0);
  assert.equal(own.network.breakConnections('reset', '10.0.0.2'), 1);
  own.scheduler.runUntilIdle();
  assert.deepEqual([near.code, far.code, taken.length], ['reset', 'reset', 0]);
  const other = dial(own, a, '10.0.0.2');
  own.scheduler.runUntilIdle();
  assert.equal(own.network.breakConnections('silence', '10.0.0.1', '10.0.0.2'), 1);
  a.act(() => other.wire.send(new Uint8Array(10)));
  own.scheduler.runUntilIdle();
  assert.equal(other.reason, null);
});

test('a dial into a partition times out, or stands once it has healed', () => {
  const own = lab();
  const { a } = couple(own);
  const heal = own.network.partition(['10.0.0.1'], ['10.0.0.2']);
  const begin = own.scheduler.now();
  const hopeless = dial(own, a, '10.0.0.2', 2_000);
  const patient = dial(own, a, '10.0.0.2', 20_000);
  own.scheduler.runUntil(begin + seconds(5));
  assert.equal(hopeless.code, 'timeout');
  assert.equal(hopeless.times.closed, begin + seconds(2));
  heal();
  own.scheduler.runUntilIdle();
  assert.equal(patient.reason, null);
  assert.ok((patient.times.open ?? 0) < begin + seconds(6.1));
});

test('after a power cut there is silence, until the machine runs again and answers with resets', () => {
  const own = lab();
  const { a, near, far } = couple(own);
  own.network.crash('10.0.0.2', 'silence');
  a.act(() => near.wire.send(new Uint8Array(100)));
  const dead = dial(own, a, '10.0.0.2', 1_000);
  own.scheduler.runUntilIdle();
  assert.deepEqual([near.reason, far.bytesReceived, far.reason, dead.code], [null, 0, null, 'timeout']);
  own.start('10.0.0.2');
  a.act(() => near.wire.send(new Uint8Array(100)));
  own.scheduler.runUntilIdle();
  assert.equal(near.code, 'reset');
  const refused = dial(own, a, '10.0.0.2');
  own.scheduler.runUntilIdle();
  assert.equal(refused.code, 'refused');
});

test('a process that is killed frees its ports for the next one, and hears nothing more itself', () => {
  const own = lab();
  const { a, b, near, far } = couple(own);
  a.act(() => near.wire.send(new Uint8Array(100)));
  b.transport.crash('reset');
  own.scheduler.runUntilIdle();
  assert.deepEqual([near.code, far.reason, far.bytesReceived], ['reset', null, 0]);
  const taken = serve(own, own.start('10.0.0.2'));
  own.scheduler.runUntilIdle();
  dial(own, a, '10.0.0.2');
  own.scheduler.runUntilIdle();
  assert.equal(taken.length, 1);
});

test('connections get lost by chance, as the seed says', () => {
  const run = (seed: string): string => {
    const own = lab({ loss: { meanLifeMs: 1_000, silentShare: 0.5 } }, seed);
    own.network.addHost('10.0.0.1');
    own.network.addHost('10.0.0.2');
    const [a, b] = [own.start('10.0.0.1'), own.start('10.0.0.2')];
    serve(own, b);
    own.scheduler.runUntilIdle();
    const logs = Array.from({ length: 40 }, () => dial(own, a, '10.0.0.2'));
    own.scheduler.runUntil(seconds(60));
    const reset = logs.filter(({ code }) => code === 'reset').length;
    assert.ok(reset > 5 && reset < 35, `${reset} of 40 were reset, the others fell silent`);
    return logs.map(({ code, times }) => `${code} ${times.closed}`).join();
  };
  assert.equal(run('one'), run('one'));
  assert.notEqual(run('one'), run('two'));
});

test('processes of one host reach each other by loopback, past the uplink', () => {
  const own = lab();
  own.network.addHost('10.0.0.1', { uplinkBytesPerSecond: 1_000, names: ['tracker.example'] });
  const [a, b] = [own.start('10.0.0.1'), own.start('10.0.0.1')];
  const taken = serve(own, b);
  own.scheduler.runUntilIdle();
  const logs = ['127.0.0.1', 'tracker.example'].map((host) => dial(own, a, host));
  own.scheduler.runUntilIdle();
  for (const { wire } of logs) a.act(() => wire.send(new Uint8Array(MB)));
  own.scheduler.runUntilIdle();
  assert.deepEqual(taken.map(({ bytesReceived }) => bytesReceived), [MB, MB]);
  assert.ok(own.scheduler.now() < seconds(6));
  assert.throws(() => serve(own, a) && own.scheduler.runUntilIdle(), /Port 6881 .* in use/);
});

/** Everybody sends to everybody; the trace is of every event in every process. */
const exchange = (seed: string, hosts: number, bytesEach: number): { trace: string; time: Micros; moved: number } => {
  const own = lab({ link: { latencyMs: 20, jitterMs: 10 } }, seed);
  const hash = createHash('sha256');
  const names = Array.from({ length: hosts }, (_, i) => `10.0.0.${i + 1}`);
  const processes = names.map((name) => {
    own.network.addHost(name, { uplinkBytesPerSecond: 10 * MB });
    const process = own.start(name);
    process.transport.reactor.taps.on('cause', ({ kind, id, bytes }, at) => void hash.update(`${name} ${kind} ${id} ${at} ${bytes?.length}\n`));
    return process;
  });
  const taken = processes.map((process) => serve(own, process));
  own.scheduler.runUntilIdle();
  const block = new Uint8Array(16_384).fill(1);
  for (const [i, process] of processes.entries()) {
    for (let k = 1; k <= 4; k++) {
      const log = dial(own, process, names[(i + k) % hosts] as string);
      let left = bytesEach / 4;
      log.open = log.onDrain = () => {
        while (left > 0) {
          left -= block.length;
          if (!log.wire.send(block)) return;
        }
      };
    }
  }
  own.scheduler.runUntilIdle();
  const moved = taken.flat().reduce((sum, { bytesReceived }) => sum + bytesReceived, 0);
  return { trace: hash.digest('hex'), time: own.scheduler.now(), moved };
};

test('the same seed gives the same trace, another seed another one', () => {
  const first = exchange('one', 6, 1_048_576);
  assert.equal(first.moved, 6 * 1_048_576);
  assert.deepEqual(exchange('one', 6, 1_048_576), first);
  assert.notEqual(exchange('two', 6, 1_048_576).trace, first.trace);
});

test('fifty hosts that upload 64 MiB each are simulated in seconds, and no faster than their uplinks allow', () => {
  const bytesEach = 64 * 1_048_576;
  const { time, moved } = exchange('swarm', 50, bytesEach);
  assert.equal(moved, 50 * bytesEach);
  const least = seconds(bytesEach / (10 * MB));
  assert.ok(time >= least && time < least * 1.02, `${time} against ${least}`);
});
