/** A real program as a child of the test: its lines are heard, and it is ended by its id, also where the test fails. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const LINES_KEPT = 1000;
const STOP_MAX_MS = 4_000;
const WAIT_MAX_MS = 20_000;

const running = new Set<Program>();
process.once('exit', () => {
  for (const program of running) program.killNow();
});

export interface ProgramOptions {
  /** What goes before the command: how something is run on that machine. */
  readonly on?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

interface Waiter {
  readonly pattern: RegExp;
  readonly found: (match: RegExpExecArray) => void;
}

export class Program {
  readonly name: string;
  /** Resolves when it has ended, however. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  readonly #waiters = new Set<Waiter>();
  #lines: string[] = [];
  #over = false;
  #exit = '';

  constructor(name: string, command: string, args: readonly string[], { on = [], env = {}, cwd }: ProgramOptions = {}) {
    this.name = name;
    const [program = command, ...rest] = [...on, command, ...args];
    this.#child = spawn(program, rest, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
      ...(cwd === undefined ? {} : { cwd }),
    });
    running.add(this);
    this.#child.stdin?.on('error', () => {});
    for (const stream of [this.#child.stdout, this.#child.stderr])
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.#heard(line));
    this.ended = new Promise((resolve) => {
      const over = (how: string): void => {
        this.#exit = how;
        this.#over = true;
        running.delete(this);
        resolve();
      };
      this.#child.once('error', (error) => over(error.message));
      this.#child.once('close', (status, signal) => over(`it ended with ${signal ?? `status ${status}`}`));
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The last lines that it wrote, and how it ended where it has. */
  lastWords(count = 15): string {
    return [...this.#lines.slice(-count), this.#exit].filter((line) => line !== '').join('\n');
  }

  /** Resolves with the first line that fits, among those kept and those to come. */
  line(pattern: RegExp, maxMs = WAIT_MAX_MS): Promise<RegExpExecArray> {
    for (const line of this.#lines) {
      const match = pattern.exec(line);
      if (match !== null) return Promise.resolve(match);
    }
    return this.next(pattern, maxMs);
  }

  /** Resolves with the first line to come that fits. */
  next(pattern: RegExp, maxMs = WAIT_MAX_MS): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        settle();
        reject(new Error(`${this.name}: no line ${pattern} ${why}; it said last:\n${this.lastWords()}`));
      };
      const settle = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        pattern,
        found: (match) => {
          settle();
          resolve(match);
        },
      };
      const timer = setTimeout(() => fail(`within ${maxMs} ms`), maxMs);
      this.#waiters.add(waiter);
      void this.ended.then(() => (this.#waiters.has(waiter) ? fail('before it ended') : undefined));
    });
  }

  say(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** SIGTERM, and SIGKILL when that takes too long. */
  async stop(): Promise<void> {
    if (!this.#over) this.#child.kill('SIGTERM');
    const late = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MAX_MS);
    await this.ended;
    clearTimeout(late);
  }

  /** SIGKILL: no goodbye. */
  async kill(): Promise<void> {
    this.killNow();
    await this.ended;
  }

  killNow(): void {
    if (!this.#over) this.#child.kill('SIGKILL');
  }

  #heard(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > LINES_KEPT) this.#lines = this.#lines.slice(-LINES_KEPT / 2);
    for (const waiter of this.#waiters) {
      const match = waiter.pattern.exec(line);
      if (match !== null) waiter.found(match);
    }
  }
}

/** Lines of JSON to a program and back: each call has one answer, `{id, ok}` or `{id, error}`. */
export class Calls {
  readonly program: Program;
  #lastId = 0;

  constructor(program: Program) {
    this.program = program;
  }

  async call(name: string, args: object = {}, maxMs = WAIT_MAX_MS): Promise<unknown> {
    const id = ++this.#lastId;
    const answered = this.program.next(new RegExp(`^\\{"id": ?${id},.*\\}$`, 'u'), maxMs);
    this.program.say(JSON.stringify({ id, call: name, ...args }));
    const answer = JSON.parse((await answered)[0]) as { readonly ok?: unknown; readonly error?: string };
    if (answer.error !== undefined) throw new Error(`${this.program.name} ${name}: ${answer.error}`);
    return answer.ok;
  }
}
