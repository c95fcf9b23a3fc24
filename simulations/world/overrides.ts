/**
 * Settings that several faults may want at once: the one that came last counts, and when all are taken away it is what it
 * was before.
 */
export class Overrides<T> {
  readonly #wanted = new Map<string, { readonly value: T }[]>();
  readonly #apply: (key: string, value: T | null) => void;

  /** `apply` is told what counts from now on; null: what was before any. */
  constructor(apply: (key: string, value: T | null) => void) {
    this.#apply = apply;
  }

  /** The answer takes it away. */
  set(key: string, value: T): () => void {
    const entry = { value };
    const wanted = this.#wanted.get(key) ?? [];
    wanted.push(entry);
    this.#wanted.set(key, wanted);
    this.#apply(key, value);
    return () => {
      const place = wanted.indexOf(entry);
      if (place < 0) return;
      wanted.splice(place, 1);
      this.#apply(key, wanted.at(-1)?.value ?? null);
    };
  }
}
