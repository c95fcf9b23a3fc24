import { Reactor } from '../../src/bus/reactor.ts';
import type { Database, TransactionMap, Transactions } from '../../src/ports/database.ts';
import type { Micros } from '../../src/ports/clock.ts';
import type { Ports } from '../../src/ports/ports.ts';
import { below, type Random } from '../../src/ports/random.ts';
import { openSqlMemory, type SqlSession } from '../../src/system/sql-session.ts';
import type { MemoryTransport } from '../../src/transports/memory/transport.ts';
import { type ClockQuality, SimulatedClock } from './clock.ts';
import { type CryptoQuality, SimulatedCrypto, usualCrypto } from './crypto.ts';
import { type DatabaseFault, SimulatedDatabase } from './database.ts';
import { type DiskFault, type DiskQuality, SimulatedDisk, solidState } from './disk.ts';
import { DiskStore } from './disk-store.ts';
import { Outbox } from './outbox.ts';
import type { World } from './world.ts';

export interface ProcessOptions {
  /** The address of the host that it runs on; made if there is none. Default: a host of its own, 10.0.x.y. */
  readonly host?: string;
  readonly clock?: ClockQuality;
  readonly disk?: Partial<DiskQuality>;
  /** Of the disk; may be changed later (`process.disk.capacityBytes`). Default: no end. */
  readonly capacityBytes?: number;
  readonly crypto?: Partial<CryptoQuality>;
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
  readonly world: World;
  readonly options: ProcessOptions;
  readonly random: Random;
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
    incarnation.step(() => body(incarnation));
    return incarnation;
  }

  /** SIGKILL: what was written stays, for the system lives on, and peers see its connections reset. Idempotent. */
  kill(): void {
    this.#drop('reset');
  }

  /**
   * The machine loses its power, whether the process runs or not: what was not synced is lost, and peers hear nothing. With `torn`, each page and name
   * that was not synced is lost or not at random.
   */
  cutPower(options: { readonly torn?: boolean } = {}): void {
    this.#drop('silence');
    const survives = options.torn === true ? () => below(this.random, 'survives a power cut', 2) === 1 : () => false;
    this.disk.losePower(survives);
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

  #drop(how: 'reset' | 'silence'): void {
    this.#incarnation?.drop(how);
    this.#incarnation = null;
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
  readonly #number: number;
  readonly #clock: SimulatedClock;
  readonly #transport: MemoryTransport;
  #alive = true;

  constructor(process: SimulatedProcess, number: number) {
    const { world, options } = process;
    this.process = process;
    this.#number = number;
    const random = process.random.fork(`incarnation ${number}`);
    const offset = below(random, 'clock offset', CLOCK_OFFSET_MAX_MICROS);
    const rate = options.clock?.rate ?? 1;
    this.reactor = new Reactor(
      () => offset + Math.floor(world.now() * rate),
      (error) => {
        throw new ProcessFault(process.name, world.now(), error);
      },
    );
    this.reactor.taps.on('cause', (cause) => world.traceStep(process.number, cause));
    this.#clock = new SimulatedClock(world, this.reactor, options.clock ?? {});
    this.#transport = world.network.transport(process.host, this.reactor);
    this.ports = {
      clock: this.#clock,
      random: random.fork('decisions'),
      transport: this.#transport,
      disk: new SimulatedDisk(process.disk, this.#outbox('disk'), { ...solidState, ...options.disk }, (operation, path) =>
        process.diskFault(operation, path),
      ),
      crypto: new SimulatedCrypto(this.#outbox('crypto'), random.fork('secrets'), { ...usualCrypto, ...options.crypto }),
      log: world.log.of(process.name),
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
    return new SimulatedDatabase(process.session(name), transactions, this.#outbox('database'), (transaction) =>
      process.databaseFault(transaction),
    );
  }

  /** Runs `body` as a step of the process: how a scenario, like a user, reaches into it. */
  step(body: () => void): void {
    if (!this.#alive) throw new Error(`${this.process.name} does not run any more`);
    this.process.world.enter(() => this.reactor.step({ port: 'process', id: this.#number, kind: 'scenario' }, body));
  }

  /** For `SimulatedProcess`: nothing of this incarnation is delivered any more. */
  drop(how: 'reset' | 'silence'): void {
    this.#alive = false;
    this.#clock.drop();
    this.#transport.crash(how);
  }

  #outbox(port: 'disk' | 'crypto' | 'database'): Outbox {
    return new Outbox(port, this.process.world, this.reactor, this);
  }
}
