/** Machines that a test makes: each a network namespace with an address of its own, all on one switch. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Calls, Program, type ProgramOptions } from './process.ts';

const ip = (...args: readonly string[]): { readonly ok: boolean; readonly why: string } => {
  const { status, error, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  return { ok: status === 0, why: error?.message ?? stderr.trim() };
};
const mustIp = (...args: readonly string[]): void => {
  const { ok, why } = ip(...args);
  assert.ok(ok, `ip ${args.join(' ')}: ${why}`);
};

/** Why no machines can be made here; null where they can. */
export const machinesMissing = (): string | null => {
  const name = `si${process.pid.toString(36)}-try`;
  const attempts: readonly (readonly string[])[] = [
    ['netns', 'add', name],
    ['netns', 'exec', name, 'true'],
    ['-n', name, 'link', 'add', 'br0', 'type', 'bridge'],
    ['-n', name, 'link', 'add', 'tried', 'type', 'veth', 'peer', 'name', 'tried-too'],
  ];
  const failed = attempts.map((args) => ip(...args)).find(({ ok }) => !ok);
  ip('netns', 'del', name);
  return failed === undefined
    ? null
    : `network namespaces cannot be had here (${failed.why}): they need the command ip and the right to make them`;
};

export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface HttpRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** The machine that asks. */
  readonly from?: string;
}

let labs = 0;

/** Some machines, and what runs on them. The first, `hub`, is where the test itself looks in from. */
export class Lab {
  readonly folder: string;
  readonly #tag: string;
  readonly #addresses = new Map<string, string>();
  readonly #programs: Program[] = [];
  /** By machine. */
  readonly #relays = new Map<string, Calls>();

  constructor(machines: readonly string[]) {
    this.folder = mkdtempSync(join(tmpdir(), 'shoal-interop-'));
    this.#tag = `si${process.pid.toString(36)}${labs++}`;
    process.once('exit', this.#remove);
    for (const [index, machine] of ['hub', ...machines].entries()) this.#make(machine, `10.78.0.${index + 1}`);
  }

  address(machine: string): string {
    const address = this.#addresses.get(machine);
    if (address === undefined) throw new Error(`There is no machine ${machine}`);
    return address;
  }

  /** What to put before a command that is to run there. */
  on(machine: string): string[] {
    this.address(machine);
    return ['ip', 'netns', 'exec', this.#namespace(machine)];
  }

  /** A folder of its own for something. */
  place(...names: readonly string[]): string {
    const path = join(this.folder, ...names);
    mkdirSync(path, { recursive: true });
    return path;
  }

  start(machine: string, command: string, args: readonly string[], options: Omit<ProgramOptions, 'on'> = {}): Program {
    const program = new Program(`${command.slice(command.lastIndexOf('/') + 1)} on ${machine}`, command, args, {
      ...options,
      on: this.on(machine),
    });
    this.#programs.push(program);
    return program;
  }

  /** A request over the network of these machines. */
  async http(url: string, { method = 'GET', headers = {}, body, from = 'hub' }: HttpRequest = {}): Promise<HttpReply> {
    const relay =
      this.#relays.get(from) ?? new Calls(this.start(from, process.execPath, [fileURLToPath(new URL('relay.ts', import.meta.url))]));
    this.#relays.set(from, relay);
    const reply = (await relay.call('http', {
      url,
      method,
      headers,
      body: body === undefined ? null : Buffer.from(body).toString('base64'),
    })) as {
      readonly status: number;
      readonly headers: Record<string, string>;
      readonly body: string;
    };
    return { ...reply, body: Buffer.from(reply.body, 'base64') };
  }

  /** Ends all that runs and removes the machines and the folder. */
  async close(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.stop()));
    this.#remove();
    process.off('exit', this.#remove);
  }

  #namespace(machine: string): string {
    return `${this.#tag}-${machine}`;
  }

  #make(machine: string, address: string): void {
    const namespace = this.#namespace(machine);
    mustIp('netns', 'add', namespace);
    this.#addresses.set(machine, address);
    mustIp('-n', namespace, 'link', 'set', 'lo', 'up');
    const hub = this.#namespace('hub');
    if (machine === 'hub') mustIp('-n', hub, 'link', 'add', 'br0', 'type', 'bridge');
    else {
      const cable = `to${this.#addresses.size}`;
      mustIp('-n', hub, 'link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
      mustIp('-n', hub, 'link', 'set', cable, 'master', 'br0', 'up');
    }
    const own = machine === 'hub' ? 'br0' : 'eth0';
    mustIp('-n', namespace, 'addr', 'add', `${address}/24`, 'dev', own);
    mustIp('-n', namespace, 'link', 'set', own, 'up');
    // Programs that look for the machine's own address want a way out.
    mustIp('-n', namespace, 'route', 'add', 'default', 'via', machine === 'hub' ? address : this.address('hub'));
  }

  /** With the namespaces go the interfaces in them. */
  readonly #remove = (): void => {
    for (const program of this.#programs) program.killNow();
    for (const machine of this.#addresses.keys()) ip('netns', 'del', this.#namespace(machine));
    rmSync(this.folder, { recursive: true, force: true });
  };
}

/** SHA-256 of every file below a folder, or of the one file, by path. */
export const digests = (path: string): Record<string, string> => {
  const found: Record<string, string> = {};
  const look = (at: string, name: string): void => {
    let entries: string[] | null = null;
    try {
      entries = readdirSync(at);
    } catch {
      // A file.
    }
    if (entries === null) found[name] = createHash('sha256').update(readFileSync(at)).digest('hex');
    else for (const entry of entries) look(join(at, entry), name === '' ? entry : `${name}/${entry}`);
  };
  look(path, '');
  return found;
};
