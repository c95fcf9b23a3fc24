/** The node's sockets for UDP trackers: one for IPv4 and one for IPv6, opened when they are first needed. */
import type { Datagrams, DatagramSocket } from '../../transports/datagram.ts';
import type { Address } from '../../transports/transport.ts';

type Family = 'v4' | 'v6';

interface Opened {
  readonly socket: DatagramSocket;
  bound: boolean;
  failed: boolean;
  /** Wait until it is bound, or cannot be. */
  waiting: (() => void)[];
}

export const familyOf = (host: string): Family => (host.includes(':') ? 'v6' : 'v4');

export class UdpSockets {
  readonly #datagrams: Datagrams;
  readonly #localHostFor: (host: string) => string | undefined;
  readonly #message: (from: Address, bytes: Uint8Array) => void;
  readonly #opened = new Map<Family, Opened>();
  #closed = false;

  constructor(
    datagrams: Datagrams,
    localHostFor: (host: string) => string | undefined,
    message: (from: Address, bytes: Uint8Array) => void,
  ) {
    this.#datagrams = datagrams;
    this.#localHostFor = localHostFor;
    this.#message = message;
  }

  /** Calls `ready` when packets can be sent to that host, at once or later: with false where they never can. */
  whenReady(host: string, ready: (works: boolean) => void): void {
    const local = this.#localHostFor(host);
    if (this.#closed || (local !== undefined && familyOf(local) !== familyOf(host))) return ready(false);
    const opened = this.#open(host);
    if (opened.failed) ready(false);
    else if (opened.bound) ready(true);
    else opened.waiting.push(() => ready(!opened.failed));
  }

  send(to: Address, bytes: Uint8Array): void {
    this.#opened.get(familyOf(to.host))?.socket.send(to, bytes);
  }

  close(): void {
    this.#closed = true;
    for (const { socket } of this.#opened.values()) socket.close();
  }

  #open(host: string): Opened {
    const family = familyOf(host);
    const known = this.#opened.get(family);
    if (known !== undefined) return known;
    const wake = (): void => {
      const { waiting } = opened;
      opened.waiting = [];
      for (const ready of waiting) ready();
    };
    const opened: Opened = {
      bound: false,
      failed: false,
      waiting: [],
      socket: this.#datagrams.bind(
        { host: this.#localHostFor(host) ?? (family === 'v4' ? '0.0.0.0' : '::'), port: 0 },
        {
          bound: () => {
            opened.bound = true;
            wake();
          },
          message: this.#message,
          // This machine may have no IPv6, or lose the address: the next one that needs it tries anew.
          failed: () => {
            opened.failed = true;
            this.#opened.delete(family);
            wake();
          },
        },
      ),
    };
    this.#opened.set(family, opened);
    return opened;
  }
}
