import type { Reactor } from '../../bus/reactor.ts';
import { bytesOfIp } from '../../protocol/bittorrent/compact-peers.ts';
import type { Done } from '../../protocol/result.ts';
import type { DatagramHandler, Datagrams, DatagramSocket } from '../datagram.ts';
import { DATAGRAM_BYTES_MAX } from '../datagram.ts';
import type { Address, TransportFailure } from '../transport.ts';
import { formatAddress, isDialable, notDialable } from '../transport.ts';
import { POISON } from './endpoint.ts';
import type { Gate } from './gate.ts';
import type { Host } from './host.ts';
import { isLoopback, isWildcard } from './host.ts';
import type { MemoryNetwork } from './network.ts';

/** Packets that wait for a process that is stopped; more are lost, as those that do not fit a socket's buffer. */
const WAITING_MAX = 256;

const isV6 = (host: string): boolean => host.includes(':');

interface Bound {
  readonly id: number;
  readonly address: Address;
  readonly handler: DatagramHandler;
  open: boolean;
  waiting: number;
}

/** Whether who is bound to `own` gets what is sent to `to`, where both are names of one host. */
const covers = (own: string, to: string): boolean => isV6(own) === isV6(to) && (isWildcard(own) || isLoopback(own) === isLoopback(to));

/**
 * The datagrams of one process on a host of a `MemoryNetwork`: each travels for as long as its link says, on its own, so that jitter
 * changes their order; a blocked link and the link's share of losses swallow them. They take nothing of up- and downlink rates.
 */
export class MemoryDatagrams implements Datagrams {
  readonly #network: MemoryNetwork;
  readonly #host: Host;
  readonly #reactor: Reactor;
  readonly #gate: Gate;
  readonly #sockets = new Set<Bound>();
  #lastId = 0;
  #dead = false;

  constructor(network: MemoryNetwork, host: Host, reactor: Reactor, gate: Gate) {
    this.#network = network;
    this.#host = host;
    this.#reactor = reactor;
    this.#gate = gate;
    host.datagrams.add(this);
  }

  bind(address: Address, handler: DatagramHandler): DatagramSocket {
    const port = address.port === 0 ? this.#network.freePort(this.#host) : address.port;
    const bound: Bound = { id: ++this.#lastId, address: { host: address.host, port }, handler, open: false, waiting: 0 };
    const failure = this.#whyNot(bound.address);
    let closed = false;
    if (failure === null) this.#sockets.add(bound);
    this.#soon(() => {
      if (closed) return;
      bound.open = failure === null;
      if (failure === null) this.#step(bound.id, 'bound', () => handler.bound(bound.address));
      else this.#step(bound.id, 'failed', () => handler.failed(failure));
    });
    return {
      send: (to, bytes) => bound.open && this.#send(bound, to, bytes),
      close: () => {
        closed = true;
        bound.open = false;
        this.#sockets.delete(bound);
      },
    };
  }

  resolve(name: string, done: Done<readonly string[], TransportFailure>): void {
    const id = ++this.#lastId;
    const host = bytesOfIp(name) === null ? this.#network.resolve(name, this.#host) : null;
    const address = host === null ? name : host === this.#host && isLoopback(name) ? '127.0.0.1' : host.name;
    const place = { host: name, port: 1 };
    this.#soon(() =>
      this.#step(id, 'resolved', () => {
        if (bytesOfIp(address) !== null) done({ ok: true, value: [address] });
        else done({ ok: false, error: isDialable(place) ? noSuchHost(name) : notDialable(place) });
      }),
    );
  }

  /** The process ends. Its handlers hear nothing any more. */
  crash(): void {
    this.#dead = true;
    this.#host.datagrams.delete(this);
    for (const bound of this.#sockets) bound.open = false;
    this.#sockets.clear();
  }

  // What follows is for the network.

  /** The socket that gets what is sent there; null where there is none. */
  boundTo({ host, port }: Address): Bound | null {
    for (const bound of this.#sockets) if (bound.address.port === port && covers(bound.address.host, host)) return bound;
    return null;
  }

  /** Whether any socket has this port, of TCP or UDP alike: ports that the system chooses are free of both. */
  hasPort(port: number): boolean {
    for (const { address } of this.#sockets) if (address.port === port) return true;
    return false;
  }

  deliver(to: Bound, from: Address, bytes: Uint8Array): void {
    if (to.waiting >= WAITING_MAX) return;
    to.waiting++;
    this.#gate.pass(() => {
      to.waiting--;
      if (!to.open) return;
      this.#step(to.id, 'datagram', () => to.handler.message(from, bytes), bytes);
      if (this.#network.settings.poison) bytes.fill(POISON);
    });
  }

  #send(bound: Bound, to: Address, bytes: Uint8Array): boolean {
    if (!isDialable(to) || bytesOfIp(to.host) === null || isV6(to.host) !== isV6(bound.address.host)) return false;
    if (bytes.length > DATAGRAM_BYTES_MAX) return false;
    const host = this.#network.resolve(to.host, this.#host);
    if (host === null) return true;
    const from: Address = { host: isLoopback(to.host) ? to.host : this.#host.name, port: bound.address.port };
    this.#network.carry(this.#host, host, () => {
      for (const datagrams of host.datagrams) {
        const receiver = datagrams.boundTo(to);
        if (receiver !== null) return datagrams.deliver(receiver, from, bytes.slice());
      }
    });
    return true;
  }

  #whyNot(address: Address): TransportFailure | null {
    const { host, port } = address;
    if (!isWildcard(host) && (bytesOfIp(host) === null || this.#network.resolve(host, this.#host) !== this.#host)) {
      return { code: 'unreachable', message: `Cannot listen on ${formatAddress(address)}: this machine does not have that address` };
    }
    for (const { address: taken } of [...this.#host.datagrams].flatMap((each) => [...each.#sockets])) {
      if (taken.port !== port || !(covers(taken.host, host) || covers(host, taken.host))) continue;
      return { code: 'in-use', message: `Port ${port} on ${host} is already in use: stop the program that has it, or choose another port` };
    }
    return null;
  }

  #soon(run: () => void): void {
    const { scheduler } = this.#network;
    scheduler.at(scheduler.now(), () => this.#gate.pass(run));
  }

  #step(id: number, kind: string, run: () => void, bytes?: Uint8Array): void {
    if (this.#dead) return;
    const cause = { port: 'transport', id, kind } as const;
    this.#reactor.step(bytes === undefined ? cause : { ...cause, bytes }, run);
  }
}

const noSuchHost = (name: string): TransportFailure => ({
  code: 'unreachable',
  message: `${name} cannot be reached: there is no such host`,
});
