import assert from 'node:assert/strict';
import { test } from 'node:test';
import { millis, seconds } from '../../ports/clock.ts';
import { createRandom } from '../../ports/counter-random.ts';
import { couple, dial, lab, MB, PORT, serve } from './lab.test-kit.ts';

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
  assert.deepEqual(
    seen,
    Array.from({ length: 40 }, (_, i) => i),
  );
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
  for (const [from, to] of [['10.0.0.1', '10.0.0.2'] as const, ['10.0.0.2', '10.0.0.1'] as const]) {
    const healOne = own.network.block([from], [to]);
    const oneWay = dial(own, a, '10.0.0.2', 2_000);
    own.scheduler.runUntilIdle();
    assert.equal(oneWay.code, 'timeout', 'one blocked direction is enough');
    healOne();
  }
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

test('a connection that was on its way when the power went is met with silence, not with a reset', () => {
  const own = lab();
  const { a } = couple(own);
  const log = dial(own, a, '10.0.0.2');
  const begin = own.scheduler.now();
  // The first packets are through, and the connection stands on this side: the other is about to take it.
  own.scheduler.runUntil(begin + millis(25));
  assert.equal(log.times.open, begin + millis(20));
  own.network.crash('10.0.0.2', 'silence');
  own.scheduler.runUntilIdle();
  assert.equal(log.reason, null);
});

test('for a process that is stopped the system takes connections and bytes, and hands them over in order when it goes on', () => {
  const waiting: (() => void)[] = [];
  const gate = { open: true, pass: (run: () => void) => void (gate.open ? run() : waiting.push(run)) };
  const own = lab();
  for (const host of ['10.0.0.1', '10.0.0.2']) own.network.addHost(host);
  const [a, b] = [own.start('10.0.0.1'), own.start('10.0.0.2', gate)];
  const taken = serve(own, b);
  own.scheduler.runUntilIdle();
  const before = dial(own, a, '10.0.0.2');
  own.scheduler.runUntilIdle();
  gate.open = false;
  const during = dial(own, a, '10.0.0.2');
  own.scheduler.runUntilIdle();
  for (const log of [before, during]) a.act(() => log.wire.send(new Uint8Array(1_000)));
  own.scheduler.runUntilIdle();
  assert.notEqual(during.times.open, undefined, 'the system answered');
  assert.deepEqual([taken.length, taken[0]?.bytesReceived], [1, 0]);
  gate.open = true;
  for (const run of waiting.splice(0)) run();
  own.scheduler.runUntilIdle();
  assert.deepEqual(
    taken.map(({ bytesReceived }) => bytesReceived),
    [1_000, 1_000],
  );
});

test('a link that slices hands bytes over in pieces of at most so many, none lost', () => {
  const own = lab();
  const { a, near, far } = couple(own);
  const sizes: number[] = [];
  const { bytes } = far;
  far.bytes = (chunk) => {
    sizes.push(chunk.length);
    bytes.call(far, chunk);
  };
  own.network.link(own.network.host('10.0.0.1'), own.network.host('10.0.0.2')).slicing = { bytesMax: 7, random: createRandom('slices') };
  a.act(() => near.wire.send(new Uint8Array(200)));
  own.scheduler.runUntilIdle();
  assert.equal(far.bytesReceived, 200);
  assert.ok(Math.max(...sizes) <= 7 && new Set(sizes).size > 3, sizes.join(' '));
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
  assert.deepEqual(
    taken.map(({ bytesReceived }) => bytesReceived),
    [MB, MB],
  );
  assert.ok(own.scheduler.now() < seconds(6));
  assert.throws(() => serve(own, a) && own.scheduler.runUntilIdle(), /Port 6881 .* in use/);
});

test('a process that is killed hears nothing of a connection that had ended just before', () => {
  const own = lab();
  const { a, b, near } = couple(own);
  own.scheduler.runUntilIdle();
  // Its end is told a moment later, in a step of its own: the process is gone by then.
  a.act(() => near.wire.abort());
  a.transport.crash('silence');
  own.scheduler.runUntilIdle();
  assert.equal(near.reason, null);
  assert.equal(b.transport.connections, 0);
});
