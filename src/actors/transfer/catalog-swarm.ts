/** The swarm of a content in the network's catalog: announced over the node's session. */
import type { Network, SwarmFollower } from '../../data/network.ts';
import type { TrackerSummary } from '../../protocol/api.ts';
import type { SwarmCount, SwarmMember, SwarmSource } from './swarm-source.ts';

export class CatalogSwarm implements SwarmSource {
  count: SwarmCount | null = null;
  readonly trackers: readonly TrackerSummary[] = [];
  readonly #network: Network;
  readonly #id: string;
  readonly #follower: SwarmFollower;
  #following = false;

  /** `id`: of the content in the catalog. */
  constructor(network: Network, id: string, member: SwarmMember) {
    this.#network = network;
    this.#id = id;
    this.#follower = {
      facts: () => {
        const { leftBytes, ...facts } = member.facts();
        // Whoever does not know how much there is lacks something.
        return { ...facts, leftBytes: leftBytes ?? 1 };
      },
      peers: (peers, swarm) => {
        this.count = swarm;
        member.met(peers);
      },
    };
  }

  join(): void {
    if (this.#following) return;
    this.#following = true;
    this.#network.follow(this.#id, this.#follower);
  }

  completed(): void {
    this.#network.announceNow(this.#id, 'completed');
  }

  leave(): void {
    if (this.#following) this.#network.unfollow(this.#id);
    this.#following = false;
    this.count = null;
  }
}
