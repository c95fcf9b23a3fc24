import type { Address, Listener, ListenHandler, Transport } from '../transports/transport.ts';

const familyOf = (host: string): 'v4' | 'v6' | 'name' =>
  host.includes(':') ? 'v6' : /^\d{1,3}(?:\.\d{1,3}){3}$/u.test(host) ? 'v4' : 'name';

/**
 * A transport for peers that uses certain addresses of this machine alone: it dials from them and listens at them, in
 * place of the host that it is told. A family that has none is not used: the system refuses to dial it from an address
 * of the other.
 */
class BoundTransport implements Transport {
  readonly #inner: Transport;
  readonly #hosts: readonly string[];

  /** `hosts`: IP addresses of this machine, one of a family at most; not empty. */
  constructor(inner: Transport, hosts: readonly string[]) {
    this.#inner = inner;
    this.#hosts = hosts;
  }

  /** At the same port of each; `listening` is told when all do, with the first. */
  listen(address: Address, options: Parameters<Transport['listen']>[1], handler: ListenHandler): Listener {
    const listeners: Listener[] = [];
    let closed = false;
    const next = (hosts: readonly string[], first: Address | null): void => {
      const [host, ...others] = hosts;
      if (host === undefined) {
        if (first !== null) handler.listening(first);
        return;
      }
      listeners.push(
        this.#inner.listen({ host, port: first?.port ?? address.port }, options, {
          ...handler,
          listening: (at) => (closed ? undefined : next(others, first ?? at)),
          connection: (connection) => handler.connection(connection),
          failed: (error) => handler.failed(error),
        }),
      );
    };
    next(this.#hosts, null);
    return {
      close: () => {
        closed = true;
        for (const listener of listeners) listener.close();
      },
    };
  }

  dial(
    address: Address,
    options: Parameters<Transport['dial']>[1],
    handler: Parameters<Transport['dial']>[2],
  ): ReturnType<Transport['dial']> {
    const family = familyOf(address.host);
    const localHost = this.#hosts.find((host) => familyOf(host) === family) ?? (this.#hosts[0] as string);
    return this.#inner.dial(address, { ...options, localHost }, handler);
  }
}

/** `transport` itself where nothing is to be bound. */
export const boundTo = (transport: Transport, hosts: readonly string[]): Transport =>
  hosts.length === 0 ? transport : new BoundTransport(transport, hosts);
