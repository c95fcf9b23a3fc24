import { Reactor } from '../../src/bus/reactor.ts';
import type { Database, TransactionMap, Transactions } from '../../src/ports/database.ts';
import type { Micros } from '../../src/ports/clock.ts';
import type { FrameTap } from '../../src/ports/frame-tap.ts';
import type { Ports } from '../../src/ports/ports.ts';
import { utc, type Zone } from '../../src/ports/zone.ts';
import { below, type Random } from '../../src/ports/random.ts';
import { openSqlMemory, type SqlSession } from '../../src/system/sql-session.ts';
import type { MemoryDatagrams } from '../../src/transports/memory/datagrams.ts';
import type { MemoryTransport } from '../../src/transports/memory/transport.ts';
import { type ClockQuality, MachineClock, SimulatedClock } from './clock.ts';
import { type CryptoQuality, SimulatedCrypto, usualCrypto } from './crypto.ts';
import { type DatabaseFault, SimulatedDatabase } from './database.ts';
import { type DiskFault, type DiskQuality, SimulatedDisk, solidState } from './disk.ts';
import { DiskStore } from './disk-store.ts';
import { Gate } from './gate.ts';
import { Outbox } from './outbox.ts';
import { SimulatedPrograms, type ProgramStarted } from './programs.ts';
import type { World } from './world.ts';

export interface ProcessOptions {
  /** The address of the host that it runs on; made if there is none. Default: a host of its own, 10.0.x.y. */
  readonly host?: string;
  readonly clock?: ClockQuality;
  readonly disk?: Partial<DiskQuality>;
  /** Of the disk; may be changed later (`process.disk.capacityBytes`). Default: no end. */
  readonly capacityBytes?: number;
  readonly crypto?: Partial<CryptoQuality>;
  /** Where its users live. Default: UTC. */
  readonly zone?: Zone;
}

/** The monotonic clocks of two machines have nothing to do with each other. */
const CLOCK_OFFSET_MAX_MICROS = 2 ** 31;

/** A program's place in a world: what survives its crashes. */
export class SimulatedProcess {
  readonly name: string;
  /** In the order of making. */
  readonly number: number;
  readonly host: string;
  readonly disk: DiskStore;
  /** Faults to inject; null lets an operation be. */
  diskFault: DiskFault = () => null;
  databaseFault: DatabaseFault = () => null;
  /** How much slower than usual its disk and its ledger are. */
  readonly diskPace = { factor: 1 };
  readonly ledgerPace = { factor: 1 };
  /** What each step of it takes. */
  stepMicros: Micros = 0;
  /** The clocks of its machine. */
  readonly clock: MachineClock;
  readonly world: World;
  readonly options: ProcessOptions;
  readonly random: Random;
  /** What it has started, and what becomes of that; each ends well unless a test says otherwise. */
  readonly programs: ProgramStarted[] = [];
  programEnd: (started: ProgramStarted) => number | null = () => 0;
  readonly #databases = new Map<string, SqlSession>();
  #incarnation: Incarnation | null = null;
  #starts = 0;

  constructor(world: World, name: string, number: number, host: string, options: ProcessOptions) {
    this.world = world;
    this.name = name;
    this.number = number;
    this.host = host;
    this.options = options;
    this.random = world.random.fork(`process ${name}`);
    this.clock = new MachineClock(world, options.clock ?? {});
    this.disk = new DiskStore(() => world.wallNow());
    if (options.capacityBytes !== undefined) this.disk.capacityBytes = options.capacityBytes;
  }

  /** The incarnation that runs, if one does. */
  get incarnation(): Incarnation | null {
    return this.#incarnation;
  }

  /** A new incarnation with ports of its own. `body` composes the program on them, in its first step. */
  start(body: (incarnation: Incarnation) => void = () => {}): Incarnation {
    if (this.#incarnation !== null) throw new Error(`${this.name} runs already`);
    const incarnation = new Incarnation(this, ++this.#starts);
    this.#incarnation = incarnation;
    for (const hook of this.world.hooks.started) hook(this.name, this.#starts);
    incarnation.step(() => body(incarnation));
    return incarnation;
  }

  /**
   * SIGKILL: what was written stays, for the system lives on, and peers see its connections reset. Of what was asked of
   * disk and ledger and not answered, the first few still happen; `random` says how many. Idempotent.
   */
  kill(random: Random = this.#crashRandom(), how: 'kill' | 'forget' | 'ended' = 'kill'): void {
    this.#drop('reset', random, how);
  }

  /**
   * The machine loses its power, whether the process runs or not: what was not synced is lost, and peers hear nothing. With `torn`, each page and name
   * that was not synced is lost or not at random.
   */
  cutPower(options: { readonly torn?: boolean; readonly random?: Random } = {}): void {
    const random = options.random ?? this.#crashRandom();
    this.#drop('silence', random, 'power');
    const survives = options.torn === true ? () => below(random, 'survives a power cut', 2) === 1 : () => false;
    this.disk.losePower(survives);
  }

  /** SIGSTOP: what arrives waits, timers too. The answer is SIGCONT. Stops may overlap; whoever starts anew is not stopped. */
  stop(): () => void {
    const gate = this.#incarnation?.gate;
    const cause = {};
    gate?.shut(cause);
    return () => gate?.reopen(cause);
  }

  /** From now on its monotonic clock goes at this rate: local seconds per second of the world. */
  setClockRate(rate: number): void {
    this.clock.setRate(rate);
    this.#incarnation?.rebaseTimers();
  }

  /** The database of that name, made when first asked for. */
  session(name: string): SqlSession {
    let session = this.#databases.get(name);
    if (session === undefined) {
      session = openSqlMemory(`${this.name}/${name}`);
      this.#databases.set(name, session);
    }
    return session;
  }

  /** The database of that name is gone, as by `rm`. The process must not run. */
  dropSession(name: string): void {
    this.#databases.get(name)?.close();
    this.#databases.delete(name);
  }

  #crashRandom(): Random {
    return this.random.fork(`crash of incarnation ${this.#starts}`);
  }

  #drop(loss: 'reset' | 'silence', random: Random, how: 'kill' | 'power' | 'forget' | 'ended'): void {
    const incarnation = this.#incarnation;
    // What is not running can lose its state all the same, and who watches must know.
    if (incarnation === null && how !== 'forget') return;
    this.#incarnation = null;
    incarnation?.drop(loss, random);
    for (const hook of this.world.hooks.stopped) hook(this.name, how);
  }
}

/** A programmer's mistake that ended a process, and with it the run. */
export class ProcessFault extends Error {
  override readonly name = 'ProcessFault';

  constructor(process: string, at: Micros, error: unknown) {
    const what = error instanceof Error ? error.message : String(error);
    super(`${process} failed after ${(at / 1_000_000).toFixed(6)} s: ${what}`, { cause: error });
  }
}

/** One run of a program, from a start to a crash: a reactor and its ports. */
export class Incarnation {
  readonly process: SimulatedProcess;
  readonly reactor: Reactor;
  readonly ports: Ports;
  readonly gate: Gate;
  readonly #outboxes: { readonly port: string; readonly outbox: Outbox }[] = [];
  readonly #number: number;
  readonly #clock: SimulatedClock;
  readonly #transport: MemoryTransport;
  readonly #datagrams: MemoryDatagrams;
  #alive = true;
  /** Steps until it is told, and whom. */
  #countdown: { steps: number; readonly done: () => void }[] = [];

  constructor(process: SimulatedProcess, number: number) {
    const { world, options } = process;
    const { hooks } = world;
    this.process = process;
    this.#number = number;
    const random = process.random.fork(`incarnation ${number}`);
    const offset = below(random, 'clock offset', CLOCK_OFFSET_MAX_MICROS);
    this.reactor = new Reactor(
      () => offset + Math.floor(process.clock.now()),
      (error) => {
        if (world.observerThrew(error)) throw error;
        throw new ProcessFault(process.name, world.now(), error);
      },
    );
    this.reactor.taps.on('cause', (cause) => world.traceStep(process.number, cause));
    this.gate = new Gate(world);
    this.#clock = new SimulatedClock(world, this.reactor, process.clock, this.gate);
    this.#transport = world.network.transport(process.host, this.reactor, this.gate);
    this.#datagrams = world.network.datagrams(process.host, this.reactor, this.gate);
    this.#observe();
    this.ports = {
      clock: this.#clock,
      random: random.fork('decisions'),
      transport: this.#transport,
      datagrams: this.#datagrams,
      disk: new SimulatedDisk(
        process.disk,
        this.#outbox('disk'),
        { ...solidState, ...options.disk },
        (operation, path) => process.diskFault(operation, path),
        process.diskPace,
        hooks.written.length === 0 ? null : (path, bytes) => tellAll(hooks.written, process.name, path, bytes),
      ),
      crypto: new SimulatedCrypto(this.#outbox('crypto'), random.fork('secrets'), { ...usualCrypto, ...options.crypto }),
      log: world.log.of(process.name),
      programs: new SimulatedPrograms(process, new Outbox('programs', world, this.reactor, this)),
      zone: options.zone ?? utc,
      ...(hooks.sent.length + hooks.received.length === 0 ? {} : { frames: frameTap(world, process.name) }),
    };
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** How often the process was started, with this time. */
  get number(): number {
    return this.#number;
  }

  /** A database of the process: it survives the incarnation. */
  database<T extends TransactionMap>(name: string, transactions: Transactions<T>): Database<T> {
    const { process } = this;
    const { committed } = process.world.hooks;
    return new SimulatedDatabase(
      process.session(name),
      transactions,
      this.#outbox('database'),
      (transaction) => process.databaseFault(transaction),
      committed.length === 0 ? null : (transaction, args, result) => tellAll(committed, process.name, transaction, args, result),
      process.ledgerPace,
    );
  }

  /** Runs `body` as a step of the process: how a scenario, like a user, reaches into it. Of one that is stopped, when it goes on. */
  step(body: () => void): void {
    if (!this.#alive) throw new Error(`${this.process.name} does not run any more`);
    const step = (): void => {
      if (this.#alive) this.process.world.enter(() => this.reactor.step({ port: 'process', id: this.#number, kind: 'scenario' }, body));
    };
    this.gate.pass(step);
  }

  /** For `SimulatedProcess`: nothing of this incarnation is delivered any more. */
  drop(how: 'reset' | 'silence', random: Random): void {
    this.#alive = false;
    this.#countdown = [];
    this.#clock.drop();
    for (const { port, outbox } of this.#outboxes) outbox.crash(random, `${port} operations done at the crash`);
    this.#transport.crash(how);
    this.#datagrams.crash();
    this.gate.drop();
  }

  /** Calls `done` right after the step number `steps` from now on (1: the next one). The answer calls it off. */
  afterSteps(steps: number, done: () => void): () => void {
    const entry = { steps, done };
    this.#countdown.push(entry);
    return () => {
      this.#countdown = this.#countdown.filter((other) => other !== entry);
    };
  }

  rebaseTimers(): void {
    this.#clock.rebase();
  }

  /** Connections that it has and that have not ended. */
  get connections(): number {
    return this.#transport.connections;
  }

  /** Timers that it has set and that have not fired. */
  get timers(): number {
    return this.#clock.timers;
  }

  #observe(): void {
    const { process, reactor } = this;
    const { hooks } = process.world;
    if (hooks.transition.length > 0)
      reactor.taps.on('transition', ({ machine, from, event, to }) => tellAll(hooks.transition, process.name, machine, from, event, to));
    reactor.taps.on('stepped', () => {
      for (const hook of hooks.stepped) hook(process.name);
      if (process.stepMicros > 0) this.gate.busyFor(process.stepMicros);
      if (this.#countdown.length > 0) this.#count();
    });
  }

  #count(): void {
    for (const entry of this.#countdown) {
      if (--entry.steps > 0) continue;
      this.#countdown = this.#countdown.filter((other) => other !== entry);
      entry.done();
    }
  }

  #outbox(port: 'disk' | 'crypto' | 'database'): Outbox {
    const outbox = new Outbox(port, this.process.world, this.reactor, this);
    this.#outboxes.push({ port, outbox });
    return outbox;
  }
}

const tellAll = <A extends readonly unknown[]>(hooks: readonly ((...args: A) => void)[], ...args: A): void => {
  for (const hook of hooks) hook(...args);
};

/** What the links of a process carry, told by the names of processes. */
const frameTap = (world: World, name: string): FrameTap => ({
  sent(remote, link, frame) {
    for (const hook of world.hooks.sent) hook(name, world.resident(remote.host), link, frame);
  },
  received(remote, link, frame) {
    for (const hook of world.hooks.received) hook(name, world.resident(remote.host), link, frame);
  },
});
