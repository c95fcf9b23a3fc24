/** How connections begin and end. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { ascii, type Bench, type Cases, KIB, MIB, pattern, type Side } from './bench.test-kit.ts';

const closeBoth = async ({ world }: Bench, near: Side, far: Side): Promise<void> => {
  world.act('near', () => near.wire.close());
  world.act('far', () => far.wire.close());
  await world.until(() => near.reason !== null && far.reason !== null, 'both sides are told closed');
};

/**
 * A pair that is past its handshake for sure: TLS still writes behind it, and where it is that write which meets a
 * reset, the far side sees `end` first and the reset only when it closes.
 */
const greeted = async (b: Bench): Promise<{ near: Side; far: Side }> => {
  const { near, far } = await b.pair();
  b.world.act('far', () => far.wire.send(ascii('welcome')));
  await b.world.until(() => near.head === 'welcome', 'the welcome came');
  return { near, far };
};

export const lifecycle: Cases = {
  'bytes come whole and in order in both directions, and both sides end': async (b) => {
    const { near, far } = await b.pair();
    b.world.act('near', () => ['one ', 'two ', 'three'].forEach((word) => near.wire.send(ascii(word))));
    b.world.act('far', () => far.wire.send(ascii('back')));
    await b.world.until(() => far.head.length === 13 && near.head.length === 4, 'all bytes came');
    assert.equal(far.head, 'one two three');
    assert.equal(near.head, 'back');
    await closeBoth(b, near, far);
    assert.deepEqual([near.code, far.code], ['ended', 'ended']);
    assert.deepEqual([near.events.at(-2), far.events.at(-2)], ['end', 'end']);
  },

  'both sides know both addresses': async (b) => {
    const { near, far, port } = await b.pair();
    assert.deepEqual(near.wire.remote, port.at);
    assert.deepEqual(far.wire.local, port.at);
    assert.deepEqual(far.wire.remote, near.wire.local);
    assert.ok(near.wire.local.port > 0);
  },

  'bytes sent before open are kept': async (b) => {
    const port = await b.listening();
    const near = b.dial(port.at, (side) => {
      side.wire.send(ascii('early '));
      side.wire.send(ascii('bird'));
      side.wire.close();
    });
    await b.world.until(() => port.taken[0]?.events.includes('end') === true, 'the far side has read to the end');
    assert.equal(port.taken[0]?.head, 'early bird');
    assert.equal(near.reason, null, 'the other half is still open');
  },

  'after a half-close the other half goes on': async (b) => {
    const { near, far } = await b.pair();
    const answer = pattern(300 * KIB, 5);
    far.onEnd = () => {
      far.wire.send(answer);
      far.wire.close();
    };
    b.world.act('near', () => {
      near.wire.send(ascii('question'));
      near.wire.close();
    });
    await b.world.until(() => near.reason !== null && far.reason !== null, 'both sides are told closed');
    assert.equal(far.head, 'question');
    assert.equal(near.digest.digest('hex'), createHash('sha256').update(answer).digest('hex'));
    assert.deepEqual([near.code, far.code], ['ended', 'ended']);
  },

  'after an abort the other side sees a reset': async (b) => {
    const { near, far } = await greeted(b);
    b.world.act('near', () => {
      near.wire.send(pattern(10 * KIB, 3));
      near.wire.abort();
      assert.equal(near.reason, null, 'closed comes in a later step');
      assert.equal(near.wire.send(ascii('lost')), true);
      near.wire.abort();
    });
    await b.world.until(() => near.reason !== null && far.reason !== null, 'both sides are told closed');
    assert.deepEqual([near.code, far.code], ['aborted', 'reset']);
  },

  'an abort overtakes a close that still has bytes to send': async (b) => {
    const { near, far } = await greeted(b);
    b.world.act('far', () => far.wire.pause());
    b.world.act('near', () => {
      for (let i = 0; i < 64; i++) near.wire.send(new Uint8Array(MIB));
      near.wire.close();
    });
    b.world.act('near', () => near.wire.abort());
    b.world.act('far', () => far.wire.resume());
    await b.world.until(() => near.reason !== null && far.reason !== null, 'both sides are told closed');
    assert.deepEqual([near.code, far.code], ['aborted', 'reset']);
    assert.ok(far.bytesReceived < 64 * MIB);
  },

  'an abort right behind a close is told as well': async (b) => {
    const { near } = await greeted(b);
    b.world.act('near', () => {
      near.wire.send(ascii('bye'));
      near.wire.close();
    });
    b.world.act('near', () => near.wire.abort());
    await b.world.until(() => near.reason !== null, 'the near side is told closed');
    assert.equal(near.code, 'aborted');
  },

  'an abort before open is an aborted dial': async (b) => {
    const port = await b.listening();
    const near = b.dial(port.at, (side) => side.wire.abort());
    await b.world.until(() => near.reason !== null, 'the dial is over');
    assert.deepEqual(near.events, ['closed']);
    assert.equal(near.code, 'aborted');
  },

  'where nothing listens a dial is refused, and says where': async (b) => {
    const port = await b.listening();
    b.world.act('far', () => port.listener?.close());
    const near = b.dial(port.at);
    await b.world.until(() => near.reason !== null, 'the dial is over');
    assert.deepEqual(near.events, ['closed']);
    assert.equal(near.code, 'refused');
    assert.match(near.reason?.kind === 'failed' ? near.reason.error.message : '', new RegExp(String(port.at.port)));
  },

  'a host that is not there is unreachable': async (b) => {
    const near = b.dial({ host: `${'no-such-host'.repeat(6)}.invalid`, port: 9 });
    await b.world.until(() => near.reason !== null, 'the dial is over');
    assert.deepEqual(near.events, ['closed']);
    assert.equal(near.code, 'unreachable');
  },

  'what is no address is unreachable': async (b) => {
    const sides = [0, 65_536, 1.5].map((port) => b.dial({ host: b.world.host, port }));
    sides.push(b.dial({ host: '', port: 80 }), b.dial({ host: 'x'.repeat(300), port: 80 }));
    await b.world.until(() => sides.every(({ reason }) => reason !== null), 'the dials are over');
    assert.deepEqual(new Set(sides.map(({ code, events }) => `${code} ${events.join()}`)), new Set(['unreachable closed']));
  },

  'a port in use is named': async (b) => {
    const first = await b.listening();
    const second = b.listen(first.at.port);
    await b.world.until(() => second.failure !== null, 'the second listener fails');
    assert.equal(second.failure, 'in-use');
    assert.match(second.failureMessage, new RegExp(`Port ${first.at.port} .*in use`));
    b.world.act('far', () => first.listener?.close());
    const third = b.listen(first.at.port);
    await b.world.until(() => third.address !== null || third.failure !== null, 'the port is free again');
    assert.equal(third.failure, null);
  },

  'a listener that closes leaves its connections alone': async (b) => {
    const { near, far, port } = await b.pair();
    b.world.act('far', () => port.listener?.close());
    b.world.act('near', () => near.wire.send(ascii('still here')));
    await b.world.until(() => far.head === 'still here', 'the bytes came');
  },

  'a connection that its listener refuses is reset': async (b) => {
    const port = await b.listening();
    port.welcome = () => false;
    const near = b.dial(port.at);
    await b.world.until(() => near.reason !== null, 'the connection is over');
    assert.equal(near.code, 'reset');
  },

  'what is sent after close is dropped, and closed is told once': async (b) => {
    const { near, far, port } = await b.pair();
    b.world.act('near', () => {
      near.wire.send(ascii('before'));
      near.wire.close();
      near.wire.send(ascii('after'));
      near.wire.close();
    });
    await b.world.until(() => far.events.includes('end'), 'the far side has read to the end');
    b.world.act('far', () => far.wire.close());
    await b.world.until(() => near.reason !== null && far.reason !== null, 'both sides are told closed');
    b.world.act('near', () => {
      near.wire.send(ascii('late'));
      near.wire.abort();
    });
    // A whole other connection's life: time for anything that still came. `Side` complains about a second closed.
    const other = await b.pair(port);
    await closeBoth(b, other.near, other.far);
    assert.equal(far.head, 'before');
    assert.deepEqual([near.code, far.code], ['ended', 'ended']);
  },

  'a peer whose process dies is noticed': async (b) => {
    const { near } = await b.pair();
    b.world.killFar();
    await b.world.until(() => near.reason !== null, 'the near side is told');
    assert.equal(near.code, 'reset');
  },

  'two hundred connections live side by side': async (b) => {
    const port = await b.listening();
    port.welcome = (side) => {
      side.onBytes = (chunk) => side.wire.send(chunk.slice());
      side.onEnd = () => side.wire.close();
      return true;
    };
    const message = (i: number): string => `I am number ${i}. `.repeat(50);
    const sides = Array.from({ length: 200 }, (_, i) =>
      b.dial(port.at, (side) => {
        side.wire.send(ascii(message(i)));
        side.wire.close();
      }),
    );
    await b.world.until(() => sides.every(({ reason }) => reason !== null), 'all are closed');
    sides.forEach((side, i) => {
      assert.equal(side.head, message(i));
      assert.equal(side.code, 'ended');
    });
    assert.equal(new Set(sides.map(({ wire }) => wire.id)).size, 200);
  },
};
