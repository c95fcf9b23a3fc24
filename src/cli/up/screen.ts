/** What the tour shows: a line a step, with its time; a bar where a terminal is. */
import type { Output } from '../output.ts';
import { ProgressView, type ProgressFacts } from '../render/progress.ts';
import { displayWidth, padStart } from '../render/format.ts';
import { commandLines, type CommandHint } from '../render/text.ts';

export const secondsText = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

export interface StepTime {
  readonly title: string;
  readonly ms: number;
}

/** What a step says of itself at its end. */
export interface StepEnd {
  readonly text: string;
  readonly title: string;
}

export class Screen {
  readonly times: StepTime[] = [];
  readonly #output: Output;
  readonly #view: ProgressView;
  readonly #startMs = performance.now();
  #over = false;

  constructor(output: Output) {
    this.#output = output;
    this.#view = new ProgressView(output);
  }

  heading(text: string): void {
    this.#view.clear();
    this.#output.line();
    this.#output.line(this.#output.style.bold(text));
  }

  /** A line, broken at spaces where a terminal is too narrow; what follows the break begins with `indent` spaces. */
  say(text = '', indent = /^ */u.exec(text)?.[0].length ?? 0): void {
    this.#view.clear();
    this.#output.sentence(text, indent);
  }

  /** A fact between steps. */
  fact(text: string): void {
    this.#marked(this.#output.style.yellow('!'), text);
  }

  /** Commands to try. */
  commands(hints: readonly CommandHint[]): void {
    this.#view.clear();
    for (const line of commandLines(hints, this.#output.columns)) this.#output.line(line);
  }

  /** The tour is over: what steps under way still do or fail to do is no news. */
  end(): void {
    this.#over = true;
    this.#view.clear();
  }

  progress(facts: ProgressFacts): void {
    if (this.#over) return;
    this.#view.show({ ...facts, label: `  ${facts.label}` });
  }

  /**
   * Runs a step and writes its line: what it returns, and how long it took. `title` names it in the summary, unless the
   * step returns a truer one.
   */
  async step(title: string, run: () => Promise<string | StepEnd>): Promise<void> {
    const from = performance.now();
    try {
      const end = await run();
      const { text, title: told } = typeof end === 'string' ? { text: end, title } : end;
      const ms = performance.now() - from;
      this.times.push({ title: told, ms });
      if (!this.#over) this.#marked(this.#output.style.green('✓'), `${text}  ${this.#output.style.dim(secondsText(ms))}`);
    } catch (error) {
      if (!this.#over) this.#marked(this.#output.style.red('✗'), `${title}: ${error instanceof Error ? error.message : String(error)}`);
      throw new StepFailed(title, error);
    }
  }

  /** What comes after the clock and the mark is broken in a column of its own. */
  #marked(mark: string, text: string): void {
    const head = `  ${this.#clock()}  ${mark} `;
    this.say(`${head}${text}`, displayWidth(head));
  }

  #clock(): string {
    return this.#output.style.dim(padStart(secondsText(performance.now() - this.#startMs), 7));
  }
}

/** A step failed, and its line says why. */
export class StepFailed extends Error {
  constructor(title: string, cause: unknown) {
    super(`The step "${title}" failed`, { cause });
  }
}
