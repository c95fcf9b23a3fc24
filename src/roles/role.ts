import type { ApiCallName, ApiCalls } from '../protocol/api.ts';
import type { Done, Result } from '../protocol/result.ts';

/**
 * A role as its process sees it: the same for a daemon and for a simulated process. Calls are made inside a step, and
 * answers come inside a step.
 */
export interface Role {
  /** Answers when the role serves (its ports are open), or why it cannot. */
  start(done: Done<void>): void;
  /** Says goodbye where that is polite, closes everything, answers once. */
  stop(done: () => void): void;
  /** Facts for people and tests; JSON. */
  status(): object;
}

/** Why a role has ended by itself where the program is not to blame: what it keeps on disk cannot be used. */
export class Halted extends Error {
  override readonly name = 'Halted';
}

/** A node can also be asked by its user. */
export interface NodeRole extends Role {
  call<K extends ApiCallName>(name: K, args: ApiCalls[K]['args'], done: Done<ApiCalls[K]['result']>): void;
}

/** A role on system ports: a daemon, for code that lives with promises (the command line). */
export interface Daemon {
  /** Where it listens, by purpose (`control`, `members`, `peers`, `api`), once started. */
  readonly addresses: Readonly<Record<string, string>>;
  start(): Promise<Result<void>>;
  /** Clean; safe to call twice. */
  stop(): Promise<void>;
  status(): object;
  /** Asks a node; other roles answer with a failure. */
  call<K extends ApiCallName>(name: K, args: ApiCalls[K]['args']): Promise<Result<ApiCalls[K]['result']>>;
  /** Resolves when the daemon has ended by itself: a programmer's mistake or a halted ledger. */
  readonly ended: Promise<Error | null>;
}
