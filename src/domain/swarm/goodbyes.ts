import type { Micros } from '../../ports/clock.ts';

/** How a node was when it said goodbye. */
export interface Goodbye {
  readonly incarnation: string;
  /** Of the last announce that was heard of this incarnation: what it announces when it comes back has higher ones. */
  readonly sequence: number;
  readonly saidAt: Micros;
}

/**
 * Nodes that have left, remembered while somebody may still tell of them as they were before: another replica that led
 * meanwhile and never heard the goodbye, or a proxy. Of more than `max` the oldest goodbyes are forgotten.
 */
export class Goodbyes {
  readonly #max: number;
  /** In the order in which they were said. */
  readonly #said = new Map<string, Goodbye>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#said.size;
  }

  add(node: string, goodbye: Goodbye): void {
    this.#said.delete(node);
    this.#said.set(node, goodbye);
    if (this.#said.size <= this.#max) return;
    const [oldest] = this.#said.keys();
    if (oldest !== undefined) this.#said.delete(oldest);
  }

  /** The last goodbye of a node, or null. */
  of(node: string): Goodbye | null {
    return this.#said.get(node) ?? null;
  }

  /** Forgets what was said before `since`. */
  expire(since: Micros): void {
    for (const [node, { saidAt }] of this.#said) {
      if (saidAt >= since) return;
      this.#said.delete(node);
    }
  }
}
