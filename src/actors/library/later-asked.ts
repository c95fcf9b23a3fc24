/** Torrents of elsewhere that began while the network was not reached: it is asked, once it is, whether they are in its catalog. */
import type { ContentSummary } from '../../protocol/control/messages.ts';
import type { Transfer } from '../transfer/transfer.ts';

export interface LaterAskedWays {
  readonly transfers: () => Iterable<Transfer>;
  readonly ask: (transfer: Transfer, done: (found: ContentSummary | 'absent' | 'unasked') => void) => void;
}

export class LaterAsked {
  readonly #ways: LaterAskedWays;
  #busy = false;

  constructor(ways: LaterAskedWays) {
    this.#ways = ways;
  }

  /** The network is reached. They are asked for one after the other, until it cannot answer. */
  reached(): void {
    if (!this.#busy) this.#next();
  }

  #next(): void {
    const transfer = [...this.#ways.transfers()].find(({ notes }) => notes.swarm === 'unasked');
    this.#busy = transfer !== undefined;
    if (transfer === undefined) return;
    this.#ways.ask(transfer, (found) => {
      if (found === 'unasked') {
        this.#busy = false;
        return;
      }
      if (found === 'absent') transfer.meetIn('trackers');
      else transfer.meetInCatalog(found.tags);
      this.#next();
    });
  }
}
