/** A whole network in a simulated world: the same roles as the daemons, on the memory transport and simulated ports. */
import { FIRST_START_MARKER, VOTER_COPIES } from '../src/actors/voter/store.ts';
import { assemble } from '../src/config/load.ts';
import { networkSchema, processSchemas, type RoleName, secretsSchema } from '../src/config/schema.ts';
import type { AnyConfig, NetworkConfig, NodeConfig, ProxyConfig, ReplicaConfig, Secrets } from '../src/config/types.ts';
import { codeHash } from '../src/domain/accounts/secrets.ts';
import { ledgerTransactions } from '../src/domain/ledger/transactions.ts';
import type { ReplicaStatus } from '../src/domain/replication/types.ts';
import { type Micros, seconds } from '../src/ports/clock.ts';
import type { ApiCallName, ApiCalls, TransferSummary } from '../src/protocol/api.ts';
import { sha256, toHex } from '../src/protocol/digest.ts';
import type { SqlValue } from '../src/ports/database.ts';
import type { Random } from '../src/ports/random.ts';
import type { Done, Result } from '../src/protocol/result.ts';
import { createBackup } from '../src/roles/backup.ts';
import type { Environment } from '../src/roles/container.ts';
import { createNode } from '../src/roles/node.ts';
import { createProxy } from '../src/roles/proxy.ts';
import type { NodeRole, Role } from '../src/roles/role.ts';
import { createTracker } from '../src/roles/tracker.ts';
import { createGuest, type GuestRole } from './guest.ts';
import { createLiar } from './liar.ts';
import { replicaNames } from './plan/names.ts';
import type { ClusterPlan } from './plan/types.ts';
import type { Incarnation, SimulatedProcess, World } from './world/index.ts';

/** A plan's cluster will do; what is left out is one proxy (the witness), no liars, no limit of uplinks. */
export interface ClusterOptions extends Partial<ClusterPlan> {
  readonly nodes: number;
  /** Default: open. */
  readonly registration?: NetworkConfig['registration'];
  /** Who may announce at the gates, which proxies have where there are guests. Default: as shipped, those with a passkey. */
  readonly passkeys?: NetworkConfig['announce']['passkeys'];
  /** For the first administrator. Default: none. */
  readonly adminCode?: string;
}

const CONTROL_PORT = 7_000;
const MEMBER_PORT = 7_100;
const PEER_PORT = 7_200;
const GATE_PORT = 6_969;
/** What a scenario waits for comes within this virtual time, or the run has failed. */
const PATIENCE: Micros = seconds(600);
/** Of files that are read whole. */
const FILE_BYTES_MAX = 1_073_741_824;
/** Where a replica keeps its ledger in its data folder. */
const ledgerOf = (name: string): string => `/${name}/data/ledger.sqlite`;
const POLL_EVERY: Micros = seconds(0.25);

/** What a scenario expected and did not get: the run has failed. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

type Running = { readonly incarnation: Incarnation; readonly role: Role | NodeRole; error: Error | null };
const names = (stem: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${stem}${index + 1}`);
type Create = (environment: Environment, ended: (error: Error) => void) => Role | NodeRole;

export class Cluster {
  readonly world: World;
  readonly proxyNames: readonly string[];
  readonly nodeNames: readonly string[];
  readonly liarNames: readonly string[];
  readonly guestNames: readonly string[];
  /** The voters, by the names of their processes: the pair and the witnesses. */
  readonly voterNames: readonly string[];
  /** Is told of a process that ended by itself (it is gone then); by default that ends the run. */
  onEnded: ((name: string, error: Error) => void) | null = null;
  readonly network: NetworkConfig;
  readonly secrets: Secrets;
  readonly #create = new Map<string, Create>();
  readonly #running = new Map<string, Running>();

  constructor(world: World, options: ClusterOptions) {
    this.world = world;
    this.proxyNames = names('proxy', options.proxies ?? 1);
    this.nodeNames = names('node', options.nodes);
    this.liarNames = names('liar', options.liars ?? 0);
    this.guestNames = names('guest', options.guests ?? 0);
    const gated = this.guestNames.length > 0;
    const witnesses = options.witnesses ?? 1;
    this.voterNames = ['tracker', 'backup', ...this.proxyNames.slice(0, witnesses)];
    const all = ['tracker', 'backup', ...this.proxyNames, ...this.nodeNames, ...this.liarNames, ...this.guestNames];
    const hosts = new Map(all.map((name, index) => [name, `10.0.${index >> 7}.${(index & 127) + 1}`]));
    const uplinkBytesPerSecond = options.uplinkBytesPerSecond ?? null;
    const host = (name: string): string => hosts.get(name) ?? '';
    // The files of a user who wrote down no more than what must be: everything else is as it ships.
    const at = (name: string, port: number): string => `${host(name)}:${port}`;
    const networkFile = networkSchema.parse({
      networkId: toHex(sha256('simulated network')).slice(0, 32),
      name: 'simulated',
      replicas: [
        { name: 'main', address: at('tracker', CONTROL_PORT) },
        { name: 'backup', address: at('backup', CONTROL_PORT) },
      ],
      proxies: this.proxyNames.map((name) => ({
        name,
        address: at(name, MEMBER_PORT),
        ...(gated ? { announce: at(name, GATE_PORT) } : {}),
      })),
      ...(witnesses === 1 ? {} : { witnesses }),
      ...(options.registration === undefined ? {} : { registration: options.registration }),
      ...(options.passkeys === undefined ? {} : { announce: { passkeys: options.passkeys } }),
    });
    const secretsFile = secretsSchema.parse({
      networkKey: toHex(sha256('network key')),
      clusterKey: toHex(sha256('cluster key')),
      tokenKey: toHex(sha256('token key')),
      ...(options.adminCode === undefined ? {} : { adminCodeHash: codeHash(options.adminCode) }),
    });
    const config = (process: string, file: { readonly role: RoleName; readonly [key: string]: unknown }): AnyConfig =>
      assemble(processSchemas[file.role].parse({ secrets: 'secrets.json', ...file }), networkFile, secretsFile, `/${process}`);
    const replica = (role: ReplicaConfig['role'], name: string): ReplicaConfig =>
      config(role, {
        role,
        name,
        listen: at(role, CONTROL_PORT),
        ...(options.logEntriesKept === undefined ? {} : { limits: { logEntriesKept: options.logEntriesKept } }),
      }) as ReplicaConfig;
    const gate = (name: string): object => (gated ? { announce: { listen: at(name, GATE_PORT) } } : {});
    const proxy = (name: string): ProxyConfig =>
      config(name, { role: 'proxy', name, listen: at(name, MEMBER_PORT), ...gate(name) }) as ProxyConfig;
    const main = replica('tracker', 'main');
    const { passwordQueueMax } = main.limits;
    for (const [name, address] of hosts) {
      world.addHost(address, uplinkBytesPerSecond !== null && /^(?:node|liar)/u.test(name) ? { uplinkBytesPerSecond } : {});
      world.process(name, { host: address, crypto: { passwordQueueMax } });
    }
    this.network = main.network;
    this.secrets = main.secrets;
    this.#create.set('tracker', (environment, ended) => createTracker(environment, main, ended));
    this.#create.set('backup', (environment, ended) => createBackup(environment, replica('backup', 'backup'), ended));
    for (const name of this.proxyNames) this.#create.set(name, (environment) => createProxy(environment, proxy(name)));
    for (const [index, name] of this.nodeNames.entries()) {
      const node = config(name, { role: 'node', name, peer: { listen: at(name, PEER_PORT) } }) as NodeConfig;
      this.#create.set(name, (environment) => createNode(environment, { ...node, network: rotated(node.network, index) }));
    }
    for (const name of this.liarNames) {
      const liar = config(name, { role: 'node', name, peer: { listen: at(name, PEER_PORT) } }) as NodeConfig;
      const random = world.random.fork(`lies of ${name}`);
      this.#create.set(name, (environment) => createLiar(environment, liar, PEER_PORT, random));
    }
    const gates = this.proxyNames.map((name) => ({ host: host(name), port: GATE_PORT }));
    for (const [index, name] of this.guestNames.entries())
      this.#create.set(name, (environment) => createGuest(environment, [...gates.slice(index % gates.length), ...gates], index + 1));
    for (const voter of this.voterNames) this.write(voter, `/${voter}/data/${FIRST_START_MARKER}`, new Uint8Array(0));
  }

  /** Everything, and time enough to elect a primary. */
  startAll(): void {
    for (const name of this.#create.keys()) this.start(name);
    this.primary();
  }

  /** Starts a process and waits until it serves. */
  start(name: string): void {
    let started: Result<void> | null = null;
    this.begin(name, (result) => (started = result));
    this.until(`${name} serves`, () => started !== null);
    const result = started as Result<void> | null;
    if (result?.ok === false) throw new Broken(`${name} could not start: ${result.error.message}`);
  }

  /** Starts a process and does not wait; `served` hears, inside a step of it, when it serves or why it cannot. */
  begin(name: string, served: Done<void> = () => {}): void {
    const create = this.#create.get(name);
    if (create === undefined) throw new Broken(`There is no process ${name}`);
    this.#process(name).start((incarnation) => {
      const running: Running = {
        incarnation,
        role: create(environmentOf(incarnation), (error) => this.#ended(name, running, error)),
        error: null,
      };
      this.#running.set(name, running);
      running.role.start((result) => {
        served(result);
        if (!result.ok && this.onEnded !== null) this.#ended(name, running, new Error(result.error.message));
      });
    });
  }

  /** SIGKILL. `random` says what of what was under way on its disk still happens. */
  kill(name: string, random?: Random, how: 'kill' | 'forget' = 'kill'): void {
    this.#process(name).kill(random, how);
    this.#running.delete(name);
  }

  /** The machine of the process loses its power. */
  cutPower(name: string, options: { readonly torn?: boolean; readonly random?: Random } = {}): void {
    this.#process(name).cutPower(options);
    this.#running.delete(name);
  }

  /** The whole content of a file on a process's disk, running or not; null where there is none. */
  file(name: string, path: string): Uint8Array | null {
    const read = this.#process(name).disk.readFile(path, FILE_BYTES_MAX);
    return read.ok ? read.value : null;
  }

  /** Rows of a query on the ledger of a replica, running or not. */
  query(name: string, sql: string): readonly Readonly<Record<string, SqlValue>>[] {
    return this.#process(name).session(ledgerOf(name)).prepare(sql).all();
  }

  /** What a process has kept is gone: its voter's state, its ledger, or all that is on its disks. It must not run. */
  forget(name: string, what: 'voter' | 'ledger' | 'all'): void {
    const process = this.#process(name);
    if (what !== 'ledger') for (const copy of VOTER_COPIES) process.disk.erase(`/${name}/data/${copy}`);
    if (what !== 'voter') process.dropSession(ledgerOf(name));
    if (what === 'all') process.disk.erase(`/${name}`);
  }

  running(name: string): boolean {
    return this.#running.has(name);
  }

  /** A process that runs, for who acts in it; null otherwise. */
  reach(name: string): { readonly incarnation: Incarnation; readonly role: Role | NodeRole } | null {
    return this.#running.get(name) ?? null;
  }

  /** `Role.status()` of a process that runs; null otherwise. */
  status(name: string): object | null {
    return this.#running.get(name)?.role.status() ?? null;
  }

  /** All processes, in the order in which they are started. */
  get processNames(): readonly string[] {
    return [...this.#create.keys()];
  }

  /** What the tracker pair says of itself. */
  replica(name: 'tracker' | 'backup'): ReplicaStatus | null {
    const running = this.#running.get(name);
    return running === undefined ? null : (running.role.status() as { replica: ReplicaStatus }).replica;
  }

  /** Waits until one of the pair is primary, and says which. */
  primary(): 'tracker' | 'backup' {
    const find = () => replicaNames.find((name) => this.replica(name)?.role === 'primary');
    this.until('there is a primary', () => find() !== undefined);
    return find() as 'tracker' | 'backup';
  }

  /**
   * A user's call at a node, without waiting. `done` is called inside a step of the node, or never when the node dies
   * first. False where the node does not run.
   */
  callLater<K extends ApiCallName>(node: string, name: K, args: ApiCalls[K]['args'], done: Done<ApiCalls[K]['result']>): boolean {
    const running = this.#running.get(node);
    if (running === undefined || !('call' in running.role)) return false;
    const { role, incarnation } = running;
    incarnation.step(() => role.call(name, args, done));
    return true;
  }

  /** A user's call at a node; the world goes on until it is answered. */
  call<K extends ApiCallName>(node: string, name: K, args: ApiCalls[K]['args']): Result<ApiCalls[K]['result']> {
    let answer: Result<ApiCalls[K]['result']> | null = null;
    if (!this.callLater(node, name, args, (result) => (answer = result))) throw new Broken(`${node} does not run`);
    this.until(`${node} answers ${name}`, () => answer !== null);
    return answer as unknown as Result<ApiCalls[K]['result']>;
  }

  /** As `call`, and a failure ends the run. */
  ask<K extends ApiCallName>(node: string, name: K, args: ApiCalls[K]['args']): ApiCalls[K]['result'] {
    const answer = this.call(node, name, args);
    if (!answer.ok) throw new Broken(`${node}: ${name} failed: ${answer.error.message} (${answer.error.code})`);
    return answer.value;
  }

  /** Has a guest that runs do something, inside a step of it. */
  guest<T>(name: string, act: (guest: GuestRole) => T): T {
    const running = this.#running.get(name);
    if (running === undefined || !('words' in running.role)) throw new Broken(`${name} does not run`);
    const { role, incarnation } = running;
    let result: { readonly value: T } | null = null;
    incarnation.step(() => {
      result = { value: act(role as GuestRole) };
    });
    return (result as unknown as { readonly value: T }).value;
  }

  transfer(node: string, id: string): TransferSummary {
    const [transfer] = this.ask(node, 'transfers', { id }).transfers;
    if (transfer === undefined) throw new Broken(`${node} has no transfer ${id}`);
    return transfer;
  }

  /** Shares a file and waits until the catalog has it; its id. */
  share(node: string, path: string, tags: readonly string[] = [], pieceLength: number | null = null): string {
    const { job } = this.ask(node, 'share', { paths: [path], name: null, tags, v1: false, pieceLength });
    const state = () => this.ask(node, 'shareJob', { job });
    for (let now = state(); ; now = state()) {
      if (now.state === 'failed') throw new Broken(`${node} could not share ${path}: ${now.message}`);
      if (now.state === 'done' && now.id !== null) return now.id;
      this.world.runFor(POLL_EVERY);
    }
  }

  /** Waits until the node has all of it. */
  untilComplete(node: string, id: string): void {
    this.poll(`${node} has all of it`, () => this.transfer(node, id).state === 'seeding');
  }

  /** Waits for what only a call can tell, asking again and again. */
  poll(what: string, happened: () => boolean): void {
    const deadline = this.world.now() + PATIENCE;
    while (!happened()) {
      if (this.world.now() > deadline) throw new Broken(`Waited in vain until ${what}`);
      this.world.runFor(POLL_EVERY);
    }
  }

  /** How many owners the catalog counts. */
  owners(node: string, id: string): number {
    const { hits } = this.ask(node, 'search', { words: '', offset: 0, limit: 50 });
    return hits.find((hit) => hit.id === id)?.ownerCount ?? 0;
  }

  /** Where a node puts what another shares as `path`. */
  fileOf(node: string, path: string): string {
    return `/${node}/downloads${path.slice(path.lastIndexOf('/'))}`;
  }

  expect(holds: boolean, what: string): void {
    if (!holds) throw new Broken(`Does not hold: ${what}`);
  }

  until(what: string, happened: () => boolean): void {
    const came = this.world.runUntil(() => this.#check() || happened(), PATIENCE);
    this.#check();
    if (!came) throw new Broken(`Waited in vain until ${what}`);
  }

  /** Puts a file on a process's disk, as somebody else on its machine would. */
  write(name: string, path: string, bytes: Uint8Array): void {
    const { disk } = this.#process(name);
    disk.makeFolder(path.slice(0, path.lastIndexOf('/')));
    const written = disk.writeFile(path, bytes);
    if (!written.ok) throw new Broken(written.error.message);
  }

  /** The SHA-256 of a file on a process's disk, read while the process runs. */
  digest(name: string, path: string): string {
    const running = this.#running.get(name);
    if (running === undefined) throw new Broken(`${name} does not run`);
    let digest: string | null = null;
    running.incarnation.step(() =>
      running.incarnation.ports.disk.readFile(path, 1_073_741_824, (read) => {
        digest = read.ok ? toHex(sha256(read.value)) : read.error.message;
      }),
    );
    this.until(`${path} is read`, () => digest !== null);
    return digest as unknown as string;
  }

  #process(name: string): SimulatedProcess {
    return this.world.process(name);
  }

  /** Called in a step of the process, which is over before anybody hears of it. */
  #ended(name: string, running: Running, error: Error): void {
    if (this.onEnded === null) {
      running.error = error;
      return;
    }
    this.world.at(this.world.now(), () => {
      if (this.#running.get(name) !== running) return;
      this.#running.delete(name);
      this.#process(name).kill(undefined, 'ended');
      this.onEnded?.(name, error);
    });
  }

  /** A process that halted by itself ends the run. */
  #check(): false {
    for (const [name, { error }] of this.#running) if (error !== null) throw new Broken(`${name} ended by itself: ${error.message}`);
    return false;
  }
}

/** A node tries the proxies in the order of its file: not every member has the same one first. */
const rotated = (network: NetworkConfig, by: number): NetworkConfig => {
  const { proxies } = network;
  const first = by % proxies.length;
  return { ...network, proxies: [...proxies.slice(first), ...proxies.slice(0, first)] };
};

const environmentOf = (incarnation: Incarnation): Environment => ({
  reactor: incarnation.reactor,
  ports: incarnation.ports,
  openDatabase: (path) => incarnation.database(path, ledgerTransactions),
});
