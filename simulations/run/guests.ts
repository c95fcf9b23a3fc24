/** The guests of a run: clients of other makes that follow what is shared, for no user of the plan. */
import { seconds } from '../../src/ports/clock.ts';
import type { Cluster } from '../cluster.ts';
import type { Observer } from '../world/observer.ts';
import type { World } from '../world/world.ts';

/** One of them does something so often. */
const EVERY = seconds(7);
const TARGET = '/announce';
const CONTENT_BYTES = 100_000;

export class GuestTraffic {
  readonly #world: World;
  readonly #cluster: Cluster;
  /** The content that was shared last. */
  #newest: string | null = null;
  #turn = 0;

  constructor(world: World, cluster: Cluster) {
    this.#world = world;
    this.#cluster = cluster;
    if (cluster.guestNames.length > 0) world.observe(this.#observer);
  }

  /** From now on, until so much later. */
  schedule(from: number, forMicros: number): void {
    if (this.#cluster.guestNames.length === 0) return;
    for (let at = from + EVERY; at < from + forMicros; at += EVERY) this.#world.at(at, () => this.#act());
  }

  /** Hears what nodes hear of their shares. */
  readonly #observer: Observer = {
    received: (_process, _from, link, frame) => {
      if (link !== 'member' || frame.kind !== 'reply' || !frame.body.ok) return;
      const { value } = frame.body as { readonly value: { readonly id?: unknown; readonly first?: unknown } };
      if (typeof value.id === 'string' && typeof value.first === 'boolean') this.#newest = value.id.slice(0, 40);
    },
  };

  /** Each in its turn: begins, moves something, has everything, leaves. */
  #act(): void {
    const { guestNames } = this.#cluster;
    const turn = this.#turn++;
    const round = Math.floor(turn / guestNames.length);
    const name = guestNames[turn % guestNames.length];
    const infoHash = this.#newest;
    if (name === undefined || infoHash === null || !this.#cluster.running(name)) return;
    this.#cluster.guest(name, (guest) => {
      if (!guest.follows)
        guest.follow({ target: TARGET, infoHash, way: (turn + round) % 2 === 0 ? 'http' : 'udp', leftBytes: CONTENT_BYTES });
      else if (round % 4 === 1) guest.moved({ up: 1_000, down: 1_000 });
      else if (round % 4 === 2) guest.complete();
      else if (round % 4 === 3) guest.leave();
    });
  }
}
