/** Packets that may be lost, come twice or in another order: what UDP gives, and what the memory network gives as well. */
import type { Done } from '../protocol/result.ts';
import type { Address, TransportFailure } from './transport.ts';

/** A packet of IPv4 has no room for more. */
export const DATAGRAM_BYTES_MAX = 65_507;

/** What a socket tells its owner, each call inside a step: `bound` once, then any number of `message`; or `failed` once as the last. */
export interface DatagramHandler {
  bound(address: Address): void;
  /** The bytes are lent: they may be used only during the call. `from` holds an IP address. */
  message(from: Address, bytes: Uint8Array): void;
  /** Could not bind, or the system took the socket away. Nothing is told after it. */
  failed(error: TransportFailure): void;
}

export interface DatagramSocket {
  /**
   * Takes ownership of the bytes. `to` holds an IP address of the socket's family. False where the packet is dropped at once: the
   * socket is not bound (yet, or any more), the queue is full, or nothing can be sent there. True promises nothing.
   */
  send(to: Address, bytes: Uint8Array): boolean;
  /** Nothing is told any more. Idempotent. */
  close(): void;
}

export interface Datagrams {
  /** `address.host`: an IP address of this machine, `0.0.0.0` or `::` for all of its family; port 0 lets the system choose. */
  bind(address: Address, handler: DatagramHandler): DatagramSocket;
  /** The IP addresses of a name, at least one, in the order of the resolver; of an IP address, itself. */
  resolve(name: string, done: Done<readonly string[], TransportFailure>): void;
}
