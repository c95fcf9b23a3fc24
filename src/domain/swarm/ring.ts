/** Something that has a place in neighbourhoods. */
export interface Filed {
  readonly neighbourhoods: readonly string[];
}

/**
 * Items in the order in which they were handed out, longest ago first, also by neighbourhood: taking from the front and
 * putting back at the end gives everybody the same load.
 */
export class Ring<T extends Filed> {
  readonly #all = new Set<T>();
  readonly #near = new Map<string, Set<T>>();

  get size(): number {
    return this.#all.size;
  }

  add(item: T): void {
    this.#all.add(item);
    for (const place of item.neighbourhoods) {
      const there = this.#near.get(place);
      if (there === undefined) this.#near.set(place, new Set([item]));
      else there.add(item);
    }
  }

  remove(item: T): void {
    this.#all.delete(item);
    for (const place of item.neighbourhoods) {
      const there = this.#near.get(place);
      there?.delete(item);
      if (there?.size === 0) this.#near.delete(place);
    }
  }

  handedOut(item: T): void {
    this.remove(item);
    this.add(item);
  }

  /** Those in one of the neighbourhoods, some perhaps twice. */
  *near(neighbourhoods: readonly string[]): Generator<T> {
    for (const place of neighbourhoods) yield* this.#near.get(place) ?? [];
  }

  all(): Iterable<T> {
    return this.#all;
  }
}
