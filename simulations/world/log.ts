import type { Micros } from '../../src/ports/clock.ts';
import type { Log } from '../../src/ports/log.ts';

export interface LogLine {
  readonly at: Micros;
  readonly process: string;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** What the processes of a world log: the last lines are kept. */
export class LogBook {
  readonly #now: () => Micros;
  readonly #linesMax: number;
  readonly #hooks: readonly ((line: LogLine) => void)[];
  #lines: LogLine[] = [];

  constructor(now: () => Micros, linesMax: number, hooks: readonly ((line: LogLine) => void)[]) {
    this.#now = now;
    this.#linesMax = linesMax;
    this.#hooks = hooks;
  }

  /** The last lines, oldest first; at most `linesMax`. */
  lines(): readonly LogLine[] {
    return this.#lines.slice(-this.#linesMax);
  }

  of(process: string, bindings: Readonly<Record<string, string | number>> = {}): Log {
    const write = (level: LogLine['level']) => (fields: object, message: string) =>
      this.#write({ at: this.#now(), process, level, fields: { ...bindings, ...fields }, message });
    return {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: (more) => this.of(process, { ...bindings, ...more }),
    };
  }

  #write(line: LogLine): void {
    this.#lines.push(line);
    if (this.#lines.length >= 2 * this.#linesMax) this.#lines = this.#lines.slice(-this.#linesMax);
    for (const hook of this.#hooks) hook(line);
  }
}
