/**
 * The connections between replicas on which the primary tells of the swarms: apart from the replica links, so that no
 * acknowledgement ever waits behind them. Whoever stands later in the network's list dials, as with replica links.
 */
import type { NetworkConfig } from '../config/types.ts';
import type { Random } from '../ports/random.ts';
import type { SwarmDeltaFrame, SwarmFrame } from '../protocol/control/messages.ts';
import type { Security } from '../transports/transport.ts';
import type { Accept } from './accept.ts';
import type { LinkDeps } from './dial.ts';
import { LinkDialler } from './dialler.ts';
import type { Link } from './link.ts';
import { LINK_LIMITS, type LinkIdentity, type LinkLimits } from './session.ts';

export interface SwarmLinksOptions {
  /** This replica, as in the network's list. */
  readonly identity: LinkIdentity;
  readonly network: NetworkConfig;
  /** The cluster key; null for links in the clear (simulations). */
  readonly security: Security | null;
}

/** Every call is inside a step. */
export interface SwarmLinksHandler {
  up(replica: string): void;
  down(replica: string): void;
  received(replica: string, frame: SwarmDeltaFrame): void;
}

/** Silence is no hurry here: what it costs is warmth. The sender stops long before the queue's limit. */
const SWARM_LINK_LIMITS: LinkLimits = { ...LINK_LIMITS, queueBytesMax: 2 * 1_048_576 };

export class SwarmLinks {
  readonly #deps: LinkDeps & { readonly random: Random };
  readonly #options: SwarmLinksOptions;
  readonly #handler: SwarmLinksHandler;
  readonly #links = new Map<string, Pick<Link<SwarmFrame>, 'send' | 'queuedBytes'>>();
  readonly #diallers: LinkDialler<SwarmFrame>[] = [];

  constructor(deps: LinkDeps & { readonly random: Random }, options: SwarmLinksOptions, handler: SwarmLinksHandler) {
    this.#deps = deps;
    this.#options = options;
    this.#handler = handler;
  }

  start(): void {
    const { identity, network } = this.#options;
    const own = network.replicas.findIndex(({ name }) => name === identity.name);
    for (const { name, address } of network.replicas.slice(0, Math.max(0, own))) this.#dial(name, address);
  }

  /** Dials no more and closes what it dialled; the listener closes what it took. */
  stop(): void {
    for (const dialler of this.#diallers) dialler.stop();
  }

  /** Of a link that is not there: nothing waits. */
  queuedBytes(replica: string): number {
    return this.#links.get(replica)?.queuedBytes() ?? 0;
  }

  /** A frame for a link that is not there is dropped. */
  send(replica: string, frame: SwarmDeltaFrame): void {
    this.#links.get(replica)?.send(frame);
  }

  readonly accept: Accept<SwarmFrame> = (peer, link) => {
    const names = this.#options.network.replicas.map(({ name }) => name);
    if (names.indexOf(peer.name) <= names.indexOf(this.#options.identity.name))
      return { refuse: 'name', message: `no replica named ${peer.name} dials ${this.#options.identity.name} in this network` };
    return {
      up: () => this.#up(peer.name, link),
      frame: (frame) => this.#frame(peer.name, link, frame),
      down: () => this.#down(peer.name, link),
    };
  };

  #dial(name: string, address: { readonly host: string; readonly port: number }): void {
    const { identity, security } = this.#options;
    const options = {
      type: 'swarm' as const,
      address,
      identity,
      limits: SWARM_LINK_LIMITS,
      ...(security === null ? {} : { security }),
    };
    const dialler: LinkDialler<SwarmFrame> = new LinkDialler<SwarmFrame>(this.#deps, options, {
      // Links by a wrong address are told of by the replica links, which have the same addresses.
      up: (peer) => (peer.name === name ? this.#up(name, dialler) : dialler.drop()),
      frame: (frame) => this.#frame(name, dialler, frame),
      down: () => this.#down(name, dialler),
      failed: (reason) => this.#deps.log.debug({ replica: name, reason: reason.message }, 'no swarm link to the replica'),
    });
    this.#diallers.push(dialler);
    dialler.start();
  }

  #up(name: string, link: Pick<Link<SwarmFrame>, 'send' | 'queuedBytes'>): void {
    this.#links.set(name, link);
    this.#deps.log.debug({ replica: name }, 'swarm link to a replica is up');
    this.#handler.up(name);
  }

  #frame(name: string, link: object, frame: { readonly kind: string }): void {
    if (frame.kind === 'swarmDelta' && this.#links.get(name) === link) this.#handler.received(name, frame as SwarmDeltaFrame);
  }

  #down(name: string, link: object): void {
    if (this.#links.get(name) !== link) return;
    this.#links.delete(name);
    this.#handler.down(name);
  }
}
