/** Parts of the data plane by themselves, on simulated ports. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../simulations/world/index.ts';
import { BufferPool } from '../../src/data/buffers.ts';
import { Candidates } from '../../src/data/candidates.ts';
import { each } from '../../src/data/each.ts';
import { OpenFiles } from '../../src/data/open-files.ts';
import { nextPeerState, type PeerState, peerTransitions } from '../../src/data/peer-states.ts';
import { RateGate } from '../../src/data/rate-gate.ts';
import { seconds } from '../../src/ports/clock.ts';
import { type Done, ok } from '../../src/protocol/result.ts';

const start = () => {
  const world = new World({ seed: 1 });
  const process = world.process('node');
  return { world, process, incarnation: process.start() };
};

test('piece buffers stay under the limit, are used again, and make room for other sizes; who waits is told', () => {
  const pool = new BufferPool({ allocate: (bytes) => new Uint8Array(bytes) }, 1_000_000);
  const buffers = Array.from({ length: 15 }, () => pool.take(65_536));
  assert.ok(buffers.every((buffer) => buffer !== null));
  assert.equal(pool.take(65_536), null);
  let told = 0;
  pool.wait(() => told++);
  pool.give(buffers[0] as Uint8Array);
  assert.equal(told, 1);
  assert.equal(pool.take(60_000), buffers[0], 'the same memory');
  for (const buffer of buffers) pool.give(buffer as Uint8Array);
  const large = pool.take(900_000);
  assert.equal(large?.length, 1_048_576, 'one buffer is always to be had');
  assert.equal(pool.take(16_384), null);
});

test('a limit is shared fairly among those who wait', () => {
  const { world, incarnation } = start();
  const taken = new Map<object, number>();
  incarnation.step(() => {
    const gate = new RateGate(incarnation.ports.clock, 100_000);
    for (const who of [{}, {}, {}, {}]) {
      taken.set(who, 0);
      const go = (): void => {
        if (!gate.take(10_000)) return gate.wait(who, go);
        taken.set(who, (taken.get(who) ?? 0) + 10_000);
        return gate.wait(who, go);
      };
      go();
    }
  });
  world.runFor(seconds(20));
  const counts = [...taken.values()];
  const total = counts.reduce((sum, count) => sum + count, 0);
  assert.ok(Math.abs(total - 2_000_000) < 100_000, `${total}`);
  assert.ok(Math.max(...counts) - Math.min(...counts) <= 20_000, counts.join(' '));
});

test('few files are open at a time, the least recently used go first, and a close waits for its users', () => {
  const { world, process, incarnation } = start();
  process.disk.makeFolder('/d');
  for (const n of [1, 2, 3, 4]) process.disk.writeFile(`/d/${n}`, new Uint8Array(n));
  const files = new OpenFiles(incarnation.ports.disk, 2);
  const log: string[] = [];
  const use = (n: number): void => incarnation.step(() => files.acquire(`/d/${n}`, 'read', (opened) => void log.push(`${n} ${opened.ok}`)));
  const release = (n: number): void => incarnation.step(() => files.release(`/d/${n}`, 'read'));
  for (const n of [1, 2, 3, 4]) {
    use(n);
    world.runFor(1_000);
    if (n !== 4) release(n);
  }
  assert.deepEqual(log, ['1 true', '2 true', '3 true', '4 true']);
  assert.equal(files.count, 2);
  incarnation.step(() => files.close('/d/4', () => void log.push('closed')));
  world.runFor(1_000);
  assert.equal(log.includes('closed'), false);
  release(4);
  world.runFor(1_000);
  assert.equal(log.at(-1), 'closed');
  use(9);
  world.runFor(1_000);
  assert.equal(log.at(-1), '9 false');
});

test('a peer that cannot be reached is tried again later and later, others first', () => {
  const candidates = new Candidates();
  candidates.add({ host: '10.0.0.1', port: 1 }, null, true, 0);
  candidates.add({ host: '10.0.0.2', port: 1 }, null, true, 0);
  const first = candidates.next(0, () => true);
  assert.equal(first?.address.host, '10.0.0.1');
  if (first !== null) first.busy = true;
  assert.equal(candidates.next(0, () => true)?.address.host, '10.0.0.2');
  candidates.over({ host: '10.0.0.1', port: 1 }, false, 0);
  assert.equal(candidates.next(seconds(60), () => true)?.address.host, '10.0.0.2');
  candidates.remove({ host: '10.0.0.2', port: 1 });
  assert.equal(
    candidates.next(seconds(1), () => true),
    null,
  );
  assert.equal(candidates.next(seconds(6), () => true)?.address.host, '10.0.0.1');
});

test('one after the other, without growing the stack, until the first failure', () => {
  const seen: number[] = [];
  let result: unknown;
  each(
    Array.from({ length: 200_000 }, (_, n) => n),
    (n, next: Done<void>) => {
      seen.push(n);
      next(n === 150_000 ? { ok: false, error: { code: 'stop', message: '' } } : ok(undefined));
    },
    (over) => (result = over),
  );
  assert.equal(seen.length, 150_001);
  assert.deepEqual(result, { ok: false, error: { code: 'stop', message: '' } });
});

test('every state of a peer leads to closed, and nothing leads out of it', () => {
  for (const state of Object.keys(peerTransitions) as PeerState[]) {
    if (state === 'closed') assert.equal(nextPeerState(state, 'over'), null);
    else assert.equal(nextPeerState(state, 'over'), 'closed');
  }
  assert.equal(nextPeerState('connecting', 'handshake'), null);
});
