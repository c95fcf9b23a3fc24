import { createHook } from 'node:async_hooks';
import { DatabaseSync } from 'node:sqlite';
import { builtin, functionsOf, Patches } from './patches.ts';
import type { World } from './world.ts';

/** A run reached for the real world: it would not be the same again. */
export class TripwireError extends Error {
  override readonly name = 'TripwireError';

  constructor(call: string) {
    super(`A simulated run called ${call}: time, randomness, sockets and files come from its ports`);
  }
}

export interface Tripwires {
  /** What was called, in order; also where the program caught the error. The first hundred. */
  readonly trips: readonly string[];
  /** Gives the real functions back. */
  remove(): void;
}

const TRIPS_MAX = 100;

/** Of these modules, every function is a way out of the simulation. */
const WHOLE_MODULES = [
  'node:fs',
  'node:fs/promises',
  'node:child_process',
  'node:dns',
  'node:dns/promises',
  'node:timers',
  'node:timers/promises',
];

const SOME_FUNCTIONS: { readonly [module: string]: readonly string[] } = {
  'node:net': ['connect', 'createConnection', 'createServer'],
  'node:tls': ['connect', 'createServer'],
  'node:dgram': ['createSocket'],
  'node:http': ['request', 'get', 'createServer'],
  'node:https': ['request', 'get', 'createServer'],
  'node:http2': ['connect', 'createServer', 'createSecureServer'],
  'node:crypto': [
    'randomBytes',
    'pseudoRandomBytes',
    'randomFill',
    'randomFillSync',
    'randomInt',
    'randomUUID',
    'generateKey',
    'generateKeySync',
    'generateKeyPair',
    'generateKeyPairSync',
    'argon2',
    'scrypt',
    'pbkdf2',
  ],
  'node:os': ['uptime', 'loadavg'],
  'node:worker_threads': ['Worker'],
};

const GLOBALS = ['setTimeout', 'setInterval', 'setImmediate', 'fetch', 'WebSocket', 'EventSource'];

/** Functions of built-in objects that read the machine's clocks, or wait by them. */
const CLOCKS: readonly (readonly [name: string, target: object, keys: readonly string[]])[] = [
  ['process', process, ['uptime', 'cpuUsage', 'threadCpuUsage', 'resourceUsage', 'memoryUsage']],
  ['performance', performance, ['mark', 'measure', 'toJSON', 'eventLoopUtilization']],
  ['Atomics', Atomics, ['wait', 'waitAsync']],
];

let installed = false;

/**
 * Cuts a run off from the real world, in the whole process, until it is removed: what reads the time reads the world's
 * (and fails outside an event of it), `Math.random` is a stream of the seed (XState calls both), and real timers,
 * randomness, sockets, files, threads and processes throw. Import what a run needs before.
 */
export const installTripwires = (world: World): Tripwires => {
  if (installed) throw new Error('One run at a time has tripwires');
  // Made when first used, from functions that must be the real ones.
  void [process.stdout, process.stderr];
  const trips: string[] = [];
  const patches = new Patches();
  let active = true;

  const trip = (call: string): never => {
    if (trips.length < TRIPS_MAX) trips.push(call);
    throw new TripwireError(call);
  };
  /** Trips while the run lasts. Whoever kept it longer (Node's own modules do) gets the real function. */
  const cut = (target: object, key: string, call: string): void => {
    const real: unknown = Reflect.get(target, key);
    if (typeof real !== 'function') return;
    const wire = function (this: unknown, ...args: unknown[]): unknown {
      if (active) return trip(call);
      return new.target === undefined ? Reflect.apply(real, this, args) : Reflect.construct(real, args, new.target);
    };
    patches.set(target, key, wire);
  };
  const cutGetter = (target: object, key: string, call: string): void => {
    const real = Object.getOwnPropertyDescriptor(target, key)?.get;
    if (real === undefined) return;
    patches.setGetter(target, key, function () {
      return active ? trip(call) : Reflect.apply(real, this, []);
    });
  };
  const virtual = <T>(call: string, value: () => T): T => (world.entered ? value() : trip(`${call} outside an event`));

  for (const name of WHOLE_MODULES) for (const key of functionsOf(builtin(name))) cut(builtin(name), key, `${name} ${key}`);
  for (const [name, keys] of Object.entries(SOME_FUNCTIONS)) for (const key of keys) cut(builtin(name), key, `${name} ${key}`);
  for (const name of ['node:net', 'node:dgram']) cutPrototypes(name, cut);
  for (const key of GLOBALS) cut(globalThis, key, key);
  for (const [name, target, keys] of CLOCKS) for (const key of keys) cut(target, key, `${name}.${key}`);
  cutGetter(Object.getPrototypeOf(performance) as object, 'timeOrigin', 'performance.timeOrigin');
  cutGetter(Event.prototype, 'timeStamp', 'Event.timeStamp');
  cutFormats(patches, (call) => void (active && trip(call)));
  // Some draw random numbers; all of them answer from other threads, whenever those are done.
  const subtle = Object.getPrototypeOf(globalThis.crypto.subtle) as Record<string, unknown>;
  for (const key of functionsOf(subtle)) if (key !== 'constructor') cut(subtle, key, `crypto.subtle.${key}`);
  cut(globalThis.crypto, 'getRandomValues', 'crypto.getRandomValues');
  cut(globalThis.crypto, 'randomUUID', 'crypto.randomUUID');
  cut(AbortSignal, 'timeout', 'AbortSignal.timeout');
  cutDatabaseFiles(patches, trip);
  bendTime(patches, world, virtual);
  cutEnvironment(patches, (call) => void (active && world.entered && trip(call)));
  const random = world.random.fork('Math.random');
  patches.set(Math, 'random', () => random.u32('draw') / 0x1_0000_0000);
  patches.apply();
  installed = true;
  // Promises, micro-tasks and ticks go on when the world has no say: after the run, or between its events. They cannot be
  // made to throw, so they are only noted; `await` makes them without calling anything that could be replaced.
  const later = createHook({
    init: (_id, type) => {
      if (world.entered && trips.length < TRIPS_MAX) trips.push(LATER[type] ?? `something asynchronous (${type})`);
    },
  }).enable();

  return {
    trips,
    remove: () => {
      if (!active) return;
      active = false;
      installed = false;
      later.disable();
      patches.remove();
    },
  };
};

/** What async_hooks calls the ways in which a program goes on later. */
const LATER: Readonly<Record<string, string>> = { PROMISE: 'a promise', TickObject: 'process.nextTick', Microtask: 'queueMicrotask' };

/** Sockets that were made before are cut off as well. */
const cutPrototypes = (name: string, cut: (target: object, key: string, call: string) => void): void => {
  const { Socket, Server } = builtin(name) as { Socket: { prototype: object }; Server?: { prototype: object } };
  for (const key of ['connect', 'bind', 'send'])
    if (Object.hasOwn(Socket.prototype, key)) cut(Socket.prototype, key, `${name} Socket.${key}`);
  if (Server !== undefined) cut(Server.prototype, 'listen', `${name} Server.listen`);
};

/** A date that is not given is the machine's now. */
const cutFormats = (patches: Patches, trip: (call: string) => void): void => {
  const { prototype } = Intl.DateTimeFormat;
  const format = Object.getOwnPropertyDescriptor(prototype, 'format')?.get;
  if (format !== undefined)
    patches.setGetter(prototype, 'format', function () {
      const real = Reflect.apply(format, this, []) as (date?: Date | number) => string;
      return (date?: Date | number): string => {
        if (date === undefined) trip('Intl.DateTimeFormat.format without a date');
        return real(date);
      };
    });
  const parts: unknown = Reflect.get(prototype, 'formatToParts');
  patches.set(prototype, 'formatToParts', function (this: unknown, date?: Date | number): unknown {
    if (date === undefined) trip('Intl.DateTimeFormat.formatToParts without a date');
    return Reflect.apply(parts as () => unknown, this, [date]);
  });
};

/** What is in the environment differs from machine to machine. */
const cutEnvironment = (patches: Patches, trip: (call: string) => void): void => {
  const asked =
    <A extends readonly unknown[], R>(real: (target: NodeJS.ProcessEnv, ...rest: A) => R) =>
    (target: NodeJS.ProcessEnv, ...rest: A): R => {
      trip('process.env');
      return real(target, ...rest);
    };
  const env = new Proxy(process.env, {
    get: asked((target, key: string | symbol) => Reflect.get(target, key) as unknown),
    has: asked((target, key: string | symbol) => Reflect.has(target, key)),
    ownKeys: asked((target) => Reflect.ownKeys(target)),
  });
  patches.set(process, 'env', env);
};

/**
 * A database in memory is a calculation; one in a file is not. Its methods are cut, not its constructor, for importers
 * are bound to that for good.
 */
const cutDatabaseFiles = (patches: Patches, trip: (call: string) => never): void => {
  const inMemory = new WeakSet<DatabaseSync>();
  const { prototype } = DatabaseSync;
  for (const key of ['exec', 'prepare'] as const) {
    const real: (sql: string) => unknown = prototype[key];
    patches.set(prototype, key, function (this: DatabaseSync, sql: string): unknown {
      if (!inMemory.has(this)) {
        if (this.location() !== null) return trip('node:sqlite with a file');
        inMemory.add(this);
      }
      return real.call(this, sql);
    });
  }
};

type Virtual = <T>(call: string, value: () => T) => T;

const bendTime = (patches: Patches, world: World, virtual: Virtual): void => {
  const RealDate = Date;
  patches.set(RealDate, 'now', () => virtual('Date.now', () => world.wallNow()));
  patches.set(
    globalThis,
    'Date',
    new Proxy(RealDate, {
      construct: (real, args, newTarget) =>
        Reflect.construct(real, args.length > 0 ? args : [virtual('new Date', () => world.wallNow())], newTarget) as Date,
      apply: (real) => new real(virtual('Date', () => world.wallNow())).toString(),
    }),
  );
  patches.set(performance, 'now', () => virtual('performance.now', () => world.now() / 1_000));
  const hrtime = (before: readonly [number, number] = [0, 0]): [number, number] => {
    const nanos = virtual('process.hrtime', () => world.now()) * 1_000 - (before[0] * 1e9 + before[1]);
    return [Math.floor(nanos / 1e9), nanos % 1e9];
  };
  patches.set(
    process,
    'hrtime',
    Object.assign(hrtime, { bigint: () => BigInt(virtual('process.hrtime.bigint', () => world.now())) * 1_000n }),
  );
};

/**
 * Runs `body`, which runs the world, between tripwires. Answers with what it answers.
 * @throws TripwireError where the run called for the real world, even if it caught the error itself
 */
export const betweenTripwires = <T>(world: World, body: () => T): T => {
  const wires = installTripwires(world);
  try {
    const answer = body();
    const [first] = wires.trips;
    if (first !== undefined) throw new TripwireError(first);
    return answer;
  } finally {
    wires.remove();
  }
};
