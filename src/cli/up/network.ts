/** The tour's network: its processes, and its nodes to talk to. */
import { join, relative } from 'node:path';
import { ApiClient } from '../../gateways/api/client.ts';
import type { ApiCallName, ApiCalls, TransferSummary } from '../../protocol/api.ts';
import type { SearchHit } from '../../protocol/control/messages.ts';
import { give } from '../exit.ts';
import { Child, type ChildPlan } from './child.ts';

const POLL_MS = 150;
const WAIT_MAX_MS = 60_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks until the answer is not null. */
export const until = async <T>(what: string, ask: () => Promise<T | null>): Promise<T> => {
  const deadline = performance.now() + WAIT_MAX_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (performance.now() > deadline) throw new Error(`${what} did not happen within ${WAIT_MAX_MS / 1000} s`);
    await pause(POLL_MS);
  }
};

export type NodeName = 'alice' | 'bob' | 'carol';
export const nodeNames: readonly NodeName[] = ['alice', 'bob', 'carol'];

/** `main` for the tracker: the names of the processes in `network.json`. */
export type ProcessName = 'main' | 'backup' | 'proxy' | NodeName;

export class TourNetwork {
  readonly folder: string;
  readonly #main: string;
  readonly #children = new Map<ProcessName, Child>();
  readonly #clients = new Map<NodeName, ApiClient>();
  readonly #died: (child: Child, how: string) => void;

  /** `main` is the program's own main module; `died` hears of a process that ended by itself. */
  constructor(folder: string, main: string, died: (child: Child, how: string) => void) {
    this.folder = folder;
    this.#main = main;
    this.#died = died;
  }

  child(name: ProcessName): Child {
    const child = this.#children.get(name);
    if (child === undefined) throw new Error(`There is no process ${name}`);
    return child;
  }

  /** The configuration of a node, as a user would name it. */
  configOf(name: NodeName): string {
    return relative('.', join(this.folder, `${name}.json`)) || join(this.folder, `${name}.json`);
  }

  async start(name: ProcessName): Promise<void> {
    const child = new Child(this.#planOf(name), this.#main, this.#died);
    this.#children.set(name, child);
    await child.ready();
    if (name === 'main' || name === 'backup' || name === 'proxy') return;
    this.#clients.get(name)?.close();
    this.#clients.set(name, give(ApiClient.open(join(this.folder, 'data', name))));
  }

  /** Asks a node, as its user's commands do; throws what it answers where that is a failure. */
  async ask<K extends ApiCallName>(node: NodeName, call: K, args: ApiCalls[K]['args']): Promise<ApiCalls[K]['result']> {
    const client = this.#clients.get(node);
    if (client === undefined) throw new Error(`${node} has not been started`);
    return give(await client.call(call, args));
  }

  async search(node: NodeName, words: string): Promise<SearchHit | null> {
    const { hits } = await this.ask(node, 'search', { words, offset: 0, limit: 10 });
    return hits[0] ?? null;
  }

  async transfer(node: NodeName, id: string): Promise<TransferSummary | null> {
    return (await this.ask(node, 'transfers', { id })).transfers[0] ?? null;
  }

  /** Nodes first, then the proxy, then the trackers: nobody is left talking to nobody. */
  async stop(): Promise<void> {
    for (const client of this.#clients.values()) client.close();
    for (const group of [nodeNames, ['proxy'], ['main', 'backup']] as const) {
      await Promise.all(group.map((name) => this.#children.get(name)?.stop()));
    }
  }

  #planOf(name: ProcessName): ChildPlan {
    const role = name === 'main' ? 'tracker' : name === 'backup' || name === 'proxy' ? name : 'node';
    const file = role === 'node' ? name : role;
    return { role, name, configFile: join(this.folder, `${file}.json`), logFile: join(this.folder, 'logs', `${role}-${name}.log`) };
  }
}
