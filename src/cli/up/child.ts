/** A role as an operating-system process of its own, started by the tour. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { getCompileCacheDir } from 'node:module';
import { createInterface } from 'node:readline';

const READY_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 8_000;
const TAIL_LINES = 12;
const TAIL_BYTES = 16 * 1024;

/**
 * The allocator of Linux gives threads memory of their own, and keeps it: some megabytes in a process with ten threads of
 * which one does nearly all. One part for all saves 5 to 8 MB. Only what the environment does not say itself.
 */
const ONE_ARENA = { MALLOC_ARENA_MAX: '1' };

/** How a process ended by itself. */
export interface Death {
  readonly code: number | null;
  /** Where a signal ended it. */
  readonly signal: NodeJS.Signals | null;
}

export interface ChildPlan {
  readonly role: 'tracker' | 'backup' | 'proxy' | 'node';
  readonly name: string;
  readonly configFile: string;
  readonly logFile: string;
}

/** As a sentence names it: "The backup", "The main tracker", "The node bob". */
export const titleOf = ({ role, name }: Pick<ChildPlan, 'role' | 'name'>): string =>
  role === 'node' ? `The node ${name}` : role === 'tracker' ? 'The main tracker' : `The ${role}`;

/** The last lines of a log file, as they are; none where it cannot be read. */
const tailOf = (path: string): string[] => {
  try {
    const { size } = statSync(path);
    const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES));
    const file = openSync(path, 'r');
    readSync(file, buffer, 0, buffer.length, size - buffer.length);
    closeSync(file);
    return buffer.toString('utf8').trimEnd().split('\n').slice(-TAIL_LINES);
  } catch {
    return [];
  }
};

export class Child {
  readonly plan: ChildPlan;
  readonly #process: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #errors: string[] = [];
  #statusWaiters: ((status: Record<string, unknown>) => void)[] = [];
  #ready: () => void = () => {};
  #expected = false;

  /** `onDeath` is called when it ends without having been told to. */
  constructor(plan: ChildPlan, main: string, onDeath: (child: Child, death: Death) => void) {
    this.plan = plan;
    // Its own process group: Ctrl-C reaches the tour alone, which stops its children in order. If the tour itself is
    // killed, their standard input ends, and so do they.
    const cache = getCompileCacheDir();
    this.#process = spawn(process.execPath, [main, plan.role, '--config', plan.configFile, '--stdin-control'], {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env: { ...ONE_ARENA, ...process.env, ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }) },
    });
    const { stdin, stdout, stderr } = this.#process;
    stdin?.on('error', () => {});
    if (stdout) createInterface({ input: stdout }).on('line', (line) => this.#heard(line));
    if (stderr) createInterface({ input: stderr }).on('line', (line) => this.#complained(line));
    this.#exited = new Promise((resolve) => {
      this.#process.once('error', (error) => this.#complained(error.message));
      this.#process.once('close', (code, signal) => {
        resolve();
        if (!this.#expected) onDeath(this, { code, signal });
      });
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** What it said last: its complaints, or else its log. */
  lastWords(): string[] {
    const log = tailOf(this.plan.logFile);
    return this.#errors.length > 0 ? this.#errors.slice(-TAIL_LINES) : log;
  }

  /** Resolves when it serves; rejects when it ends before that, or takes too long. */
  ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${titleOf(this.plan)} did not get ready within ${READY_TIMEOUT_MS / 1000} s`)),
        READY_TIMEOUT_MS,
      );
      this.#ready = () => {
        clearTimeout(timer);
        resolve();
      };
      void this.#exited.then(() => {
        clearTimeout(timer);
        reject(new Error(`${titleOf(this.plan)} did not start: ${this.lastWords().join('\n')}`));
      });
    });
  }

  /** Its own account of itself; rejects when it ends before it answers. */
  status(): Promise<Record<string, unknown>> {
    return new Promise((resolve, reject) => {
      void this.#exited.then(() => reject(new Error(`${titleOf(this.plan)} has ended`)));
      this.#statusWaiters.push(resolve);
      this.#process.stdin?.write('status\n');
    });
  }

  /** SIGKILL: no goodbye. */
  async kill(): Promise<void> {
    this.#expected = true;
    this.#process.kill('SIGKILL');
    await this.#exited;
  }

  /** SIGTERM, and SIGKILL when that takes too long. */
  async stop(): Promise<void> {
    this.#expected = true;
    this.#process.kill('SIGTERM');
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #heard(line: string): void {
    if (line.startsWith('ready ')) this.#ready();
    if (!line.startsWith('status ')) return;
    this.#statusWaiters.shift()?.(JSON.parse(line.slice('status '.length)) as Record<string, unknown>);
  }

  #complained(line: string): void {
    this.#errors.push(line);
    if (this.#errors.length > TAIL_LINES) this.#errors.shift();
  }
}
