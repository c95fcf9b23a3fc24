import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as check, integer, property, uint8Array } from 'fast-check';
import { BufferPool, copyInto } from './buffers.ts';

test('bytes from any place come to any place of shared memory, and nothing else of it changes', () => {
  const memory = new Uint8Array(new SharedArrayBuffer(200_000));
  check(
    property(uint8Array({ minLength: 1, maxLength: 40 }), integer({ min: 0, max: 30 }), integer({ min: 0, max: 30 }), (seed, from, at) => {
      memory.fill(0xee);
      // Longer than one turn through the memory between.
      const source = new Uint8Array(from + 130_001).map((_, n) => seed[n % seed.length] as number);
      const bytes = source.subarray(from);
      copyInto(memory, at, bytes);
      assert.equal(Buffer.compare(memory.slice(at, at + bytes.length), bytes), 0);
      assert.ok(memory.subarray(0, at).every((byte) => byte === 0xee));
      assert.ok(memory.subarray(at + bytes.length).every((byte) => byte === 0xee));
    }),
    { numRuns: 50 },
  );
});

test('a pool keeps to its limit, uses memory again and tells who waits', () => {
  const pool = new BufferPool({ allocate: (bytes) => new Uint8Array(bytes) }, 64 * 1024);
  const first = pool.take(32 * 1024);
  const second = pool.take(20_000);
  assert.ok(first !== null && second !== null);
  assert.equal(pool.take(16 * 1024), null);
  let told = 0;
  pool.wait(() => told++);
  pool.give(first);
  assert.equal(told, 1);
  assert.equal(pool.take(32 * 1024), first);
  assert.equal(pool.usedBytes, 64 * 1024);
});
