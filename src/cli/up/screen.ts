/** What the tour shows: a line a step, with its time; a bar where a terminal is. */
import type { Output } from '../output.ts';
import { ProgressView, type ProgressFacts } from '../render/progress.ts';
import { padStart } from '../render/format.ts';

export const secondsText = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

export interface StepTime {
  readonly title: string;
  readonly ms: number;
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

  say(text = ''): void {
    this.#view.clear();
    this.#output.line(text);
  }

  /** A fact between steps. */
  fact(text: string): void {
    this.say(`  ${this.#clock()}  ${this.#output.style.yellow('!')} ${text}`);
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

  /** Runs a step and writes its line: what it returns, and how long it took. `title` names it in the summary. */
  async step(title: string, run: () => Promise<string>): Promise<void> {
    const from = performance.now();
    try {
      const text = await run();
      const ms = performance.now() - from;
      this.times.push({ title, ms });
      if (!this.#over) this.say(`  ${this.#clock()}  ${this.#output.style.green('✓')} ${text}  ${this.#output.style.dim(secondsText(ms))}`);
    } catch (error) {
      if (!this.#over)
        this.say(`  ${this.#clock()}  ${this.#output.style.red('✗')} ${title}: ${error instanceof Error ? error.message : String(error)}`);
      throw new StepFailed(title, error);
    }
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
