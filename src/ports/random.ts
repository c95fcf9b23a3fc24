/**
 * Randomness for decisions, never for secrets (those come from `Crypto.secretBytes`). Counter-based: a draw depends on
 * the seed, the label, the purpose and how often that purpose was drawn, so that taking one draw away moves no other.
 */
export interface Random {
  /** A uniform integer in [0, 2^32). */
  u32(purpose: string): number;
  /** An independent source, the same for the same label. */
  fork(label: string): Random;
}

/** A uniform integer in [0, limit); `limit` from 1 to 2^32. */
export const below = (random: Random, purpose: string, limit: number): number => Math.floor((random.u32(purpose) / 0x1_0000_0000) * limit);

/** A uniform number in [low, high). */
export const between = (random: Random, purpose: string, low: number, high: number): number =>
  low + (random.u32(purpose) / 0x1_0000_0000) * (high - low);
