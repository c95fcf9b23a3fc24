import 'reflect-metadata';
import { container, type DependencyContainer, type InjectionToken, instancePerContainerCachingFactory } from 'tsyringe';
import type { Reactor } from '../bus/reactor.ts';
import type { LedgerTransactions } from '../domain/ledger/types.ts';
import type { Database } from '../ports/database.ts';
import type { Ports } from '../ports/ports.ts';

/** What a role stands on: the same shape over system ports and over simulated ones. */
export interface Environment {
  readonly reactor: Reactor;
  readonly ports: Ports;
  /** Opens the ledger's file; its folder must be there. */
  openDatabase(path: string): Database<LedgerTransactions>;
}

/** A typed name of a part of a process. */
export type Token<T> = InjectionToken<T> & { readonly part?: T };

export const token = <T>(name: string): Token<T> => Symbol(name) as Token<T>;

export const ENVIRONMENT = token<Environment>('environment');

/** The parts of one process: each made when it is first asked for, once. */
export interface Parts {
  provide<T>(name: Token<T>, make: (get: Parts['get']) => T): Parts;
  get<T>(name: Token<T>): T;
}

/** A child container of its own for every process, so that a simulated cluster shares nothing. */
export const partsOf = (environment: Environment): Parts => {
  const child: DependencyContainer = container.createChildContainer();
  child.register(ENVIRONMENT, { useValue: environment });
  const made = new Map<Token<unknown>, unknown>();
  const parts: Parts = {
    provide(name, make) {
      child.register(name, { useFactory: instancePerContainerCachingFactory(() => make(parts.get)) });
      return parts;
    },
    get<T>(name: Token<T>): T {
      // Parts ask for each other with every frame: looking it up in the container costs more than many a frame.
      if (!made.has(name)) made.set(name, child.resolve(name));
      return made.get(name) as T;
    },
  };
  return parts;
};

/** Who this incarnation is, in hellos and request ids: 128 bits that nobody had before, as hexadecimal digits. */
export const newIncarnation = ({ crypto }: Ports): string => Buffer.from(crypto.secretBytes(16)).toString('hex');
