import type { Done, Failure } from '../protocol/result.ts';

export type CryptoFailure = Failure<'busy' | 'failed'>;

/** Cost of argon2id (RFC 9106). */
export interface PasswordCost {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}

/** What is wanted of a piece. Merkle: the root over 16 KiB leaves, padded with zero hashes to `merkleLeaves` (BEP 52). */
export interface PieceDigestPlan {
  readonly sha1: boolean;
  /** A power of two; 0 when no merkle root is wanted. */
  readonly merkleLeaves: number;
  /** v1 pieces of a hybrid torrent cover padding: how many zero bytes follow the data under SHA-1. */
  readonly sha1ZeroTail: number;
}

export interface PieceDigests {
  readonly sha1: Uint8Array | null;
  readonly merkleRoot: Uint8Array | null;
}

/** Slow or secret calculations. Quick pure digests of small inputs are functions in `protocol/digest.ts`. */
export interface Crypto {
  /** Memory that `pieceDigests` can read without a copy. Never shrinks; callers pool it. */
  allocate(bytes: number): Uint8Array;
  /** `bytes` must not change until it answers; pieces are hashed off the main loop in a daemon. */
  pieceDigests(bytes: Uint8Array, plan: PieceDigestPlan, done: Done<PieceDigests, CryptoFailure>): void;
  /** argon2id with a 32-byte tag, in a bounded queue: fails with `busy` when that is full. */
  hashPassword(password: string, salt: Uint8Array, cost: PasswordCost, done: Done<Uint8Array, CryptoFailure>): void;
  /** From the system's secure source in a daemon; from the seed in a simulation. At once. */
  secretBytes(count: number): Uint8Array;
}
