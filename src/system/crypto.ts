import { argon2, randomBytes } from 'node:crypto';
import type { Reactor } from '../bus/reactor.ts';
import { BoundedQueue } from '../ports/bounded-queue.ts';
import type { Crypto, CryptoFailure, PasswordCost, PieceDigestPlan, PieceDigests } from '../ports/crypto.ts';
import { type Done, fail, ok, type Result } from '../protocol/result.ts';
import { argon2Parameters } from './argon2-parameters.ts';
import { PieceHasher } from './piece-hasher.ts';

export interface CryptoOptions {
  /** Threads that hash pieces; started when needed. */
  readonly hashThreadsMax?: number;
  /** Pieces being hashed; one more fails with `busy`. */
  readonly hashQueueMax?: number;
  /** Passwords being hashed at once: each takes its memory cost. */
  readonly passwordsUnderWayMax?: number;
  /** Passwords that wait; one more fails with `busy`. */
  readonly passwordQueueMax?: number;
}

const DEFAULTS = { hashThreadsMax: 2, hashQueueMax: 4_096, passwordsUnderWayMax: 2, passwordQueueMax: 256 };

export interface SystemCrypto extends Crypto {
  /** Ends the threads; what was asked is not answered. */
  close(): void;
}

class NodeCrypto implements SystemCrypto {
  readonly #reactor: Reactor;
  readonly #hashQueueMax: number;
  readonly #passwords: BoundedQueue;
  readonly #hasher: PieceHasher;
  readonly #hashing = new Map<number, Done<PieceDigests, CryptoFailure>>();
  #lastId = 0;

  constructor(reactor: Reactor, options: CryptoOptions) {
    const limits = { ...DEFAULTS, ...options };
    this.#reactor = reactor;
    this.#hashQueueMax = limits.hashQueueMax;
    this.#passwords = new BoundedQueue(limits.passwordsUnderWayMax, limits.passwordQueueMax);
    this.#hasher = new PieceHasher(
      limits.hashThreadsMax,
      (id, digests) => this.#hashed(id, digests),
      (error) => this.#fault(error),
    );
  }

  allocate(bytes: number): Uint8Array {
    return new Uint8Array(new SharedArrayBuffer(bytes));
  }

  pieceDigests(bytes: Uint8Array, plan: PieceDigestPlan, done: Done<PieceDigests, CryptoFailure>): void {
    const id = ++this.#lastId;
    if (this.#hashing.size >= this.#hashQueueMax) return this.#busy(id, `${this.#hashQueueMax} pieces wait to be hashed already.`, done);
    this.#hashing.set(id, done);
    this.#hasher.hash(id, bytes, plan);
  }

  hashPassword(password: string, salt: Uint8Array, cost: PasswordCost, done: Done<Uint8Array, CryptoFailure>): void {
    const id = ++this.#lastId;
    const job = (finished: () => void): void => {
      argon2('argon2id', argon2Parameters(password, salt, cost), (error, tag) => {
        finished();
        const result = error === null ? ok(new Uint8Array(tag)) : fail('failed' as const, `argon2id failed: ${error.message}.`);
        this.#answer(id, 'password', result, done);
      });
    };
    if (!this.#passwords.add(job)) this.#busy(id, 'Too many passwords wait to be checked; try again in a moment.', done);
  }

  secretBytes(count: number): Uint8Array {
    return new Uint8Array(randomBytes(count));
  }

  close(): void {
    this.#hashing.clear();
    this.#hasher.close();
  }

  #hashed(id: number, digests: PieceDigests): void {
    const done = this.#hashing.get(id);
    this.#hashing.delete(id);
    if (done !== undefined) this.#answer(id, 'piece', ok(digests), done);
  }

  #fault(error: unknown): void {
    this.#reactor.step({ port: 'crypto', id: 0, kind: 'fault' }, () => {
      throw error;
    });
  }

  #busy<T>(id: number, message: string, done: Done<T, CryptoFailure>): void {
    setImmediate(() => this.#answer(id, 'busy', fail('busy', message), done));
  }

  #answer<T>(id: number, kind: string, result: Result<T, CryptoFailure>, done: Done<T, CryptoFailure>): void {
    this.#reactor.step({ port: 'crypto', id, kind }, () => done(result));
  }
}

/** `node:crypto`, with threads for pieces. */
export const createCrypto = (reactor: Reactor, options: CryptoOptions = {}): SystemCrypto => new NodeCrypto(reactor, options);
