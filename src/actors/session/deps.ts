import type { Reactor } from '../../bus/reactor.ts';
import type { NetworkConfig } from '../../config/types.ts';
import type { Ports } from '../../ports/ports.ts';
import type { WireAddress } from '../../protocol/control/messages.ts';
import type { Security } from '../../transports/transport.ts';

export interface SessionDeps {
  readonly reactor: Reactor;
  readonly ports: Ports;
  readonly network: NetworkConfig;
  /** This node's id, and the name that people know it by. */
  readonly node: string;
  readonly name: string;
  readonly software: string;
  /** Absolute; holds `session.json`. */
  readonly dataFolder: string;
  /** The network key; null for links in the clear (simulations). */
  readonly security: Security | null;
  /** Where the node says it can be reached, instead of what it finds out; port 0 stands for the peer port. */
  readonly advertise: readonly WireAddress[];
  /** The port where peers connect; null while there is none. */
  readonly peerPort: () => number | null;
  /** All that this node has uploaded since it started. */
  readonly uploadedBytes: () => number;
  /** The tracker knows the node. `generation`: how often a promotion was forced in the network. */
  readonly entered?: (generation: number) => void;
}
