import type { Observer } from './observer.ts';

/** Who listens to each kind of fact; empty lists cost nothing. */
export type Hooks = { readonly [K in keyof Observer]-?: NonNullable<Observer[K]>[] };

/** No fact has more than five parts; a list of them for each call would cost more than most of what is done with it. */
type Told = (a: unknown, b: unknown, c: unknown, d: unknown, e: unknown) => void;

/** What observers of a world listen to. What one of them throws ends the run, wherever in the world it was told. */
export class Observers {
  readonly hooks: Hooks = {
    started: [],
    stopped: [],
    sent: [],
    received: [],
    committed: [],
    written: [],
    transition: [],
    logged: [],
    stepped: [],
    called: [],
    answered: [],
  };
  /** What an observer threw first. */
  broken: { readonly error: unknown } | null = null;
  readonly #told: Partial<Record<keyof Observer, Told[]>> = {};

  add(observer: Observer): void {
    for (const name of Object.keys(this.hooks) as (keyof Observer)[]) {
      const method = observer[name] as ((...args: never[]) => void) | undefined;
      if (method === undefined) continue;
      const told = this.#told[name] ?? this.#begin(name);
      told.push(method.bind(observer) as Told);
    }
  }

  /** One hook for all who listen to a kind of fact: most of them look away at once, and a guard for each would cost more than that. */
  #begin(name: keyof Observer): Told[] {
    const told: Told[] = [];
    this.#told[name] = told;
    (this.hooks[name] as unknown[]).push((a: unknown, b: unknown, c: unknown, d: unknown, e: unknown) => {
      try {
        for (const tell of told) tell(a, b, c, d, e);
      } catch (error) {
        this.broken ??= { error };
        throw error;
      }
    });
    return told;
  }
}
