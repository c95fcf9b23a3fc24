import { syncBuiltinESMExports } from 'node:module';

type Properties = Record<string | symbol, unknown>;

/** Properties of built-in objects replaced for a while. Importers of built-in modules see it too. */
export class Patches {
  readonly #undo: (() => void)[] = [];

  set(target: object, key: string, value: unknown): void {
    this.#define(target, key, { value, writable: true });
  }

  /** What is computed when it is read. */
  setGetter(target: object, key: string, get: (this: unknown) => unknown): void {
    this.#define(target, key, { get });
  }

  #define(target: object, key: string, descriptor: PropertyDescriptor): void {
    const before = Object.getOwnPropertyDescriptor(target, key);
    Object.defineProperty(target, key, { ...descriptor, configurable: true, enumerable: before?.enumerable ?? false });
    this.#undo.push(() => {
      if (before === undefined) delete (target as Properties)[key];
      else Object.defineProperty(target, key, before);
    });
  }

  /** After the last `set`: modules imported by name are bound to the new functions. */
  apply(): void {
    syncBuiltinESMExports();
  }

  /** Takes everything back, the last first. */
  remove(): void {
    for (const undo of this.#undo.splice(0).toReversed()) undo();
    syncBuiltinESMExports();
  }
}

/** A built-in module as `require` sees it, whose properties can be set. */
export const builtin = (name: string): Properties => process.getBuiltinModule(name) as unknown as Properties;

/** Names of the functions of a module that are no classes. */
export const functionsOf = (target: Properties): string[] =>
  Object.keys(target).filter((key) => /^[a-z]/u.test(key) && typeof Object.getOwnPropertyDescriptor(target, key)?.value === 'function');
