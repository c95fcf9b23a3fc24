/** What the node's library and transfers need of the network: the session (`actors/session`) gives it, tests fake it. */
import type {
  AnnouncedPeer,
  Durability,
  ErrorCode,
  Operation,
  OperationName,
  OperationResults,
  RequestFrame,
} from '../protocol/control/messages.ts';
import type { Done, Failure } from '../protocol/result.ts';

export interface AnnounceFacts {
  readonly leftBytes: number;
  readonly uploadedBytes: number;
  readonly downloadedBytes: number;
  /** Peers wanted now; 0 for none. */
  readonly want: number;
}

export interface SwarmFollower {
  /** Asked at every announce. */
  facts(): AnnounceFacts;
  /** The peers that the tracker handed out, this node never among them. `seeders` counts the whole swarm. */
  peers(peers: readonly AnnouncedPeer[], swarm: { readonly seeders: number; readonly leechers: number; readonly warming: boolean }): void;
}

export type RequestFailure = Failure<ErrorCode | 'offline' | 'not-logged-in'>;

export interface NetworkAnswer<K extends OperationName> {
  readonly value: OperationResults[K];
  readonly tail: Uint8Array;
  /** Of a change: how it is kept. */
  readonly durability: Durability;
}

export interface Network {
  /**
   * Asks the network, as the account that is signed in. Holds the request while there is no proxy or primary, repeats it
   * under the same request id, and answers exactly once; `indeterminate` when its deadline has passed. `require`: a change
   * is refused as `degraded` where it would be kept on one tracker only.
   */
  request<K extends OperationName>(
    operation: Extract<Operation, { op: K }>,
    tail: Uint8Array,
    done: Done<NetworkAnswer<K>, RequestFailure>,
    require?: RequestFrame['require'],
  ): void;
  /** Announces `content` from now on, at the tracker's interval and again after every failover. */
  follow(content: string, follower: SwarmFollower): void;
  /** Announces at once that a download is complete, or that more peers are wanted (`none`). */
  announceNow(content: string, event: 'completed' | 'none'): void;
  /** Says `stopped` and announces it no more. */
  unfollow(content: string): void;
  /** Whether the network is reached right now; for reasons shown to people. */
  readonly state: { readonly online: boolean; readonly account: string | null; readonly words: string };
  /** This node's id. */
  readonly node: string;
}
