/** A network on this machine: its processes, and its nodes to talk to. */
import { join, relative } from 'node:path';
import { ApiClient } from '../../gateways/api/client.ts';
import type { ApiCallName, ApiCalls, TransferSummary } from '../../protocol/api.ts';
import type { SearchHit } from '../../protocol/control/messages.ts';
import { give } from '../exit.ts';
import { Child, type ChildPlan, type Death } from './child.ts';

const POLL_MS = 150;
const WAIT_MAX_MS = 60_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Asks until the answer is not null. @throws where it is null for longer than `maxMs` in which `sign`, of what big things
 * take long over, does not change.
 */
export const until = async <T>(
  what: string,
  ask: () => Promise<T | null>,
  maxMs = WAIT_MAX_MS,
  sign: () => unknown = () => null,
): Promise<T> => {
  let [seen, sinceMs] = [sign(), performance.now()];
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (sign() !== seen) [seen, sinceMs] = [sign(), performance.now()];
    if (performance.now() - sinceMs > maxMs) throw new Error(`${what} did not happen within ${maxMs / 1000} s`);
    await pause(POLL_MS);
  }
};

/** `main` is the tracker: the names of these processes in `network.json`. */
export type ServerName = 'main' | 'backup' | 'proxy';

const isServer = (name: string): name is ServerName => name === 'main' || name === 'backup' || name === 'proxy';

/** What a replica says of itself when it is asked for its status. */
export interface ReplicaFacts {
  readonly role?: string;
  readonly mode?: string;
  readonly epoch?: number;
  readonly primary?: string | null;
  readonly lastSeq?: number;
  readonly appliedSeq?: number;
}

/** `Node`: the names of its nodes. */
export class LocalNetwork<Node extends string> {
  readonly folder: string;
  readonly #main: string;
  readonly #children = new Map<ServerName | Node, Child>();
  readonly #clients = new Map<Node, ApiClient>();
  readonly #died: (child: Child, death: Death) => void;

  /** `folder` has its files; `main` is the program's own main module; `died` hears of a process that ended by itself. */
  constructor(folder: string, main: string, died: (child: Child, death: Death) => void) {
    this.folder = folder;
    this.#main = main;
    this.#died = died;
  }

  child(name: ServerName | Node): Child {
    const child = this.#children.get(name);
    if (child === undefined) throw new Error(`There is no process ${name}`);
    return child;
  }

  /** The configuration of a process, as a user would name it. */
  configOf(name: ServerName | Node): string {
    const path = this.#planOf(name).configFile;
    const near = relative('.', path);
    return near.startsWith('..') ? path : near;
  }

  async start(name: ServerName | Node): Promise<void> {
    const child = new Child(this.#planOf(name), this.#main, this.#died);
    this.#children.set(name, child);
    await child.ready();
    if (isServer(name)) return;
    this.#clients.get(name)?.close();
    this.#clients.set(name, give(ApiClient.open(join(this.folder, 'data', name))));
  }

  /** Asks a node, as its user's commands do; throws what it answers where that is a failure. */
  async ask<K extends ApiCallName>(node: Node, call: K, args: ApiCalls[K]['args']): Promise<ApiCalls[K]['result']> {
    const client = this.#clients.get(node);
    if (client === undefined) throw new Error(`${node} has not been started`);
    return give(await client.call(call, args));
  }

  async replica(name: 'main' | 'backup'): Promise<ReplicaFacts> {
    return ((await this.child(name).status())['replica'] ?? {}) as ReplicaFacts;
  }

  async search(node: Node, words: string): Promise<SearchHit | null> {
    const { hits } = await this.ask(node, 'search', { words, offset: 0, limit: 10 });
    return hits[0] ?? null;
  }

  async transfer(node: Node, id: string): Promise<TransferSummary | null> {
    return (await this.ask(node, 'transfers', { id })).transfers[0] ?? null;
  }

  /** Nodes first, then the proxy, then the trackers: nobody is left talking to nobody. */
  async stop(): Promise<void> {
    for (const client of this.#clients.values()) client.close();
    const groups = [(name: string) => !isServer(name), (name: string) => name === 'proxy', (name: string) => isServer(name)];
    for (const isIn of groups) {
      await Promise.all([...this.#children].map(([name, child]) => (isIn(name) ? child.stop() : null)));
    }
  }

  #planOf(name: ServerName | Node): ChildPlan {
    const role = !isServer(name) ? 'node' : name === 'main' ? 'tracker' : name;
    const file = role === 'node' ? name : role;
    return { role, name, configFile: join(this.folder, `${file}.json`), logFile: join(this.folder, 'logs', `${role}-${name}.log`) };
  }
}
