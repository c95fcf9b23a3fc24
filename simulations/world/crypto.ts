import { argon2Sync } from 'node:crypto';
import { BoundedQueue } from '../../src/ports/bounded-queue.ts';
import type { Crypto, CryptoFailure, PasswordCost, PieceDigestPlan, PieceDigests } from '../../src/ports/crypto.ts';
import type { Random } from '../../src/ports/random.ts';
import { hmacSha256, toHex } from '../../src/protocol/digest.ts';
import { type Done, fail, ok } from '../../src/protocol/result.ts';
import { argon2Parameters } from '../../src/system/argon2-parameters.ts';
import { computePieceDigests } from '../../src/system/piece-digests.ts';
import type { Outbox } from './outbox.ts';

export interface CryptoQuality {
  readonly hashBytesPerSecond: number;
  readonly passwordMicros: number;
  readonly passwordsUnderWayMax: number;
  readonly passwordQueueMax: number;
  /** Real argon2id, slow, instead of a keyed digest. */
  readonly argon2: boolean;
}

export const usualCrypto: CryptoQuality = {
  hashBytesPerSecond: 500_000_000,
  passwordMicros: 30_000,
  passwordsUnderWayMax: 2,
  passwordQueueMax: 256,
  argon2: false,
};

const REFUSAL_MICROS = 1;

/** Calculated at once, answered later. Secrets come from the seed. */
export class SimulatedCrypto implements Crypto {
  readonly #outbox: Outbox;
  readonly #secrets: Random;
  readonly #quality: CryptoQuality;
  readonly #passwords: BoundedQueue;

  constructor(outbox: Outbox, secrets: Random, quality: CryptoQuality) {
    this.#outbox = outbox;
    this.#secrets = secrets;
    this.#quality = quality;
    this.#passwords = new BoundedQueue(quality.passwordsUnderWayMax, quality.passwordQueueMax);
  }

  allocate(bytes: number): Uint8Array {
    return new Uint8Array(bytes);
  }

  pieceDigests(bytes: Uint8Array, plan: PieceDigestPlan, done: Done<PieceDigests, CryptoFailure>): void {
    const micros = (bytes.length * 1_000_000) / this.#quality.hashBytesPerSecond;
    this.#outbox.inTurn(Math.max(micros, 1), () => {
      const digests = computePieceDigests(bytes, plan);
      this.#outbox.answer('piece', () => done(ok(digests)));
    });
  }

  hashPassword(password: string, salt: Uint8Array, cost: PasswordCost, done: Done<Uint8Array, CryptoFailure>): void {
    const taken = this.#passwords.add((finished) => {
      this.#outbox.after(this.#quality.passwordMicros, () => {
        finished();
        const tag = this.#quality.argon2 ? argon2id(password, salt, cost) : keyedDigest(password, salt, cost);
        this.#outbox.answer('password', () => done(ok(tag)));
      });
    });
    if (taken) return;
    const failure = fail('busy' as const, 'Too many passwords wait to be checked; try again in a moment.');
    this.#outbox.after(REFUSAL_MICROS, () => this.#outbox.answer('busy', () => done(failure)));
  }

  secretBytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.#secrets.u32('secret') & 0xff);
  }
}

const keyedDigest = (password: string, salt: Uint8Array, cost: PasswordCost): Uint8Array =>
  new Uint8Array(hmacSha256(salt, `${cost.memoryKib} ${cost.passes} ${cost.lanes} ${toHex(salt)} ${password}`));

const argon2id = (password: string, salt: Uint8Array, cost: PasswordCost): Uint8Array =>
  new Uint8Array(argon2Sync('argon2id', argon2Parameters(password, salt, cost)));
