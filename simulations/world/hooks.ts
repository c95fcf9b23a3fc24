import type { Observer } from './observer.ts';

/** Who listens to each kind of fact; empty lists cost nothing. */
export type Hooks = { readonly [K in keyof Observer]-?: NonNullable<Observer[K]>[] };

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

  add(observer: Observer): void {
    for (const name of Object.keys(this.hooks) as (keyof Observer)[]) {
      const method = observer[name] as ((...args: never[]) => void) | undefined;
      if (method !== undefined) (this.hooks[name] as unknown[]).push(this.#guarded(observer, method));
    }
  }

  /** No method has more than five arguments; a list of them for each call would cost more than most of what is done with it. */
  #guarded(observer: Observer, method: (...args: never[]) => unknown): (...args: unknown[]) => void {
    const told = method.bind(observer) as (a: unknown, b: unknown, c: unknown, d: unknown, e: unknown) => unknown;
    return (a, b, c, d, e) => {
      try {
        told(a, b, c, d, e);
      } catch (error) {
        this.broken ??= { error };
        throw error;
      }
    };
  }
}
