/** How bytes go: whole, in order, no faster than the receiver takes them. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { ascii, type Cases, type ConformanceWorld, KIB, MIB, pattern, type Side } from './bench.test-kit.ts';

/** Sends the pieces in order, waiting for `drain` each time `send` says false; closes behind the last one. */
const pour = (world: ConformanceWorld, side: Side, pieces: readonly Uint8Array[]): { sentPieces: () => number } => {
  let next = 0;
  side.onDrain = () => {
    while (next < pieces.length) if (!side.wire.send(pieces[next++] as Uint8Array)) return;
    side.wire.close();
  };
  world.act('near', () => side.onDrain());
  return { sentPieces: () => next };
};

const sha256 = (pieces: readonly Uint8Array[]): string => {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
};

export const flow: Cases = {
  'a large transfer arrives as it was': async (b) => {
    const { near, far } = await b.pair();
    const block = pattern(MIB, 11);
    const pieces = Array.from({ length: 32 }, (_, i) => block.subarray(i * 7));
    pour(b.world, near, pieces);
    await b.world.until(() => far.events.includes('end'), 'all of it came');
    assert.equal(far.digest.digest('hex'), sha256(pieces));
    assert.ok(near.drains > 0, 'the sender was asked to wait');
    assert.equal(near.wire.queuedBytes(), 0);
  },

  'it does not matter how the bytes were cut by the sender': async (b) => {
    const { near, far } = await b.pair();
    const bytes = pattern(200_000, 17);
    const pieces: Uint8Array[] = [];
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const size = [1, 2, 3, 17, 1_024, 5, 4_096, 1, 1_025][i % 9] as number;
      pieces.push(bytes.subarray(at, at + size));
      at += size;
    }
    pour(b.world, near, pieces);
    await b.world.until(() => far.events.includes('end'), 'all of it came');
    assert.equal(far.digest.digest('hex'), sha256([bytes]));
  },

  'a receiver that pauses makes the sender wait, and nothing is lost': async (b) => {
    const { near, far, port } = await b.pair();
    const pings = await b.pair(port);
    b.world.act('far', () => far.wire.pause());
    const block = pattern(256 * KIB, 23);
    const pieces = Array.from({ length: 512 }, () => block);
    const { sentPieces } = pour(b.world, near, pieces);
    // Round trips on another connection: the sender has stopped when many of them pass and it has sent nothing.
    let still = 0;
    let last = -1;
    pings.far.onBytes = () => pings.far.wire.send(ascii('.'));
    pings.near.onBytes = () => {
      still = sentPieces() === last ? still + 1 : 0;
      last = sentPieces();
      if (still < 200) pings.near.wire.send(ascii('.'));
    };
    b.world.act('near', () => pings.near.wire.send(ascii('.')));
    await b.world.until(() => still >= 200, 'the sender stops');
    assert.ok(sentPieces() < pieces.length, 'not everything was taken');
    assert.ok(near.wire.queuedBytes() > 0);
    assert.equal(far.bytesReceived, 0, 'no bytes while paused');
    b.world.act('far', () => far.wire.resume());
    await b.world.until(() => far.events.includes('end'), 'all of it came');
    assert.equal(far.digest.digest('hex'), sha256(pieces));
  },

  'pausing from inside bytes takes effect at once': async (b) => {
    const { near, far } = await b.pair();
    let calls = 0;
    far.onBytes = () => {
      calls++;
      far.wire.pause();
    };
    b.world.act('near', () => near.wire.send(pattern(MIB, 29)));
    b.world.act('near', () => near.wire.close());
    let resumes = 0;
    while (far.bytesReceived < MIB) {
      await b.world.until(() => calls === resumes + 1, 'one more call');
      b.world.act('far', () => {
        resumes++;
        far.wire.resume();
      });
    }
    await b.world.until(() => far.events.includes('end'), 'the end came');
    assert.equal(far.bytesReceived, MIB);
  },

  'send says false above the mark and drain comes once the queue is empty': async (b) => {
    const { near, far } = await b.pair();
    let asked = 0;
    near.onDrain = () => assert.equal(near.wire.queuedBytes(), 0);
    b.world.act('near', () => {
      while (near.wire.send(pattern(64 * KIB, 31))) asked++;
      assert.ok(near.wire.queuedBytes() >= asked * 64 * KIB);
    });
    await b.world.until(() => near.drains === 1 && far.bytesReceived === (asked + 1) * 64 * KIB, 'the queue drains and all of it comes');
    b.world.act('near', () => assert.equal(near.wire.send(ascii('x')), true));
    await b.world.until(() => far.bytesReceived === (asked + 1) * 64 * KIB + 1, 'the last byte came');
    assert.equal(near.drains, 1);
  },
};

export const lending: Cases = {
  'bytes are lent: what a handler keeps of them is overwritten': async (b) => {
    const { near, far } = await b.pair();
    const kept: Uint8Array[] = [];
    far.onBytes = (chunk) => kept.push(chunk);
    b.world.act('near', () => near.wire.send(new Uint8Array(1_000).fill(7)));
    await b.world.until(() => far.bytesReceived === 1_000, 'the bytes came');
    assert.ok(kept.every((chunk) => !chunk.includes(7)));
  },
};
