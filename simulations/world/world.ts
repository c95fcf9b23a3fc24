import type { Cause } from '../../src/bus/reactor.ts';
import type { Micros, Millis } from '../../src/ports/clock.ts';
import { createRandom } from '../../src/ports/counter-random.ts';
import { type Due, DueHeap } from '../../src/ports/due-heap.ts';
import type { Random } from '../../src/ports/random.ts';
import type { HostOptions } from '../../src/transports/memory/host.ts';
import { MemoryNetwork, type MemoryNetworkOptions } from '../../src/transports/memory/network.ts';
import type { Scheduler } from './clock.ts';
import { type Hooks, Observers } from './hooks.ts';
import { LogBook } from './log.ts';
import type { Observer } from './observer.ts';
import { type ProcessOptions, SimulatedProcess } from './process.ts';
import { TraceHash } from './trace.ts';

export interface WorldOptions {
  readonly seed: number | string;
  readonly network?: Omit<MemoryNetworkOptions, 'scheduler' | 'random'>;
  /** Wall time at the beginning. Default: 2026-01-01 UTC. */
  readonly wallStartMs?: Millis;
  /** Log lines that are kept. */
  readonly logLinesMax?: number;
}

export interface RunLimits {
  /** Virtual time to stop at. Default: when nothing is left to happen. */
  readonly until?: Micros;
  /** More events than this are a world that does not come to rest. */
  readonly eventsMax?: number;
}

/** What a run says of itself. */
export interface WorldReport {
  readonly seed: number | string;
  readonly events: number;
  readonly virtualMicros: Micros;
  /** The same for the same seed and program, in every process and on every machine. */
  readonly traceHash: string;
}

/** A world that goes on and on. */
export class Restless extends Error {
  override readonly name = 'Restless';
}

const EVENTS_MAX = 100_000_000;
const LOG_LINES_MAX = 10_000;
const HOSTS_PER_NET = 250;

/**
 * A simulated world: virtual time, processes, the network between them, and one seed that all chance comes from. What
 * happens next is what is due first, equal times in the order of asking; so a run is a function of seed and program.
 */
export class World implements Scheduler {
  readonly seed: number | string;
  readonly random: Random;
  readonly network: MemoryNetwork;
  readonly log: LogBook;
  /** Sees each step of each process (by its number), and the hash of the run up to there. Null: nobody looks. */
  watchSteps: ((process: number, cause: Cause, hash: () => string) => void) | null = null;
  readonly #heap = new DueHeap();
  readonly #trace = new TraceHash();
  readonly #processes = new Map<string, SimulatedProcess>();
  readonly #hosts = new Set<string>();
  /** The process on each host; of several, the first. */
  readonly #residents = new Map<string, string>();
  /** What `resident` has found out; asked at every frame. */
  readonly #namesOf = new Map<string, string>();
  readonly #observers = new Observers();
  readonly #wallStartMs: Millis;
  #now: Micros = 0;
  #events = 0;
  #entered = 0;

  constructor(options: WorldOptions) {
    this.seed = options.seed;
    this.random = createRandom(options.seed);
    this.#wallStartMs = options.wallStartMs ?? Date.UTC(2026, 0, 1);
    this.log = new LogBook(() => this.#now, options.logLinesMax ?? LOG_LINES_MAX, this.#observers.hooks.logged);
    this.network = new MemoryNetwork({ ...options.network, scheduler: this, random: this.random.fork('network') });
  }

  now(): Micros {
    return this.#now;
  }

  /** Virtual wall time, in whole milliseconds. */
  wallNow(): Millis {
    return this.#wallStartMs + Math.floor(this.#now / 1_000);
  }

  /** Whether something of the world happens at this moment: only then may a program ask for the time. */
  get entered(): boolean {
    return this.#entered > 0;
  }

  at(time: Micros, fire: () => void): Due {
    return this.#heap.add(Math.max(time, this.#now), fire);
  }

  cancel(due: Due): void {
    this.#heap.remove(due);
  }

  /** A machine of the network, for processes to share or to have a rate of its own. `address` such as 10.1.0.1. */
  addHost(address: string, options: HostOptions = {}): void {
    this.network.addHost(address, options);
    this.#hosts.add(address);
    this.#namesOf.clear();
  }

  /** The process of that name; made (with these options) when first asked for. */
  process(name: string, options: ProcessOptions = {}): SimulatedProcess {
    let process = this.#processes.get(name);
    if (process === undefined) {
      const number = this.#processes.size + 1;
      const host = options.host ?? `10.0.${Math.floor(number / HOSTS_PER_NET)}.${1 + (number % HOSTS_PER_NET)}`;
      if (!this.#hosts.has(host)) this.addHost(host);
      process = new SimulatedProcess(this, name, number, host, options);
      this.#processes.set(name, process);
      if (!this.#residents.has(host)) this.#residents.set(host, name);
      this.#namesOf.clear();
    }
    return process;
  }

  /** Shows this observer what happens from now on. A process shows only what was observed before it started. */
  observe(observer: Observer): void {
    this.#observers.add(observer);
  }

  /** Who is told of facts; for whoever brings them about. */
  get hooks(): Hooks {
    return this.#observers.hooks;
  }

  /** The name of the process on the host that has this address (or name); of the address itself where there is none. */
  resident(address: string): string {
    const known = this.#namesOf.get(address);
    if (known !== undefined) return known;
    const name = this.#residents.get(address) ?? this.#residents.get(this.network.nameOf(address) ?? '') ?? address;
    this.#namesOf.set(address, name);
    return name;
  }

  processes(): readonly SimulatedProcess[] {
    return [...this.#processes.values()];
  }

  /** Lets the world go on. With `until`, that is the time afterwards, whether something happened then or not. */
  run({ until = Number.POSITIVE_INFINITY, eventsMax = EVENTS_MAX }: RunLimits = {}): void {
    const last = this.#events + eventsMax;
    while (this.#next(until)) if (this.#events > last) throw new Restless(`The world did not come to rest within ${eventsMax} events`);
    if (Number.isFinite(until)) this.#now = Math.max(this.#now, until);
  }

  /** Lets the world go on for so long. */
  runFor(micros: Micros): void {
    this.run({ until: this.#now + micros });
  }

  /** Lets the world go on until `happened`, at most `timeout` from now, and says whether it did. Asked after each event. */
  runUntil(happened: () => boolean, timeout: Micros): boolean {
    const until = this.#now + timeout;
    while (!happened()) {
      if (this.#next(until)) continue;
      this.#now = until;
      return false;
    }
    return true;
  }

  report(): WorldReport {
    return { seed: this.seed, events: this.#events, virtualMicros: this.#now, traceHash: this.#trace.digest() };
  }

  /** Runs `body` as a part of the world. Time does not pass. */
  enter(body: () => void): void {
    this.#entered++;
    try {
      body();
    } finally {
      this.#entered--;
    }
  }

  /** What an observer threw: that ends the run as it is, where a programmer's mistake ends it as a `ProcessFault`. */
  observerThrew(error: unknown): boolean {
    return this.#observers.broken?.error === error;
  }

  /** For incarnations: what their reactors do is the run. */
  traceStep(process: number, cause: Cause): void {
    this.#trace.step(this.#now, process, cause);
    this.watchSteps?.(process, cause, () => this.#trace.digest());
  }

  /** The next event, if it is due by `until`. */
  #next(until: Micros): boolean {
    if (this.entered) throw new Error('The world was asked to go on from within one of its events');
    const due = this.#heap.first();
    if (due === undefined || due.at > until) return false;
    this.#heap.remove(due);
    this.#now = due.at;
    this.#events++;
    this.enter(due.fire);
    if (this.#observers.broken !== null) throw this.#observers.broken.error;
    return true;
  }
}
