import type { Argon2Parameters } from 'node:crypto';
import type { PasswordCost } from '../ports/crypto.ts';

const TAG_BYTES = 32;

/** What argon2id (RFC 9106) is called with: the same for daemons and for simulations that really hash. */
export const argon2Parameters = (password: string, salt: Uint8Array, cost: PasswordCost): Argon2Parameters => ({
  message: password,
  nonce: salt,
  parallelism: cost.lanes,
  tagLength: TAG_BYTES,
  memory: cost.memoryKib,
  passes: cost.passes,
});
