/** What goes wrong in a chaos run: processes, links and disks, at random from a seed, several things at a time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { below, between, type Random } from '../../src/ports/random.ts';
import type { Town } from './chaos-town.ts';
import { type Direction, type FaultProxy, GOOD } from './fault-proxy.ts';

/** A replica suspects the primary after about so much silence. */
const SUSPICION_MS = 1_000;
const PAUSE_MAX_MS = 1_500;
/** After so many faults none begins for a while: a network that never serves has nothing to lose. */
const STORM_FAULTS = 8;
const CALM_MS = 4_000;
const RESTART_TRIES_MAX = 20;
const ASK_MAX_MS = 100;

export const FAULTS = [
  'kill',
  'kill both trackers',
  'kill the primary when the other does not hear it',
  'freeze for half the suspicion time',
  'freeze for twice the suspicion time',
  'slow link',
  'sliced link',
  'one-way silence',
  'isolated process',
  'reset',
  'half-open link',
  'full disk',
] as const;
export type FaultName = (typeof FAULTS)[number];

/** Out of their sum. */
const WEIGHTS: Readonly<Record<FaultName, number>> = {
  kill: 16,
  'kill both trackers': 4,
  'kill the primary when the other does not hear it': 20,
  'freeze for half the suspicion time': 6,
  'freeze for twice the suspicion time': 12,
  'slow link': 10,
  'sliced link': 6,
  'one-way silence': 14,
  'isolated process': 8,
  reset: 8,
  'half-open link': 6,
  'full disk': 6,
};

export interface FaultReport {
  readonly counts: ReadonlyMap<FaultName, number>;
  /** What is wrong now, for the live line. */
  readonly now: readonly string[];
}

/** Does it all; `stop` lets what is under way end. */
export class Faults implements FaultReport {
  readonly counts = new Map<FaultName, number>();
  readonly #now = new Set<string>();
  readonly #town: Town;
  readonly #random: Random;
  /** Processes and links to which something is done now: nothing else is done to them meanwhile. */
  readonly #struck = new Set<object | string>();
  readonly #tell: (line: string) => void;
  #calmUntil = 0;
  #stopping = false;

  /** `tell` hears of every fault: for a file of its own beside the logs. */
  constructor(town: Town, random: Random, tell: (line: string) => void) {
    this.#town = town;
    this.#random = random;
    this.#tell = tell;
  }

  get now(): readonly string[] {
    return [...this.#now];
  }

  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** One fault after the other, until it is told to stop; several of these may run at one time. */
  async run(): Promise<void> {
    while (!this.#stopping) {
      await sleep(between(this.#random, 'pause', 0, PAUSE_MAX_MS));
      while (performance.now() < this.#calmUntil && !this.#stopping) await sleep(100);
      if (!this.#stopping) await this.#strike(this.#draw());
    }
  }

  stop(): void {
    this.#stopping = true;
  }

  #draw(): FaultName {
    const possible = FAULTS.filter((name) => name !== 'full disk' || this.#town.disks.size > 0);
    let dice = below(
      this.#random,
      'fault',
      possible.reduce((sum, name) => sum + WEIGHTS[name], 0),
    );
    return possible.find((name) => (dice -= WEIGHTS[name]) < 0) ?? 'reset';
  }

  async #strike(name: FaultName): Promise<void> {
    switch (name) {
      case 'kill':
        return this.#onProcess(name, (process) => this.#kill([process]));
      case 'kill both trackers':
        return this.#on(name, ['main', 'backup'], () => this.#kill(['main', 'backup']));
      case 'kill the primary when the other does not hear it':
        return this.#on(name, ['main', 'backup', ...this.#pairLinks()], () => this.#killUnheard(), 'main and backup');
      case 'freeze for half the suspicion time':
        return this.#onProcess(name, (process) => this.#freeze(process, SUSPICION_MS / 2));
      case 'freeze for twice the suspicion time':
        return this.#onProcess(name, (process) => this.#freeze(process, SUSPICION_MS * 2));
      case 'isolated process':
        return this.#isolate(name);
      case 'full disk':
        return this.#fillDisk(name);
      default:
        return this.#onLink(name, (link) => this.#spoil(name, link));
    }
  }

  async #kill(names: readonly string[]): Promise<void> {
    await Promise.all(names.map((process) => this.#town.kill(process)));
    await sleep(between(this.#random, 'down', 0, 4_000));
    for (const process of names) await this.restart(process);
  }

  #pairLinks(): readonly FaultProxy[] {
    return this.#town.linksOf('main').filter((link) => this.#town.linksOf('backup').includes(link));
  }

  /** What it has acknowledged by then must not be on its disk alone, unless it has said so. */
  async #killUnheard(): Promise<void> {
    const links = this.#pairLinks();
    for (const link of links) for (const direction of ['there', 'back'] as const) link.silence(direction);
    await sleep(between(this.#random, 'unheard', 50, 700));
    const primary = await this.#primary();
    await this.#town.kill(primary);
    for (const link of links) link.reset();
    for (const link of links) link.heal();
    // Long enough for the other one to lead.
    await sleep(between(this.#random, 'down', 1_500, 4_000));
    await this.restart(primary);
  }

  async #primary(): Promise<'main' | 'backup'> {
    const role = await Promise.race([this.#town.replica('main').then((facts) => facts.role), sleep(ASK_MAX_MS, null)]);
    return role === 'primary' ? 'main' : 'backup';
  }

  async #freeze(process: string, ms: number): Promise<void> {
    this.#town.freeze(process);
    await sleep(ms);
    this.#town.thaw(process);
  }

  /** Starts a process, again and again: where its disk is full, it may have to wait for room. */
  async restart(process: string): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#town.start(process);
      } catch (error) {
        this.#tell(`${process} did not start: ${(error as Error).message.split('\n')[0]}`);
        if (tries >= RESTART_TRIES_MAX) throw error;
        await this.#town.kill(process);
        await sleep(500);
      }
    }
  }

  async #spoil(name: FaultName, link: FaultProxy): Promise<void> {
    const either = (): Direction => (below(this.#random, 'direction', 2) === 0 ? 'there' : 'back');
    const lasts = (): Promise<void> => sleep(between(this.#random, 'lasts', 500, 6_000));
    if (name === 'reset') return link.reset();
    if (name === 'half-open link') return link.halfOpen(either());
    if (name === 'one-way silence') link.silence(either());
    if (name === 'slow link')
      link.quality = { ...GOOD, delayMs: between(this.#random, 'delay', 5, 120), jitterMs: between(this.#random, 'jitter', 0, 150) };
    if (name === 'sliced link') link.quality = { ...GOOD, jitterMs: 3, sliceBytesMax: 1 + below(this.#random, 'slice', 400) };
    await lasts();
    link.heal();
  }

  async #isolate(name: FaultName): Promise<void> {
    const process = this.#oneOf(this.#town.servers);
    const links = this.#town.linksOf(process);
    await this.#on(
      name,
      links,
      async () => {
        for (const link of links) for (const direction of ['there', 'back'] as const) link.silence(direction);
        await sleep(between(this.#random, 'lasts', 500, 5_000));
        for (const link of links) link.heal();
      },
      process,
    );
  }

  async #fillDisk(name: FaultName): Promise<void> {
    const process = this.#oneOf([...this.#town.disks.keys()]);
    const disk = this.#town.disks.get(process);
    if (disk === undefined) return;
    await this.#on(
      name,
      [disk],
      async () => {
        disk.fill();
        await sleep(between(this.#random, 'lasts', 500, 5_000));
        disk.clear();
      },
      process,
    );
  }

  /** Servers most of the time: they are what this is about. */
  #onProcess(name: FaultName, strike: (process: string) => Promise<void>): Promise<void> {
    const process = this.#oneOf(below(this.#random, 'server', 5) === 0 ? this.#town.nodes : this.#town.servers);
    return this.#on(name, [process], () => strike(process), process);
  }

  #onLink(name: FaultName, strike: (link: FaultProxy) => Promise<void> | void): Promise<void> {
    const among = (name: string): boolean => name.split(' → ').every((end) => this.#town.servers.includes(end));
    const servers = this.#town.links.filter((link) => among(link.name));
    const link = this.#oneOf(below(this.#random, 'among servers', 2) === 0 ? servers : this.#town.links);
    return this.#on(name, [link], async () => strike(link), link.name);
  }

  async #on(
    name: FaultName,
    targets: readonly (object | string)[],
    strike: () => Promise<void>,
    where = targets.join(' and '),
  ): Promise<void> {
    if (targets.some((target) => this.#struck.has(target))) return;
    if (targets.some((target) => typeof target === 'string' && !this.#town.isRunning(target))) return;
    const what = `${name}: ${where}`;
    for (const target of targets) this.#struck.add(target);
    this.#now.add(what);
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    if (this.total % STORM_FAULTS === 0) this.#calmUntil = performance.now() + CALM_MS;
    this.#tell(what);
    try {
      await strike();
    } finally {
      this.#now.delete(what);
      for (const target of targets) this.#struck.delete(target);
      this.#tell(`over: ${what}`);
    }
  }

  #oneOf<T>(items: readonly T[]): T {
    return items[below(this.#random, 'which', items.length)] as T;
  }
}
