/** Whether a torrent that came from elsewhere is in the network's catalog. */
import type { Network } from '../../data/network.ts';
import { type Clock, millis } from '../../ports/clock.ts';
import type { InfoHash } from '../../protocol/bittorrent/ids.ts';
import type { ContentSummary } from '../../protocol/control/messages.ts';
import { toHex } from '../../protocol/digest.ts';

/** `unasked`: the network did not say; it is to be asked again once it is reached. */
export type InCatalog = ContentSummary | 'absent' | 'unasked';

/** Nobody waits longer for a network that is not reached before a torrent of elsewhere begins. */
const PATIENCE_MS = 5_000;

/** Asks the catalog by the version 2 hash, or that of version 1 where it is alone. Answers exactly once, in a later step. */
export const askCatalog = (
  { network, clock }: { readonly network: Network; readonly clock: Clock },
  { v1, v2 }: { readonly v1: InfoHash | null; readonly v2: InfoHash | null },
  done: (found: InCatalog) => void,
): void => {
  const hash = v2 ?? v1;
  const id = hash === null ? '' : toHex(hash);
  let answered = false;
  const answer = (found: InCatalog): void => {
    if (answered) return;
    answered = true;
    clock.clearTimer(timer);
    done(found);
  };
  const timer = clock.setTimer(millis(PATIENCE_MS), () => answer('unasked'));
  network.request({ op: 'content', id }, new Uint8Array(0), (reply) => {
    if (reply.ok) answer(reply.value.value);
    // Without an account there is nothing that this node may be told, and nobody to tell it later.
    else answer(reply.error.code === 'not-found' ? 'absent' : 'unasked');
  });
};
