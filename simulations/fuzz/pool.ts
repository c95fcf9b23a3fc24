/** Worker processes of the fuzzer: each has one task at a time; one that dies or hangs is replaced. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Answer, Task } from './messages.ts';

const worker = fileURLToPath(new URL('worker.ts', import.meta.url));
/** A run takes seconds; one that takes this long goes round in circles within one event. */
const RUN_SECONDS_MAX = 180;
/** Beside what shrinking is given for itself. */
const GRACE_SECONDS = 180;
/** A worker is replaced after so many tasks, lest what engines keep adds up. */
const TASKS_MAX = 1_000;

/** One thread for one process: its garbage collector's helpers would be in the way of the other workers. */
const NODE_OPTIONS = ['--single-threaded-gc', '--max-semi-space-size=32'];

/** Characters of what a worker complained of that are kept. */
const WORDS_MAX = 2_000;

export type Told = (answer: Answer | { readonly did: 'died'; readonly why: string }) => void;

export class Worker {
  readonly number: number;
  #child: ChildProcess | null = null;
  #told: Told | null = null;
  #timer: NodeJS.Timeout | null = null;
  #tasks = 0;

  constructor(number: number) {
    this.number = number;
  }

  get busy(): boolean {
    return this.#told !== null;
  }

  /** Does a task; `told` is called once. */
  give(task: Task, told: Told): void {
    if (this.#told !== null) throw new Error('A worker has one task at a time');
    if (this.#tasks >= TASKS_MAX) this.end();
    const child = (this.#child ??= this.#start());
    this.#tasks++;
    this.#told = told;
    const seconds = task.do === 'run' ? RUN_SECONDS_MAX : task.secondsMax + GRACE_SECONDS;
    this.#timer = setTimeout(() => this.#died(`did not come to an end within ${seconds} s`), seconds * 1_000);
    child.send(task);
  }

  /** Ends its process. A task under way is never answered. */
  end(): void {
    const child = this.#child;
    this.#child = null;
    this.#tasks = 0;
    if (this.#timer !== null) clearTimeout(this.#timer);
    child?.removeAllListeners();
    child?.kill('SIGKILL');
  }

  #start(): ChildProcess {
    const child = fork(worker, [], { execArgv: NODE_OPTIONS, stdio: ['ignore', 'inherit', 'pipe', 'ipc'] });
    let words = '';
    child.stderr?.on('data', (chunk: Buffer) => (words = (words + chunk.toString('utf8')).slice(-WORDS_MAX)));
    child.on('message', (answer: Answer) => this.#answer(answer));
    child.on('error', (error) => this.#died(error.message));
    child.on('close', (code, signal) => this.#died(`did not end well: its process did (${signal ?? `status ${code}`}) ${words}`.trim()));
    return child;
  }

  #died(why: string): void {
    this.end();
    this.#answer({ did: 'died', why });
  }

  #answer(answer: Parameters<Told>[0]): void {
    const told = this.#told;
    this.#told = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    told?.(answer);
  }
}
