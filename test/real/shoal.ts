/** The command `shoal` as a process, here or on another (made-up) machine. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const launcher = fileURLToPath(new URL('../../bin/shoal.js', import.meta.url));
const COMMAND_MAX_MS = 60_000;
const READY_MAX_MS = 30_000;

export interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

export interface ShoalOptions {
  /** What to put before the command: how to run something on that machine. */
  readonly on?: readonly string[];
  /** Null: standard input stays open. */
  readonly input?: string | null;
  /** How long it may take before it is killed; default: a minute. */
  readonly maxMs?: number;
  /** Sees the process as soon as it runs. */
  readonly started?: (child: ChildProcess) => void;
}

const spawnShoal = (args: readonly string[], on: readonly string[]): ChildProcess => {
  const [program = '', ...rest] = [...on, process.execPath, launcher, ...args];
  return spawn(program, rest, { stdio: ['pipe', 'pipe', 'pipe'] });
};

/** Runs a command to its end; it is killed when that takes too long. */
export const shoal = (
  args: readonly string[],
  { on = [], input = '', maxMs = COMMAND_MAX_MS, started }: ShoalOptions = {},
): Promise<Ended> =>
  new Promise((resolve) => {
    const child = spawnShoal(args, on);
    const timer = setTimeout(() => child.kill('SIGKILL'), maxMs);
    let [out, err] = ['', ''];
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text));
    child.on('error', (error) => (err += error.message));
    child.on('close', (status) => {
      clearTimeout(timer);
      resolve({ status, out, err });
    });
    child.stdin?.on('error', () => {});
    if (input !== null) child.stdin?.end(input);
    started?.(child);
  });

/** A role that serves; it ends when this process does, or by the function that this resolves with. */
export const startRole = (args: readonly string[], on: readonly string[] = []): Promise<() => Promise<void>> =>
  new Promise((resolve, reject) => {
    const child = spawnShoal([...args, '--stdin-control'], on);
    let said = '';
    const ended = new Promise<void>((end) => {
      child.on('error', (error) => reject(error));
      child.on('close', (status) => {
        reject(new Error(`${args.join(' ')} ended with status ${status} before it served: ${said}`));
        end();
      });
    });
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
    }, READY_MAX_MS);
    const stop = async (): Promise<void> => {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 8_000);
      await ended;
      clearTimeout(late);
    };
    child.stdin?.on('error', () => {});
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4_096)));
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!line.startsWith('ready ')) return;
      clearTimeout(timer);
      resolve(stop);
    });
  });
