import type { Network } from '../../data/network.ts';
import type { Clock, Micros } from '../../ports/clock.ts';
import { seconds } from '../../ports/clock.ts';
import { NODES_PAGE_MAX } from '../../protocol/control/limits.ts';

const ASK_SECONDS = 30;
const NAMES_MAX = 10_000;

/** The names of nodes by their ids, asked of the network when one is wanted that is not known. */
export class NodeNames {
  readonly #network: Network;
  readonly #clock: Clock;
  readonly #names = new Map<string, string>();
  #askedAt: Micros | null = null;

  constructor(network: Network, clock: Clock) {
    this.#network = network;
    this.#clock = clock;
  }

  /** Empty while not known. */
  nameOf(node: string): string {
    const known = this.#names.get(node);
    if (known === undefined) this.#ask();
    return known ?? '';
  }

  #ask(): void {
    const now = this.#clock.now();
    const { state } = this.#network;
    if (!state.online || state.account === null || (this.#askedAt !== null && now - this.#askedAt < seconds(ASK_SECONDS))) return;
    this.#askedAt = now;
    this.#network.request({ op: 'nodes', offset: 0, limit: NODES_PAGE_MAX }, new Uint8Array(0), (reply) => {
      if (!reply.ok) return;
      for (const { node, name } of reply.value.value.nodes) if (this.#names.size < NAMES_MAX) this.#names.set(node, name);
    });
  }
}
