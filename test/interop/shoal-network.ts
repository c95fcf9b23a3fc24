/** A network of Shoal on the machines of a lab: proxy, tracker and backup on the hub, each node on a machine of its own. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createNetwork } from '../../src/cli/commands/network.ts';
import type { NodeStatus, TransferSummary } from '../../src/protocol/api.ts';
import { redress } from '../../src/protocol/bittorrent/redress.ts';
import { valueOf } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { readScrapeReply } from '../../src/protocol/tracker/scrape.ts';
import { shoal } from '../real/shoal.ts';
import { digests, type Lab } from './machines.ts';
import type { Program } from './process.ts';

const launcher = fileURLToPath(new URL('../../bin/shoal.js', import.meta.url));
const PORTS = { tracker: 7401, backup: 7402, proxy: 7411 } as const;
const ANNOUNCE_PORT = 6969;
/** Signs of life in seconds, so that no test waits for what a network of days does in minutes. */
const TIMING = { announceIntervalSeconds: 5, aliveSeconds: 3, removeSeconds: 30 };
const PASSWORD = 'correct horse battery\n';
const READY_MAX_MS = 30_000;
/** Of a command; downloads are commands, too, and wait for other programs. */
const COMMAND_MAX_MS = 120_000;

type ServerName = 'proxy' | 'tracker' | 'backup';

export interface ShoalNetworkOptions {
  /** Who may announce at its gate. */
  readonly passkeys?: 'required' | 'open';
  /** Of each node, up and down: bytes a second, 0 for no limit. */
  readonly rate?: number;
}

export class ShoalNetwork {
  readonly folder: string;
  readonly #lab: Lab;
  readonly #programs = new Map<string, Program>();
  #torrents = 0;

  private constructor(lab: Lab, folder: string) {
    this.#lab = lab;
    this.folder = folder;
  }

  /** All of it runs, and each node is signed in with an account of its own name. `nodes`: names of machines, too. */
  static async start(
    lab: Lab,
    nodes: readonly string[],
    { passkeys = 'required', rate = 0 }: ShoalNetworkOptions = {},
  ): Promise<ShoalNetwork> {
    const folder = lab.place('network');
    const host = lab.address('hub');
    const at = (port: number): { host: string; port: number } => ({ host, port });
    createNetwork(folder, {
      name: 'interop',
      registration: 'open',
      tracker: at(PORTS.tracker),
      backup: at(PORTS.backup),
      proxies: [{ ...at(PORTS.proxy), announcePort: ANNOUNCE_PORT }],
      passkeys,
      witnesses: 1,
      nodes,
      rate,
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

  /** Where anybody may announce, in an open network. */
  get openAnnounceUrls(): { readonly http: string; readonly udp: string } {
    const place = `${this.#lab.address('hub')}:${ANNOUNCE_PORT}/announce`;
    return { http: `http://${place}`, udp: `udp://${place}` };
  }

  program(name: string): Program {
    const program = this.#programs.get(name);
    if (program === undefined) throw new Error(`${name} was not started`);
    return program;
  }

  /** A command of the user of a node; it must succeed. */
  async run(node: string, args: readonly string[], input = ''): Promise<string> {
    const config = join(this.folder, `${node}.json`);
    const { status, out, err } = await shoal([...args, '--config', config], { on: this.#lab.on(node), input, maxMs: COMMAND_MAX_MS });
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

  /** A personal announce URL for a client of another make, by an account's node. */
  async announceUrls(node: string, device: string): Promise<{ readonly http: string; readonly udp: string }> {
    const { announce } = (await this.ask(node, ['passkey', 'new', device])) as {
      readonly announce: readonly { readonly http: string; readonly udp: string }[];
    };
    const [first] = announce;
    assert.ok(first !== undefined, 'the proxy has a gate');
    return first;
  }

  /** The torrent file of a content, with these announce URLs: one tier each. */
  async torrent(node: string, id: string, ...urls: readonly string[]): Promise<Uint8Array> {
    const folder = this.#lab.place('torrents', `${node}-${id.slice(0, 12)}-${this.#torrents++}`);
    await this.run(node, ['torrent', id, '--out', folder]);
    const [name = ''] = readdirSync(folder);
    const torrent = readFileSync(join(folder, name));
    return urls.length === 0 ? torrent : valueOf(redress(torrent, { trackers: urls.map((url) => [url]) }));
  }

  /** The magnet link of a content, with this announce URL in place of the node's own. */
  async magnet(node: string, id: string, url: string): Promise<string> {
    const bare = (await this.run(node, ['magnet', id, '--bare'])).trim();
    return `${bare}&tr=${encodeURIComponent(url)}`;
  }

  /**
   * Downloads to the end, and compares every byte with the original. Resolves with whom the bytes came from: names of nodes,
   * addresses of others.
   */
  async get(node: string, what: string, original: string): Promise<readonly string[]> {
    const { id } = (await this.ask(node, ['get', what])) as { readonly id: string };
    const transfer = await this.transfer(node, id);
    assert.ok(transfer !== null, `${node} has ${id}`);
    assert.equal(digests(join(transfer.folder, transfer.name))[''], digests(original)['']);
    assert.deepEqual(digests(join(transfer.folder, transfer.name)), digests(original));
    return transfer.sources.map(({ node: source, name }) => (name === '' ? source : name));
  }

  async transfer(node: string, id: string): Promise<TransferSummary | null> {
    const { transfers } = (await this.ask(node, ['ls'])) as { readonly transfers: readonly TransferSummary[] };
    return transfers.find((one) => one.id === id) ?? null;
  }

  /** How the gate says that a swarm stands. `hash`: 20 bytes in hexadecimal digits. */
  async scrape(
    announceUrl: string,
    hash: string,
  ): Promise<{ readonly seeders: number; readonly leechers: number; readonly completed: number }> {
    const url = announceUrl.replace(/announce$/u, 'scrape');
    const { body } = await this.#lab.http(`${url}?info_hash=%${(hash.match(/../gu) ?? []).join('%')}`);
    const read = valueOf(readScrapeReply(body));
    assert.equal(read.kind, 'reply', JSON.stringify(read));
    const [swarm] = read.kind === 'reply' ? read.swarms : [];
    return swarm ?? { seeders: 0, leechers: 0, completed: 0 };
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
