import dgram from 'node:dgram';
import dns from 'node:dns';
import { isIP } from 'node:net';
import type { Reactor } from '../../bus/reactor.ts';
import type { Done } from '../../protocol/result.ts';
import type { DatagramHandler, Datagrams, DatagramSocket } from '../datagram.ts';
import { DATAGRAM_BYTES_MAX } from '../datagram.ts';
import { connectionFailure, listenFailure } from '../tcp/failures.ts';
import type { Address, TransportFailure } from '../transport.ts';
import { isDialable, notDialable } from '../transport.ts';

export interface UdpOptions {
  /** Packets that the system has not taken yet, per socket; more are dropped. Default 1 MiB. */
  readonly queueBytesMax?: number;
}

export interface UdpDatagrams extends Datagrams {
  /** Closes every socket. */
  shutdown(): void;
}

/** UDP over IPv4 and IPv6. Every callback runs in a step of `reactor`. */
export const createUdpDatagrams = (reactor: Reactor, options: UdpOptions = {}): UdpDatagrams => new Udp(reactor, options);

class Udp implements UdpDatagrams {
  readonly #reactor: Reactor;
  readonly #queueBytesMax: number;
  readonly #sockets = new Set<UdpSocket>();
  #lastId = 0;
  #over = false;

  constructor(reactor: Reactor, { queueBytesMax = 1_048_576 }: UdpOptions) {
    this.#reactor = reactor;
    this.#queueBytesMax = queueBytesMax;
  }

  bind(address: Address, handler: DatagramHandler): DatagramSocket {
    const socket = new UdpSocket(++this.#lastId, this.#reactor, address, handler, this.#queueBytesMax, () => this.#sockets.delete(socket));
    this.#sockets.add(socket);
    socket.open();
    return socket;
  }

  resolve(name: string, done: Done<readonly string[], TransportFailure>): void {
    const id = ++this.#lastId;
    const place: Address = { host: name, port: 1 };
    const tell = (answer: Parameters<typeof done>[0]): void => {
      if (!this.#over) this.#reactor.step({ port: 'transport', id, kind: 'resolved' }, () => done(answer));
    };
    if (isIP(name) !== 0 || !isDialable(place)) {
      setImmediate(() => tell(isIP(name) === 0 ? { ok: false, error: notDialable(place) } : { ok: true, value: [name] }));
      return;
    }
    dns.lookup(name, { all: true, order: 'verbatim' }, (error, addresses) => {
      if (error === null && addresses.length > 0) tell({ ok: true, value: addresses.map(({ address }) => address) });
      else tell({ ok: false, error: connectionFailure(error, place) });
    });
  }

  shutdown(): void {
    this.#over = true;
    for (const socket of this.#sockets) socket.close();
  }
}

class UdpSocket implements DatagramSocket {
  readonly #id: number;
  readonly #reactor: Reactor;
  readonly #address: Address;
  readonly #handler: DatagramHandler;
  readonly #queueBytesMax: number;
  readonly #forget: () => void;
  readonly #family: 0 | 4 | 6;
  #socket: dgram.Socket | null = null;
  #bound = false;
  #queuedBytes = 0;

  constructor(id: number, reactor: Reactor, address: Address, handler: DatagramHandler, queueBytesMax: number, forget: () => void) {
    this.#id = id;
    this.#reactor = reactor;
    this.#address = address;
    this.#handler = handler;
    this.#queueBytesMax = queueBytesMax;
    this.#forget = forget;
    this.#family = isIP(address.host) as 0 | 4 | 6;
  }

  open(): void {
    // Addresses are IP addresses here: there is nothing to look up, and Node would do so for each packet.
    const lookup: NonNullable<dgram.SocketOptions['lookup']> = (host, _options, tell) => tell(null, host, this.#family);
    const socket = dgram.createSocket({ type: this.#family === 6 ? 'udp6' : 'udp4', ipv6Only: this.#family === 6, lookup });
    this.#socket = socket;
    socket.once('listening', () => {
      const { address, port } = socket.address();
      this.#bound = true;
      this.#step('bound', () => this.#handler.bound({ host: address, port }));
    });
    socket.on('error', (error) => this.#fail(listenFailure(error, this.#address)));
    socket.on('message', (bytes, { address, port }) => {
      this.#step('datagram', () => this.#handler.message({ host: address, port }, bytes), bytes);
    });
    // In a step of its own: with such a lookup Node tells at once what came of it.
    setImmediate(() => {
      if (this.#socket === null) return;
      if (this.#family === 0) this.#fail(notDialable(this.#address));
      else socket.bind({ address: this.#address.host, port: this.#address.port, exclusive: true });
    });
  }

  send(to: Address, bytes: Uint8Array): boolean {
    const socket = this.#socket;
    if (socket === null || !this.#bound || !isDialable(to) || isIP(to.host) !== this.#family) return false;
    if (bytes.length > DATAGRAM_BYTES_MAX || this.#queuedBytes + bytes.length > this.#queueBytesMax) return false;
    this.#queuedBytes += bytes.length;
    // What the system does not send is lost, as any packet may be.
    socket.send(bytes, to.port, to.host, () => (this.#queuedBytes -= bytes.length));
    return true;
  }

  close(): void {
    if (this.#socket === null) return;
    this.#socket.close();
    this.#socket = null;
    this.#bound = false;
    this.#forget();
  }

  #fail(error: TransportFailure): void {
    if (this.#socket === null) return;
    this.close();
    this.#reactor.step({ port: 'transport', id: this.#id, kind: 'failed' }, () => this.#handler.failed(error));
  }

  #step(kind: string, run: () => void, bytes?: Uint8Array): void {
    if (this.#socket === null) return;
    const cause = { port: 'transport', id: this.#id, kind } as const;
    this.#reactor.step(bytes === undefined ? cause : { ...cause, bytes }, run);
  }
}
