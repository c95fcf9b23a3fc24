/**
 * A whole network of real processes in which every link goes through a fault proxy: each process has a network file of its
 * own, in which the addresses of the others are those of its own fault proxies.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child, type ChildPlan, type Death } from '../../src/cli/up/child.ts';
import { freePorts } from '../../src/cli/up/folder.ts';
import type { ReplicaFacts } from '../../src/cli/up/network.ts';
import { createNetwork } from '../../src/cli/commands/network.ts';
import { ApiClient } from '../../src/gateways/api/client.ts';
import type { Random } from '../../src/ports/random.ts';
import { Disk } from './chaos-disks.ts';
import { FaultProxy } from './fault-proxy.ts';
import { mainModule } from './network.ts';
import { proxyNameAt } from '../../src/config/make.ts';

export interface TownOptions {
  readonly proxies: 1 | 3;
  /** Small file systems for the data of the servers, to be filled. */
  readonly disks: boolean;
  readonly random: Random;
  /** Hears of a process that ended without having been told to. */
  readonly died: (name: string, why: string) => void;
}

type Json = Record<string, unknown>;

export const NODES = ['alice', 'bob', 'carol'] as const;
/** The view that members in this process have. */
const MEMBERS = 'members';

/** Quick signs of life, so that what takes minutes in a network of days is seen in a short run. */
const TIMING = { announceIntervalSeconds: 5, aliveSeconds: 3, removeSeconds: 15 };

const readJson = (path: string): Json => JSON.parse(readFileSync(path, 'utf8')) as Json;
const writeJson = (path: string, value: object): void => writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
const at = (port: number): string => `127.0.0.1:${port}`;

export class Town {
  readonly folder: string;
  readonly proxies: readonly string[];
  readonly nodes: readonly string[] = NODES;
  readonly links: readonly FaultProxy[];
  readonly disks: ReadonlyMap<string, Disk>;
  readonly #died: TownOptions['died'];
  readonly #children = new Map<string, Child>();
  readonly #clients = new Map<string, ApiClient>();
  /** Stopped by SIGSTOP now. */
  readonly #frozen = new Set<string>();
  readonly #lastResort = (): void => this.#endAtOnce();

  private constructor(
    folder: string,
    proxies: readonly string[],
    links: readonly FaultProxy[],
    disks: Map<string, Disk>,
    died: TownOptions['died'],
  ) {
    this.folder = folder;
    this.proxies = proxies;
    this.links = links;
    this.disks = disks;
    this.#died = died;
    process.once('exit', this.#lastResort);
  }

  /** The files of the network and its fault proxies; nothing runs yet. */
  static async open(options: TownOptions): Promise<Town> {
    enableCompileCache();
    const folder = mkdtempSync(join(tmpdir(), 'shoal-chaos-'));
    const disks = new Map<string, Disk>();
    try {
      return await Town.#build(folder, disks, options);
    } catch (error) {
      for (const disk of disks.values()) disk.unmount(false);
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  static async #build(
    folder: string,
    disks: Map<string, Disk>,
    { proxies: count, disks: withDisks, random, died }: TownOptions,
  ): Promise<Town> {
    const proxies = Array.from({ length: count }, (_, index) => proxyNameAt(index));
    const servers = ['main', 'backup', ...proxies];
    const ports = await freePorts(servers.length + NODES.length);
    const portOf = new Map([...servers, ...NODES].map((name, index) => [name, ports[index] ?? 0]));
    const place = (name: string): { host: string; port: number } => ({ host: '127.0.0.1', port: portOf.get(name) ?? 0 });
    createNetwork(folder, {
      name: 'chaos',
      registration: 'open',
      tracker: place('main'),
      backup: place('backup'),
      proxies: proxies.map(place),
      witnesses: count,
      nodes: [...NODES, MEMBERS],
      rate: 0,
      timing: TIMING,
    });
    if (withDisks) for (const name of ['main', 'backup', 'proxy']) disks.set(name, Disk.mount(join(folder, 'data', name)));
    const links = await new Streets(folder, proxies, portOf, random.fork('links')).lay();
    return new Town(folder, proxies, links, disks, died);
  }

  get servers(): readonly string[] {
    return ['main', 'backup', ...this.proxies];
  }

  /** The configuration by which members in this process reach the proxies. */
  get membersConfig(): string {
    return join(this.folder, `${MEMBERS}.json`);
  }

  /** The links that a process dials or is dialled on. */
  linksOf(name: string): readonly FaultProxy[] {
    return this.links.filter((link) => link.name.split(' → ').includes(name));
  }

  isRunning(name: string): boolean {
    return this.#children.has(name);
  }

  /** @throws where it ends before it serves */
  async start(name: string): Promise<void> {
    const child = new Child(this.#planOf(name), mainModule, (dead, how) => this.#ended(name, dead, how));
    this.#children.set(name, child);
    await child.ready();
    if (!this.nodes.includes(name)) return;
    const client = ApiClient.open(join(this.folder, 'data', name));
    this.#clients.get(name)?.close();
    if (client.ok) this.#clients.set(name, client.value);
  }

  /** SIGKILL. */
  async kill(name: string): Promise<void> {
    const child = this.#children.get(name);
    this.#children.delete(name);
    this.#frozen.delete(name);
    await child?.kill();
  }

  freeze(name: string): void {
    this.#signal(name, 'SIGSTOP');
    this.#frozen.add(name);
  }

  thaw(name: string): void {
    this.#frozen.delete(name);
    this.#signal(name, 'SIGCONT');
  }

  client(node: string): ApiClient | null {
    return this.#clients.get(node) ?? null;
  }

  async status(name: string): Promise<Json> {
    const child = this.#children.get(name);
    return child === undefined ? {} : child.status().catch(() => ({}));
  }

  async replica(name: 'main' | 'backup'): Promise<ReplicaFacts> {
    return ((await this.status(name))['replica'] ?? {}) as ReplicaFacts;
  }

  /** Ends every process in an orderly way: nodes, proxies, trackers. */
  async stop(): Promise<void> {
    for (const client of this.#clients.values()) client.close();
    for (const group of [this.nodes, this.proxies, ['main', 'backup']]) {
      await Promise.all(
        group.map(async (name) => {
          if (this.#frozen.has(name)) this.thaw(name);
          const child = this.#children.get(name);
          this.#children.delete(name);
          await child?.stop();
        }),
      );
    }
  }

  /** `keep`: the folder stays, with what was on the small file systems. */
  async close(keep: boolean): Promise<void> {
    await this.stop();
    await Promise.all(this.links.map((link) => link.close()));
    for (const disk of this.disks.values()) disk.unmount(keep);
    process.off('exit', this.#lastResort);
    if (!keep) rmSync(this.folder, { recursive: true, force: true });
  }

  #planOf(name: string): ChildPlan {
    const role = this.nodes.includes(name) ? 'node' : name === 'main' ? 'tracker' : name === 'backup' ? 'backup' : 'proxy';
    const file = role === 'tracker' ? 'tracker' : name;
    return { role, name, configFile: join(this.folder, `${file}.json`), logFile: join(this.folder, 'logs', `${role}-${name}.log`) };
  }

  #ended(name: string, child: Child, { code, signal }: Death): void {
    if (this.#children.get(name) === child) this.#children.delete(name);
    this.#died(name, `${signal ?? `status ${code}`}: ${child.lastWords().slice(-3).join(' | ')}`);
  }

  #signal(name: string, signal: NodeJS.Signals): void {
    const pid = this.#children.get(name)?.pid ?? 0;
    if (pid === 0) return;
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended by itself.
    }
  }

  /** This process ends, however: its children too, those that are stopped as well. */
  #endAtOnce(): void {
    for (const name of this.#children.keys()) this.#signal(name, 'SIGKILL');
    for (const disk of this.disks.values()) disk.unmount(false);
    spawnSync('sleep', ['0.1']);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Puts a fault proxy on every link, and its port into the file of who dials there. */
class Streets {
  readonly #folder: string;
  readonly #proxies: readonly string[];
  readonly #portOf: ReadonlyMap<string, number>;
  readonly #random: Random;
  readonly #links: FaultProxy[] = [];

  constructor(folder: string, proxies: readonly string[], portOf: ReadonlyMap<string, number>, random: Random) {
    this.#folder = folder;
    this.#proxies = proxies;
    this.#portOf = portOf;
    this.#random = random;
  }

  async lay(): Promise<readonly FaultProxy[]> {
    mkdirSync(join(this.#folder, 'views'));
    const listen = (name: string): string => at(this.#portOf.get(name) ?? 0);
    await this.#process('tracker', 'main', [], { listen: listen('main') });
    await this.#process('backup', 'backup', ['main'], { listen: listen('backup') });
    for (const proxy of this.#proxies) await this.#process(proxy, proxy, ['main', 'backup'], { listen: listen(proxy) });
    for (const node of NODES) {
      const inFront = await this.#link('peers', node);
      await this.#process(node, node, this.#proxies, { peer: { listen: listen(node), advertise: [at(inFront)] } });
    }
    await this.#process(MEMBERS, MEMBERS, this.#proxies, {});
    return this.#links;
  }

  /** The file of a process that dials these: it reads a network file of its own. */
  async #process(file: string, name: string, dials: readonly string[], settings: Json): Promise<void> {
    const network = readJson(join(this.#folder, 'network.json'));
    const ways = new Map<string, number>();
    for (const other of dials) ways.set(other, await this.#link(name, other));
    const address = (other: string): object => ({ name: other, address: at(ways.get(other) ?? this.#portOf.get(other) ?? 0) });
    const view = { ...network, replicas: ['main', 'backup'].map(address), proxies: this.#proxies.map(address) };
    writeJson(join(this.#folder, 'views', `${name}.json`), view);
    const path = join(this.#folder, `${file}.json`);
    writeJson(path, { ...readJson(path), network: `views/${name}.json`, ...settings });
  }

  #link(from: string, to: string): Promise<number> {
    const link = new FaultProxy(`${from} → ${to}`, this.#portOf.get(to) ?? 0, this.#random.fork(`${from} ${to}`));
    this.#links.push(link);
    return link.open();
  }
}
