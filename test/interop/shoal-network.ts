/** A network of Shoal on the machines of a lab: proxy, tracker and backup on the hub, each node on a machine of its own. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createNetwork } from '../../src/cli/commands/network.ts';
import { until } from '../../src/cli/up/network.ts';
import type { NodeStatus, TransferSummary } from '../../src/protocol/api.ts';
import { shoal } from '../real/shoal.ts';
import { digests, type Lab } from './machines.ts';
import type { Program } from './process.ts';

const launcher = fileURLToPath(new URL('../../bin/shoal.js', import.meta.url));
const PORTS = { tracker: 7401, backup: 7402, proxy: 7411 } as const;
/** Signs of life in seconds, so that no test waits for what a network of days does in minutes. */
const TIMING = { announceIntervalSeconds: 5, aliveSeconds: 3, removeSeconds: 30 };
const PASSWORD = 'correct horse battery\n';
const READY_MAX_MS = 30_000;
const DOWNLOAD_MAX_MS = 40_000;

type ServerName = keyof typeof PORTS;

export class ShoalNetwork {
  readonly folder: string;
  readonly #lab: Lab;
  readonly #programs = new Map<string, Program>();

  private constructor(lab: Lab, folder: string) {
    this.#lab = lab;
    this.folder = folder;
  }

  /** All of it runs, and each node is signed in with an account of its own name. `nodes`: names of machines, too. */
  static async start(lab: Lab, nodes: readonly string[]): Promise<ShoalNetwork> {
    const folder = lab.place('network');
    const host = lab.address('hub');
    const at = (port: number): { host: string; port: number } => ({ host, port });
    createNetwork(folder, {
      name: 'interop',
      registration: 'open',
      tracker: at(PORTS.tracker),
      backup: at(PORTS.backup),
      proxies: [at(PORTS.proxy)],
      witnesses: 1,
      nodes,
      rate: 0,
      timing: TIMING,
    });
    const network = new ShoalNetwork(lab, folder);
    await Promise.all((['proxy', 'tracker', 'backup'] as const).map((name) => network.startServer(name)));
    await Promise.all(nodes.map((name) => network.startNode(name)));
    return network;
  }

  startServer(name: ServerName): Promise<void> {
    return this.#start(name, 'hub', name);
  }

  async startNode(name: string): Promise<void> {
    await this.#start(name, name, 'node');
    for (const command of ['register', 'login']) await this.run(name, [command, name, '--password-stdin'], PASSWORD);
  }

  program(name: string): Program {
    const program = this.#programs.get(name);
    if (program === undefined) throw new Error(`${name} was not started`);
    return program;
  }

  /** A command of the user of a node; it must succeed. */
  async run(node: string, args: readonly string[], input = ''): Promise<string> {
    const config = join(this.folder, `${node}.json`);
    const { status, out, err } = await shoal([...args, '--config', config], { on: this.#lab.on(node), input });
    assert.equal(status, 0, `shoal ${args.join(' ')} on ${node}: ${err}`);
    return out;
  }

  async ask(node: string, args: readonly string[]): Promise<unknown> {
    return JSON.parse(await this.run(node, [...args, '--json'])) as unknown;
  }

  /** Shares what lies at the paths; resolves with its id. */
  async share(node: string, args: readonly string[]): Promise<string> {
    return ((await this.ask(node, ['share', ...args])) as { readonly id: string }).id;
  }

  /** Where peers reach the node. */
  async peerAddress(node: string): Promise<{ host: string; port: number }> {
    const { peerPort } = (await this.ask(node, ['status'])) as NodeStatus;
    assert.ok(peerPort !== null);
    return { host: this.#lab.address(node), port: peerPort };
  }

  /** Where the node puts what it downloads. */
  downloads(node: string): string {
    return join(this.folder, 'downloads', node);
  }

  /** Resolves when the node has everything, which is then compared with the original. */
  async complete(node: string, id: string, name: string, original: string): Promise<void> {
    let last: TransferSummary | undefined;
    const had = await until(
      `${node}: the whole of ${name}`,
      async () => {
        const { transfers } = (await this.ask(node, ['transfers'])) as { readonly transfers: readonly TransferSummary[] };
        last = transfers.find((one) => one.id === id);
        return last?.state === 'seeding' ? last : null;
      },
      DOWNLOAD_MAX_MS,
    ).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}: ${JSON.stringify(last)}`, { cause: error });
    });
    assert.deepEqual(digests(join(had.folder, name)), digests(original));
  }

  async #start(name: string, machine: string, role: string): Promise<void> {
    const program = this.#lab.start(machine, process.execPath, [
      launcher,
      role,
      '--config',
      join(this.folder, `${name}.json`),
      '--stdin-control',
    ]);
    this.#programs.set(name, program);
    await program.line(/^ready /u, READY_MAX_MS);
  }
}
