import type { ProgramEnd, ProgramRequest, Programs } from '../../src/ports/programs.ts';
import { type Done, type Failure, fail, ok } from '../../src/protocol/result.ts';
import type { Outbox } from './outbox.ts';

/** A program that a process has started. */
export interface ProgramStarted {
  readonly command: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** Where they are kept, and what becomes of each: its status, or null where it cannot be started. Survives a crash of the process. */
export interface ProgramBook {
  readonly programs: ProgramStarted[];
  readonly programEnd: (started: ProgramStarted) => number | null;
}

const RUN_MICROS = 50_000;

/** Nothing runs: what was to be started is written down, and ends after a while. */
export class SimulatedPrograms implements Programs {
  readonly #book: ProgramBook;
  readonly #outbox: Outbox;

  constructor(book: ProgramBook, outbox: Outbox) {
    this.#book = book;
    this.#outbox = outbox;
  }

  run({ command, variables, timeoutMs }: ProgramRequest, done: Done<ProgramEnd, Failure<'failed'>>): void {
    const started = { command, variables, timeoutMs };
    this.#book.programs.push(started);
    this.#outbox.after(RUN_MICROS, () => {
      const status = this.#book.programEnd(started);
      const result =
        status === null
          ? fail('failed' as const, `${command[0]} could not be started: there is no such file.`)
          : ok({ status, timedOut: false, output: '' });
      this.#outbox.answer('ended', () => done(result));
    });
  }
}
