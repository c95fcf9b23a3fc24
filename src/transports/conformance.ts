/** What every stream transport must do, as one suite: TCP, TCP secured, memory. A test calls `transportConformance`. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { Address, CloseReason, Connection, ConnectionHandler, Listener, Security, Transport } from './transport.ts';

/** Two processes with a transport each, and a way to let time pass that suits them. */
export interface ConformanceWorld {
  readonly near: Transport;
  readonly far: Transport;
  /** Where `far` listens and `near` finds it. */
  readonly host: string;
  /** Runs something in a step of that process. */
  act(side: 'near' | 'far', run: () => void): void;
  /** Whether one of the processes is in a step: callbacks come in steps only. */
  stepping(): boolean;
  /** Lets things happen until the condition holds; fails with `what` when it cannot any more. */
  until(condition: () => boolean, what: string): Promise<void>;
  /** The far process dies; its system answers for it. */
  killFar(): void;
  close(): Promise<void>;
}

export interface ConformanceSetup {
  create(): ConformanceWorld;
  /** Of every connection of the suite. */
  readonly security?: Security;
  /** Whether lent bytes are overwritten when the call is over. */
  readonly poisons: boolean;
}

const CASE_TIMEOUT_MS = 20_000;
const DIAL_TIMEOUT_MS = 20_000;
const KIB = 1_024;
const MIB = 1_048_576;

/** Bytes that differ from place to place, so that an exchange or a loss is seen. */
const pattern = (length: number, seed: number): Uint8Array => {
  const bytes = new Uint8Array(length);
  let x = seed | 1;
  for (let i = 0; i < length; i++) {
    x = (Math.imul(x, 1_103_515_245) + 12_345) | 0;
    bytes[i] = x >>> 16;
  }
  return bytes;
};

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const ascii = (words: string): Uint8Array => new Uint8Array(Buffer.from(words, 'latin1'));

/** A side of a connection that remembers what it was told, and complains about a wrong order. */
class Side implements ConnectionHandler {
  readonly #world: ConformanceWorld;
  connection: Connection | null = null;
  readonly events: string[] = [];
  readonly digest = createHash('sha256');
  head = '';
  bytesReceived = 0;
  drains = 0;
  reason: CloseReason | null = null;
  onBytes: (chunk: Uint8Array) => void = () => {};
  onDrain: () => void = () => {};
  onOpen: () => void = () => {};
  onEnd: () => void = () => {};

  constructor(world: ConformanceWorld) {
    this.#world = world;
  }

  get wire(): Connection {
    assert.ok(this.connection !== null);
    return this.connection;
  }

  open(): void {
    this.#told('open');
    assert.equal(this.events.length, 1, 'open comes first and once');
    this.onOpen();
  }

  bytes(chunk: Uint8Array): void {
    if (this.events.at(-1) !== 'bytes') this.#told('bytes');
    assert.ok(this.events.includes('open') && !this.events.includes('end'), 'bytes come between open and end');
    assert.ok(chunk.length > 0);
    this.bytesReceived += chunk.length;
    this.digest.update(chunk);
    if (this.head.length < 64 * KIB) this.head += text(chunk);
    this.onBytes(chunk);
  }

  drain(): void {
    this.#told('drain');
    this.drains++;
    this.onDrain();
  }

  end(): void {
    assert.ok(!this.events.includes('end'), 'end comes once');
    this.#told('end');
    this.onEnd();
  }

  closed(reason: CloseReason): void {
    this.#told('closed');
    this.reason = reason;
  }

  get code(): string | undefined {
    return this.reason?.kind === 'failed' ? this.reason.error.code : this.reason?.kind;
  }

  #told(event: string): void {
    assert.ok(this.#world.stepping(), `${event} comes inside a step`);
    assert.ok(this.reason === null, `${event} after closed`);
    this.events.push(event);
  }
}

/** A listener on the far side and what it took. */
class Port {
  readonly taken: Side[] = [];
  readonly rejected: string[] = [];
  address: Address | null = null;
  failure: string | null = null;
  failureMessage = '';
  listener: Listener | null = null;
  /** Sees a side before its `open`; false refuses it. */
  welcome: (side: Side) => boolean = () => true;

  get at(): Address {
    assert.ok(this.address !== null);
    return this.address;
  }
}

interface Bench {
  readonly world: ConformanceWorld;
  listen(port?: number, security?: readonly Security[]): Port;
  /** A port that listens. */
  listening(): Promise<Port>;
  dial(address: Address, prepare?: (side: Side) => void, security?: Security | null): Side;
  /** A connection that stands on both sides. */
  pair(port?: Port): Promise<{ near: Side; far: Side; port: Port }>;
}

const bench = (world: ConformanceWorld, setup: ConformanceSetup): Bench => {
  const own = setup.security;
  const listen = (port = 0, security = own === undefined ? undefined : [own]): Port => {
    const opened = new Port();
    world.act('far', () => {
      opened.listener = world.far.listen({ host: world.host, port }, security === undefined ? {} : { security }, {
        listening: (address) => {
          assert.ok(world.stepping());
          opened.address = address;
        },
        connection: (connection) => {
          const side = new Side(world);
          side.connection = connection;
          if (!opened.welcome(side)) return null;
          opened.taken.push(side);
          return side;
        },
        rejected: (error) => opened.rejected.push(error.code),
        failed: (error) => {
          opened.failure = error.code;
          opened.failureMessage = error.message;
        },
      });
      assert.equal(opened.address, null, 'listening comes in a later step');
    });
    return opened;
  };
  const listening = async (): Promise<Port> => {
    const port = listen();
    await world.until(() => port.address !== null, 'the port listens');
    return port;
  };
  const dial = (address: Address, prepare: (side: Side) => void = () => {}, security: Security | null = own ?? null): Side => {
    const side = new Side(world);
    world.act('near', () => {
      side.connection = world.near.dial(address, { timeoutMs: DIAL_TIMEOUT_MS, ...(security === null ? {} : { security }) }, side);
      assert.deepEqual(side.events, [], 'nothing is told from inside dial');
      prepare(side);
    });
    return side;
  };
  const pair = async (given?: Port): Promise<{ near: Side; far: Side; port: Port }> => {
    const port = given ?? (await listening());
    const before = port.taken.length;
    const near = dial(port.at);
    await world.until(() => port.taken.length > before && near.events.length > 0, 'the connection stands');
    return { near, far: port.taken[before] as Side, port };
  };
  return { world, listen, listening, dial, pair };
};

/** Every case, under the transport's name. */
export const transportConformance = (name: string, setup: ConformanceSetup): void => {
  const cases: Record<string, (bench: Bench) => Promise<void>> = { ...lifecycle, ...flow, ...(setup.poisons ? lending : {}) };
  for (const [title, run] of Object.entries({ ...cases, ...(setup.security === undefined ? {} : security(setup.security)) })) {
    test(`${name}: ${title}`, { timeout: CASE_TIMEOUT_MS }, async () => {
      const world = setup.create();
      try {
        await run(bench(world, setup));
      } finally {
        await world.close();
      }
    });
  }
};

type Cases = Record<string, (bench: Bench) => Promise<void>>;

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

const lifecycle: Cases = {
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
    const near = b.dial({ host: 'no-such-host.invalid', port: 9 });
    await b.world.until(() => near.reason !== null, 'the dial is over');
    assert.deepEqual(near.events, ['closed']);
    assert.equal(near.code, 'unreachable');
  },

  'a port in use is named': async (b) => {
    const first = await b.listening();
    const second = b.listen(first.at.port);
    await b.world.until(() => second.failure !== null, 'the second listener fails');
    assert.equal(second.failure, 'in-use');
    assert.match(second.failureMessage, new RegExp(`Port ${first.at.port} .*in use`));
    b.world.act('far', () => first.listener?.close());
    await b.world.until(() => true, '');
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

const flow: Cases = {
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

const lending: Cases = {
  'bytes are lent: what a handler keeps of them is overwritten': async (b) => {
    const { near, far } = await b.pair();
    const kept: Uint8Array[] = [];
    far.onBytes = (chunk) => kept.push(chunk);
    b.world.act('near', () => near.wire.send(new Uint8Array(1_000).fill(7)));
    await b.world.until(() => far.bytesReceived === 1_000, 'the bytes came');
    assert.ok(kept.every((chunk) => !chunk.includes(7)));
  },
};

const security = (own: Security): Cases => {
  const fails = async (b: Bench, port: Port, dialled: Security | null): Promise<void> => {
    await b.world.until(() => port.address !== null, 'the port listens');
    const near = b.dial(port.at, (side) => side.wire.send(ascii('hello, is it me you are looking for?')), dialled);
    await b.world.until(() => near.reason !== null, 'the dial is over');
    assert.equal(near.code, 'security');
    assert.match(near.reason?.kind === 'failed' ? near.reason.error.message : '', /\d+ .*(key|secured)/);
    assert.equal(port.taken.length, 0, 'the listener saw no connection');
  };
  const other: Security = { identity: 'other', key: new Uint8Array(32).fill(9) };
  return {
    'a wrong key does not get in': async (b) => {
      const port = b.listen();
      await fails(b, port, { identity: own.identity, key: other.key });
      await b.world.until(() => port.rejected.length > 0, 'the listener hears of it');
      assert.deepEqual(port.rejected, ['security']);
    },
    'an unknown identity does not get in': async (b) => fails(b, b.listen(), { ...own, identity: 'stranger' }),
    'a plain dialler does not get in': async (b) => fails(b, b.listen(), null),
    'the identity picks the key': async (b) => {
      const port = b.listen(0, [other, own]);
      await b.world.until(() => port.address !== null, 'the port listens');
      const sides = [b.dial(port.at), b.dial(port.at, () => {}, other)];
      await b.world.until(() => sides.every((side) => side.events.includes('open')), 'both stand');
    },
  };
};
