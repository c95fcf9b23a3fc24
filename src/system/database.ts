import { Worker } from 'node:worker_threads';
import type { Reactor } from '../bus/reactor.ts';
import type { Database, DatabaseFailure, TransactionMap } from '../ports/database.ts';
import { type Done, fail, type Result } from '../protocol/result.ts';
import type { DatabaseAnswer, DatabaseRequest, DatabaseWorkerData } from './database-worker.ts';
import { moduleUrl } from './source-url.ts';

export interface DatabaseOptions {
  /** The file; its folder must be there. */
  readonly path: string;
  /** The module that has the transactions, and the name that it exports them under. The worker imports it. */
  readonly transactionsUrl: URL;
  readonly transactionsExport: string;
  /** Transactions that may be under way; one more fails with `io`. */
  readonly requestsMax?: number;
}

const REQUESTS_MAX = 65_536;

interface Request {
  readonly name: string;
  readonly done: Done<never, DatabaseFailure>;
}

/** SQLite in a worker thread. Requests are pipelined; the thread runs them in order. */
class WorkerDatabase<T extends TransactionMap> implements Database<T> {
  readonly #reactor: Reactor;
  readonly #path: string;
  readonly #requestsMax: number;
  readonly #worker: Worker;
  readonly #underWay = new Map<number, Request>();
  readonly #closed: (() => void)[] = [];
  #state: 'open' | 'closing' | 'closed' = 'open';
  #lastId = 0;

  constructor(reactor: Reactor, options: DatabaseOptions) {
    this.#reactor = reactor;
    this.#path = options.path;
    this.#requestsMax = options.requestsMax ?? REQUESTS_MAX;
    const workerData: DatabaseWorkerData = {
      path: options.path,
      transactionsUrl: options.transactionsUrl.href,
      transactionsExport: options.transactionsExport,
    };
    this.#worker = new Worker(moduleUrl('./database-worker', import.meta.url), { workerData });
    this.#worker.on('message', (answer: DatabaseAnswer) => this.#answer(answer));
    this.#worker.on('error', (error) => this.#fault(error));
    this.#worker.on('exit', () => this.#exited());
  }

  run<K extends keyof T & string>(name: K, args: T[K]['args'], done: Done<T[K]['result'], DatabaseFailure>): void {
    const id = ++this.#lastId;
    if (this.#state !== 'open') return this.#refuse(id, name, 'is closed', done);
    if (this.#underWay.size >= this.#requestsMax)
      return this.#refuse(id, name, `has ${this.#requestsMax} requests to answer already`, done);
    this.#underWay.set(id, { name, done: done as Done<never, DatabaseFailure> });
    this.#post({ id, name, args });
  }

  close(done: () => void): void {
    if (this.#state === 'closed') {
      setImmediate(() => this.#reactor.step({ port: 'database', id: 0, kind: 'close' }, done));
      return;
    }
    this.#closed.push(done);
    if (this.#state === 'open') this.#post({ close: true });
    this.#state = 'closing';
  }

  #post(request: DatabaseRequest): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage(request);
  }

  #answer(answer: DatabaseAnswer): void {
    const request = this.#underWay.get(answer.id);
    if (request === undefined) throw new Error(`The database answered ${answer.id} twice`);
    this.#underWay.delete(answer.id);
    if ('mistake' in answer)
      return this.#fault(new Error(`Transaction ${request.name} is wrong: ${String(answer.mistake)}`, { cause: answer.mistake }));
    const result = answer.result as Result<never, DatabaseFailure>;
    const kind = result.ok ? request.name : `${request.name}.${result.error.code}`;
    this.#reactor.step({ port: 'database', id: answer.id, kind }, () => request.done(result));
  }

  /** A transaction or the module is wrong, or memory is exhausted: the process ends. */
  #fault(error: unknown): void {
    this.#reactor.step({ port: 'database', id: 0, kind: 'fault' }, () => {
      throw error;
    });
  }

  /** After `close`, when everything is answered; or after a fault, when nothing is delivered any more. */
  #exited(): void {
    this.#state = 'closed';
    this.#underWay.clear();
    for (const done of this.#closed.splice(0)) this.#reactor.step({ port: 'database', id: 0, kind: 'close' }, done);
  }

  #refuse<R>(id: number, name: string, why: string, done: Done<R, DatabaseFailure>): void {
    const failure = fail('io' as const, `The database ${this.#path} ${why}.`);
    setImmediate(() => this.#reactor.step({ port: 'database', id, kind: `${name}.io` }, () => done(failure)));
  }
}

/**
 * A database file in a worker thread. Opening goes on in the background: where it fails (another process has the file,
 * it is damaged), every transaction fails with the reason. Arguments and results are copied by structured clone, which
 * copies the whole buffer that a `Uint8Array` is a part of: hand in small views of large buffers as copies.
 */
export const createDatabase = <T extends TransactionMap>(reactor: Reactor, options: DatabaseOptions): Database<T> =>
  new WorkerDatabase<T>(reactor, options);
