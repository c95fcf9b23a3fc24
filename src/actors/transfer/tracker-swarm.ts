/** Swarms that the trackers of torrents know: announced as any BitTorrent client does. */
import { TrackerFollower } from '../../data/trackers/follower.ts';
import type { TrackerClient } from '../../data/trackers/tracker-client.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import { infoHash, type PeerId, wireHash } from '../../protocol/bittorrent/ids.ts';
import type { TrackerSummary } from '../../protocol/api.ts';
import type { SwarmCount, SwarmMember, SwarmSource, TrackedTorrent } from './swarm-source.ts';

export interface TrackerSwarmsDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly client: TrackerClient;
  readonly peerId: PeerId;
  /** 8 hexadecimal digits that tell this node from others behind its address. */
  readonly key: string;
  /** Where the node listens for peers; 0 where it does not. */
  port(): number;
}

/** Makes the swarms of a node's torrents, and knows which of them still say goodbye. */
export class TrackerSwarms {
  readonly #deps: TrackerSwarmsDeps;
  #goodbyes = 0;
  readonly #settled: (() => void)[] = [];

  constructor(deps: TrackerSwarmsDeps) {
    this.#deps = deps;
  }

  /** Null where the torrent names no tracker that can be asked. */
  make(torrent: TrackedTorrent, member: SwarmMember): SwarmSource | null {
    const { clock, client, key, peerId, random } = this.#deps;
    const hashes = [torrent.v1, torrent.v2].flatMap((hash) => {
      const checked = hash === null ? null : infoHash(hash);
      return checked === null ? [] : [wireHash(checked)];
    });
    const follower = new TrackerFollower(
      { clock, random, client },
      {
        wireHashes: hashes,
        peerId,
        key,
        private: torrent.private,
        tiers: torrent.trackers,
        port: () => this.#deps.port(),
        facts: () => member.facts(),
        peers: (peers) => member.met(peers.map(({ host, port }) => ({ host, port, node: null, seeder: false }))),
        switched: () => member.switched(),
      },
    );
    return follower.hasTrackers ? new TrackerSwarm(follower, () => this.#leaving()) : null;
  }

  /** Calls back, soon, when everybody has been said goodbye to: within seconds, whatever the trackers do. */
  settled(done: () => void): void {
    if (this.#goodbyes === 0) done();
    else this.#settled.push(done);
  }

  /** One begins to say goodbye. To be called when it has. */
  #leaving(): () => void {
    this.#goodbyes++;
    return () => {
      if (--this.#goodbyes === 0) for (const done of this.#settled.splice(0)) done();
    };
  }
}

class TrackerSwarm implements SwarmSource {
  readonly #follower: TrackerFollower;
  readonly #leaving: () => () => void;
  #joined = false;

  constructor(follower: TrackerFollower, leaving: () => () => void) {
    this.#follower = follower;
    this.#leaving = leaving;
  }

  get count(): SwarmCount | null {
    const { swarm } = this.#follower;
    return this.#joined && swarm !== null ? { ...swarm, warming: false } : null;
  }

  get trackers(): readonly TrackerSummary[] {
    return this.#follower.status();
  }

  join(): void {
    this.#joined = true;
    this.#follower.start();
  }

  completed(): void {
    this.#follower.announceNow('completed');
  }

  leave(): void {
    if (!this.#joined) return;
    this.#joined = false;
    this.#follower.stop(this.#leaving());
  }
}
