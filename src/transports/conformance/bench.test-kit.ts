/** What the cases of the conformance suite work with. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Address, CloseReason, Connection, ConnectionHandler, Listener, Security, Transport } from '../transport.ts';

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

const DIAL_TIMEOUT_MS = 20_000;
export const KIB = 1_024;
export const MIB = 1_048_576;

/** Bytes that differ from place to place, so that an exchange or a loss is seen. */
export const pattern = (length: number, seed: number): Uint8Array => {
  const bytes = new Uint8Array(length);
  let x = seed | 1;
  for (let i = 0; i < length; i++) {
    x = (Math.imul(x, 1_103_515_245) + 12_345) | 0;
    bytes[i] = x >>> 16;
  }
  return bytes;
};

export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
export const ascii = (words: string): Uint8Array => new Uint8Array(Buffer.from(words, 'latin1'));

/** A side of a connection that remembers what it was told, and complains about a wrong order. */
export class Side implements ConnectionHandler {
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
export class Port {
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

export interface Bench {
  readonly world: ConformanceWorld;
  listen(port?: number, security?: readonly Security[]): Port;
  /** A port that listens. */
  listening(): Promise<Port>;
  dial(address: Address, prepare?: (side: Side) => void, security?: Security | null): Side;
  /** A connection that stands on both sides. */
  pair(port?: Port): Promise<{ near: Side; far: Side; port: Port }>;
}

export const bench = (world: ConformanceWorld, setup: ConformanceSetup): Bench => {
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

/** Cases by title. */
export type Cases = Record<string, (bench: Bench) => Promise<void>>;
