import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { millis, seconds } from '../../ports/clock.ts';
import type { Micros } from '../../ports/clock.ts';
import { couple, dial, type Lab, lab, type Log, MB, type Process, serve } from './lab.test-kit.ts';

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
  assert.deepEqual(
    seen,
    Array.from({ length: 100 }, (_, i) => i),
  );
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

/** Everybody sends to everybody; the trace is of every event in every process. */
const exchange = (seed: string, hosts: number, bytesEach: number): { trace: string; time: Micros; moved: number } => {
  const own = lab({ link: { latencyMs: 20, jitterMs: 10 } }, seed);
  const hash = createHash('sha256');
  const names = Array.from({ length: hosts }, (_, i) => `10.0.0.${i + 1}`);
  const processes = names.map((name) => {
    own.network.addHost(name, { uplinkBytesPerSecond: 10 * MB });
    const process = own.start(name);
    process.transport.reactor.taps.on(
      'cause',
      ({ kind, id, bytes }, at) => void hash.update(`${name} ${kind} ${id} ${at} ${bytes?.length}\n`),
    );
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
