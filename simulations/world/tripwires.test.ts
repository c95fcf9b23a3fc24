import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { getRandomValues, randomBytes, randomUUID } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { readFile, readFileSync, rmSync, writeFileSync } from 'node:fs';
import * as fsPromises from 'node:fs/promises';
import { request } from 'node:http';
import { createServer, Socket } from 'node:net';
import { loadavg, tmpdir, uptime } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { Worker } from 'node:worker_threads';
import { createActor, setup } from 'xstate';
import { machineClock } from '../../src/bus/machine.ts';
import { monotonicMicros } from '../../src/system/clock.ts';
import { betweenTripwires, installTripwires, TripwireError, World } from './index.ts';

/** Runs `body` as a step of a process, a virtual second after the beginning. */
const inRun = (body: () => void): void => {
  const world = new World({ seed: 1 });
  betweenTripwires(world, () => {
    world.process('subject').start(({ ports }) => ports.clock.setTimer(1_000_000, body));
    world.run();
  });
};

const databaseFile = join(tmpdir(), `shoal-tripwire-${process.pid}.db`);

const forbidden: { readonly [call: string]: () => unknown } = {
  setTimeout: () => setTimeout(() => {}, 1),
  setInterval: () => setInterval(() => {}, 1),
  setImmediate: () => setImmediate(() => {}),
  'a promised timer': () => sleep(1),
  'AbortSignal.timeout': () => AbortSignal.timeout(1),
  'fs sync': () => readFileSync('/etc/hostname'),
  'fs callback': () => readFile('/etc/hostname', () => {}),
  'fs promises': () => fsPromises.readFile('/etc/hostname'),
  'a file written': () => writeFileSync('/nonexistent/file', 'x'),
  'a server': () => createServer(),
  'a socket': () => new Socket().connect(9),
  'a secure socket': () => connect(9),
  'a datagram socket': () => createSocket('udp4'),
  'a request': () => request('http://127.0.0.1:9'),
  fetch: () => fetch('http://127.0.0.1:9'),
  randomBytes: () => randomBytes(4),
  randomUUID: () => randomUUID(),
  'web crypto': () => crypto.getRandomValues(new Uint8Array(4)),
  'web crypto by import': () => getRandomValues(new Uint8Array(4)),
  'keys of web crypto': () => crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt']),
  'digests of web crypto': () => crypto.subtle.digest('SHA-256', new Uint8Array(4)),
  'process.uptime': () => process.uptime(),
  'process.cpuUsage': () => process.cpuUsage(),
  'process.resourceUsage': () => process.resourceUsage(),
  'os.uptime': () => uptime(),
  'os.loadavg': () => loadavg(),
  'performance.mark': () => performance.mark('x'),
  'performance.measure': () => performance.measure('x'),
  'performance.timeOrigin': () => performance.timeOrigin,
  'performance.toJSON': () => performance.toJSON(),
  'the time of a DOM event': () => new Event('x').timeStamp,
  'Atomics.wait': () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1),
  'a promised Atomics.wait': () => Atomics.waitAsync(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1),
  'process.memoryUsage': () => process.memoryUsage(),
  'an environment variable': () => process.env['HOME'],
  'the whole environment': () => ({ ...process.env }),
  'a promise': () => Promise.resolve(1),
  'an async function': () => (async () => 1)(),
  'process.nextTick': () => process.nextTick(() => {}),
  queueMicrotask: () => queueMicrotask(() => {}),
  'now as text': () => new Intl.DateTimeFormat().format(),
  'now as parts of a text': () => new Intl.DateTimeFormat().formatToParts(),
  'a process': () => spawn('true'),
  'a process waited for': () => spawnSync('true'),
  'a thread': () => new Worker('0', { eval: true }),
  'a database file': () => new DatabaseSync(databaseFile).exec('CREATE TABLE x (y)'),
};

describe('tripwires', () => {
  after(() => rmSync(databaseFile, { force: true }));

  for (const [name, call] of Object.entries(forbidden)) {
    it(`fail a run that reaches for ${name}`, () => {
      assert.throws(() => inRun(() => void call()), /A simulated run called /u);
    });
  }

  it('fail a run that catches the error itself', () => {
    const swallow = (): void => {
      try {
        readFileSync('/etc/hostname');
      } catch {
        // A program that takes every error for a missing file.
      }
    };
    assert.throws(() => inRun(swallow), TripwireError);
  });

  it('give virtual time within an event of the world', () => {
    const seen: number[] = [];
    inRun(() => seen.push(Date.now(), new Date().getTime(), performance.now(), monotonicMicros(), process.hrtime()[0]));
    const wall = Date.UTC(2026, 0, 1) + 1_000;
    assert.deepEqual(seen, [wall, wall, 1_000, 1_000_000, 1]);
  });

  it('fail a run that asks for the time outside an event', () => {
    const world = new World({ seed: 1 });
    const asks: (() => unknown)[] = [() => Date.now(), () => new Date(), () => performance.now(), () => process.hrtime.bigint()];
    for (const ask of asks) {
      assert.throws(() => betweenTripwires(world, ask), /outside an event/u);
    }
  });

  it('let whoever drives a run read its environment and make promises between the events', async () => {
    const world = new World({ seed: 1 });
    const [home, promise] = betweenTripwires(world, () => [process.env['HOME'], Promise.resolve(7)] as const);
    assert.equal(home, process.env['HOME']);
    assert.equal(await promise, 7);
  });

  it('leave dates that are made from a number alone', () => {
    const world = new World({ seed: 1 });
    const text = betweenTripwires(world, () => new Date(0).toISOString());
    assert.equal(text, '1970-01-01T00:00:00.000Z');
    assert.ok(betweenTripwires(world, () => new Date(0) instanceof Date));
    const year = new Intl.DateTimeFormat('en', { year: 'numeric', timeZone: 'UTC' });
    assert.equal(
      betweenTripwires(world, () => year.format(0)),
      '1970',
    );
  });

  it('make Math.random a stream of the seed', () => {
    const draw = (seed: number): number[] => betweenTripwires(new World({ seed }), () => [Math.random(), Math.random()]);
    assert.deepEqual(draw(1), draw(1));
    assert.notDeepEqual(draw(1), draw(2));
  });

  it('let XState run', () => {
    const machine = setup({ delays: { wait: 500 } }).createMachine({
      initial: 'waiting',
      states: { waiting: { after: { wait: 'done' } }, done: { type: 'final' } },
    });
    const world = new World({ seed: 1 });
    const states: unknown[] = [];
    betweenTripwires(world, () => {
      world.process('subject').start(({ ports }) => {
        const actor = createActor(machine, { clock: machineClock(ports.clock) });
        actor.subscribe((snapshot) => states.push([snapshot.value, ports.clock.wallNow()]));
        actor.start();
      });
      world.run();
    });
    assert.deepEqual(states.at(-1), ['done', Date.UTC(2026, 0, 1) + 500]);
  });

  it('let a database in memory, and a failed assertion, be what they are', () => {
    inRun(() => new DatabaseSync(':memory:').close());
    assert.throws(() => inRun(() => assert.ok(forbidden['nothing'])), /falsy|nothing/u);
  });

  it('give everything back', async () => {
    const before = [Date, Date.now, Math.random, setTimeout, performance.now, process.hrtime, readFileSync, DatabaseSync];
    const wires = installTripwires(new World({ seed: 1 }));
    assert.throws(() => installTripwires(new World({ seed: 2 })), /One run at a time/u);
    wires.remove();
    wires.remove();
    assert.deepEqual([Date, Date.now, Math.random, setTimeout, performance.now, process.hrtime, readFileSync, DatabaseSync], before);
    await sleep(1);
    assert.ok(readFileSync(new URL(import.meta.url)).length > 0);
    assert.ok(performance.timeOrigin > 0 && new Event('x').timeStamp > 0 && uptime() > 0 && new Intl.DateTimeFormat().format() !== '');
    assert.equal((await crypto.subtle.digest('SHA-256', new Uint8Array(4))).byteLength, 32);
  });
});
