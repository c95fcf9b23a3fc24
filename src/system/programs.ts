import { type ChildProcess, spawn } from 'node:child_process';
import type { Reactor } from '../bus/reactor.ts';
import type { ProgramEnd, ProgramRequest, Programs } from '../ports/programs.ts';
import { type Done, type Failure, fail, ok, type Result } from '../protocol/result.ts';

/** A program that does not end when asked to is ended after this. */
const GRACE_MS = 5_000;

export interface SystemPrograms extends Programs {
  /** Asks those that run to end; nothing is answered any more. */
  close(): void;
}

class NodePrograms implements SystemPrograms {
  readonly #reactor: Reactor;
  readonly #running = new Map<number, ChildProcess>();
  #closed = false;
  #lastId = 0;

  constructor(reactor: Reactor) {
    this.#reactor = reactor;
  }

  run(request: ProgramRequest, done: Done<ProgramEnd, Failure<'failed'>>): void {
    const id = ++this.#lastId;
    const answer = (result: Result<ProgramEnd, Failure<'failed'>>): void => {
      if (!this.#running.delete(id) || this.#closed) return;
      this.#reactor.step({ port: 'programs', id, kind: 'ended' }, () => done(result));
    };
    const [program = '', ...rest] = request.command;
    const child = spawn(program, rest, {
      shell: false,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...request.variables },
      windowsHide: true,
    });
    this.#running.set(id, child);
    const output = new Output(child, request.outputBytesMax);
    const limit = { timedOut: false };
    const end = setTimeout(() => {
      limit.timedOut = true;
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), GRACE_MS).unref();
    }, request.timeoutMs);
    child.once('error', (error) => {
      clearTimeout(end);
      answer(fail('failed', `${program} could not be started: ${error.message}`));
    });
    child.once('exit', (status) => {
      clearTimeout(end);
      // What it has started in turn may hold its output open for ever.
      setImmediate(() => {
        answer(ok({ status, timedOut: limit.timedOut, output: output.text }));
        output.stop();
      });
    });
  }

  close(): void {
    this.#closed = true;
    for (const child of this.#running.values()) child.kill('SIGTERM');
    this.#running.clear();
  }
}

/** The first bytes of both streams, in the order in which they came. */
class Output {
  readonly #child: ChildProcess;
  readonly #chunks: Buffer[] = [];
  #left: number;

  constructor(child: ChildProcess, bytesMax: number) {
    this.#child = child;
    this.#left = bytesMax;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('error', () => {});
      stream?.on('data', (chunk: Buffer) => {
        const kept = chunk.subarray(0, this.#left);
        this.#left -= kept.length;
        if (kept.length > 0) this.#chunks.push(kept);
      });
    }
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }

  stop(): void {
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }
}

/** Programs as processes of this machine, started without a shell. */
export const createPrograms = (reactor: Reactor): SystemPrograms => new NodePrograms(reactor);
