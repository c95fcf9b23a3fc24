import type { DeskContext } from './types.ts';

/**
 * What may be gone since a promotion was forced (`domain/replication/generation.ts`), as the end of a sentence. Empty in a
 * network where that never happened. The same whatever was asked: it says nothing of single accounts.
 */
export const afterOverride = ({ replica }: Pick<DeskContext, 'replica'>, gone: string): string =>
  replica.status().generation === 0 ? '' : `. A promotion was forced in this network, which lost its newest changes: ${gone}`;
