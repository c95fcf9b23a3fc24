import type { Reactor } from '../../bus/reactor.ts';
import { millis } from '../../ports/clock.ts';
import type { Micros } from '../../ports/clock.ts';
import { formatAddress, isDialable, notDialable } from '../transport.ts';
import type {
  Address,
  Connection,
  ConnectionHandler,
  DialOptions,
  Listener,
  ListenHandler,
  Security,
  Transport,
  TransportFailure,
} from '../transport.ts';
import { Endpoint } from './endpoint.ts';
import type { EndpointOwner } from './endpoint.ts';
import type { Scheduler } from './scheduler.ts';
import { type Gate, OPEN_GATE } from './gate.ts';
import { isLoopback, isWildcard } from './host.ts';
import type { Host, Loss } from './host.ts';
import type { MemoryNetwork } from './network.ts';
import { Wire } from './wire.ts';

/** An unanswered first packet is sent again after this time (RFC 6298, 2.1). */
const DIAL_AGAIN_MICROS: Micros = 1_000_000;

interface Listening {
  readonly address: Address;
  readonly security: readonly Security[] | undefined;
  readonly handler: ListenHandler;
  closed: boolean;
}

interface Dial {
  readonly address: Address;
  readonly security: Security | undefined;
  readonly endpoint: Endpoint;
  readonly from: Host;
  readonly host: Host;
}

/** The transport of one process on a host of a `MemoryNetwork`. */
export class MemoryTransport implements Transport, EndpointOwner {
  readonly reactor: Reactor;
  readonly gate: Gate;
  readonly scheduler: Scheduler;
  readonly sendHighWaterBytes: number;
  readonly lent: Uint8Array;
  readonly poison: boolean;
  readonly #network: MemoryNetwork;
  readonly #host: Host;
  readonly #listeners = new Set<Listening>();
  readonly #endpoints = new Set<Endpoint>();
  #unflushed = new Set<Endpoint>();
  #lastId = 0;
  #dead = false;

  constructor(network: MemoryNetwork, host: Host, reactor: Reactor, gate: Gate) {
    this.#network = network;
    this.#host = host;
    this.reactor = reactor;
    this.gate = gate;
    this.scheduler = network.scheduler;
    this.sendHighWaterBytes = network.settings.sendHighWaterBytes;
    this.lent = network.lent;
    this.poison = network.settings.poison;
    host.transports.add(this);
    host.boots++;
    host.dark = false;
    reactor.taps.on('stepped', () => this.#flush());
  }

  listen(address: Address, { security }: { readonly security?: readonly Security[] }, handler: ListenHandler): Listener {
    const id = ++this.#lastId;
    const port = address.port === 0 ? this.#network.freePort(this.#host) : address.port;
    const listening: Listening = { address: { host: address.host, port }, security, handler, closed: false };
    const failure = this.#whyNot(listening.address);
    if (failure === null) this.#listeners.add(listening);
    this.#soon(() => {
      if (listening.closed) return;
      if (failure === null) this.#step(id, 'listening', () => handler.listening(listening.address));
      else this.#step(id, 'failed', () => handler.failed(failure));
    });
    return {
      close: () => {
        listening.closed = true;
        this.#listeners.delete(listening);
      },
    };
  }

  dial(address: Address, options: DialOptions, handler: ConnectionHandler): Connection {
    const host = this.#network.resolve(address.host, this.#host);
    const local = {
      host: options.localHost ?? (isLoopback(address.host) ? address.host : this.#host.name),
      port: this.#network.freePort(this.#host),
    };
    const incoming = this.#network.link(host ?? this.#host, this.#host);
    const endpoint = new Endpoint(++this.#lastId, address, local, handler, this, incoming);
    this.#endpoints.add(endpoint);
    if (!isDialable(address)) {
      endpoint.fail(notDialable(address));
      return endpoint;
    }
    if (host === null) {
      endpoint.fail({ code: 'unreachable', message: `${formatAddress(address)} cannot be reached: there is no such host` });
      return endpoint;
    }
    const timer = this.scheduler.at(this.scheduler.now() + millis(options.timeoutMs), () => {
      endpoint.fail({ code: 'timeout', message: `${formatAddress(address)} did not answer within ${options.timeoutMs} ms` });
    });
    const answered = (): void => this.scheduler.cancel(timer);
    const dial: Dial = { address, security: options.security, endpoint, from: this.#host, host };
    const wire = new Wire(this.#network, this.#host, host, endpoint, {
      gate: () => acceptorOf(dial)?.gate ?? OPEN_GATE,
      accept: (own) => acceptorOf(dial)?.accept(own, dial) ?? null,
    });
    endpoint.connect(wire.forth, wire.back, () => {
      answered();
      wire.endOver();
    });
    this.#knock(dial, wire, answered);
    return endpoint;
  }

  /** The process ends as by SIGKILL (`reset`) or with its machine (`silence`). Its handlers hear nothing any more. */
  crash(how: Loss): void {
    this.#dead = true;
    this.#host.transports.delete(this);
    if (how === 'silence' && this.#host.transports.size === 0) this.#host.dark = true;
    for (const listening of this.#listeners) listening.closed = true;
    this.#listeners.clear();
    for (const endpoint of this.#endpoints) endpoint.crash(how, this.#host.boots);
    this.#endpoints.clear();
  }

  get dead(): boolean {
    return this.#dead;
  }

  /** Connections that have not ended on this side. */
  get connections(): number {
    return this.#endpoints.size;
  }

  // What follows is for the network.

  listensOn(port: number): boolean {
    for (const { address } of this.#listeners) if (address.port === port) return true;
    return false;
  }

  listening(address: Address): Listening | null {
    for (const each of this.#listeners) if (each.address.port === address.port && covers(each.address.host, address.host)) return each;
    return null;
  }

  /** Shows a connection that has come to its listener; null when nobody wants it. */
  accept(wire: Wire, { address, endpoint, from, host }: Dial): Endpoint | null {
    const listening = this.listening(address);
    if (listening === null) return null;
    const acceptor = new Endpoint(++this.#lastId, endpoint.local, address, idle, this, this.#network.link(from, host));
    let taken = false;
    acceptor.connect(wire.back, wire.forth, wire.endOver);
    this.#endpoints.add(acceptor);
    this.#step(acceptor.id, 'connection', () => {
      const handler = listening.handler.connection(acceptor);
      if (handler === null) return;
      taken = true;
      acceptor.handleBy(handler);
      if (!acceptor.over) acceptor.open();
    });
    if (!taken) this.#endpoints.delete(acceptor);
    return taken ? acceptor : null;
  }

  /** Tells a listener about somebody without the right key. */
  reject(listening: Listening, error: TransportFailure): void {
    this.#step(0, 'rejected', () => listening.handler.rejected?.(error));
  }

  flushLater(endpoint: Endpoint): void {
    this.#unflushed.add(endpoint);
  }

  forget(endpoint: Endpoint): void {
    this.#endpoints.delete(endpoint);
  }

  /** The first packet: to the host, and its answer back. What a blocked link swallows is sent again. */
  #knock(dial: Dial, wire: Wire, answered: () => void): void {
    const { endpoint, host } = dial;
    const forth = this.#network.link(this.#host, host);
    const back = this.#network.link(host, this.#host);
    const again = (): void => {
      this.scheduler.at(this.scheduler.now() + DIAL_AGAIN_MICROS, () => this.#knock(dial, wire, answered));
    };
    if (endpoint.over) return;
    this.#after(forth.travelTime(), () => {
      if (endpoint.over) return;
      if (forth.blocked || host.dark) {
        again();
        return;
      }
      const gate = acceptorOf(dial)?.gate;
      if (dial.security !== undefined && gate?.open === false) {
        // Who is stopped proves no key.
        gate.pass(() => this.#knock(dial, wire, answered));
        return;
      }
      const failure = judge(dial, endpoint.local);
      // A secured connection takes one round trip more.
      const trip =
        back.travelTime() + (dial.security !== undefined && failure?.code !== 'refused' ? forth.travelTime() + back.travelTime() : 0);
      this.#after(trip, () => {
        if (endpoint.over) return;
        if (back.blocked) {
          again();
          return;
        }
        answered();
        if (failure !== null) {
          endpoint.fail(failure);
          return;
        }
        this.#network.opened(wire);
        wire.forth.send({ kind: 'open' });
        endpoint.open();
      });
    });
  }

  #whyNot(address: Address): TransportFailure | null {
    const { host, port } = address;
    if (!isWildcard(host) && this.#network.resolve(host, this.#host) !== this.#host) {
      return { code: 'unreachable', message: `Cannot listen on ${formatAddress(address)}: this machine does not have that address` };
    }
    for (const transport of this.#host.transports) {
      for (const { address: taken } of transport.#listeners) {
        if (taken.port !== port || !(covers(taken.host, host) || covers(host, taken.host))) continue;
        return {
          code: 'in-use',
          message: `Port ${port} on ${host} is already in use: stop the program that has it, or choose another port`,
        };
      }
    }
    return null;
  }

  #flush(): void {
    if (this.#unflushed.size === 0) return;
    const flushed = this.#unflushed;
    this.#unflushed = new Set();
    for (const endpoint of flushed) endpoint.flush();
  }

  #after(wait: Micros, run: () => void): void {
    this.scheduler.at(this.scheduler.now() + wait, run);
  }

  #soon(run: () => void): void {
    this.#after(0, () => this.gate.pass(run));
  }

  #step(id: number, kind: string, run: () => void): void {
    if (!this.#dead) this.reactor.step({ port: 'transport', id, kind }, run);
  }
}

const idle: ConnectionHandler = { open() {}, bytes() {}, drain() {}, end() {}, closed() {} };

/** Whether who listens on `bound` gets what is dialled to `dialled`, where both are names of one host. */
const covers = (bound: string, dialled: string): boolean => isWildcard(bound) || isLoopback(bound) === isLoopback(dialled);

/** The process that listens where somebody dials. */
const acceptorOf = ({ host, address }: Dial): MemoryTransport | null => {
  for (const transport of host.transports) if (transport.listening(address) !== null) return transport;
  return null;
};

/** What the host answers to a dial; null when the connection stands. */
const judge = (dial: Dial, from: Address): TransportFailure | null => {
  const transport = acceptorOf(dial);
  const listening = transport?.listening(dial.address) ?? null;
  const where = formatAddress(dial.address);
  if (transport === null || listening === null) {
    return { code: 'refused', message: `${where} refused the connection: nothing listens there` };
  }
  if (listening.security === undefined && dial.security === undefined) return null;
  const wanted = listening.security?.find(({ identity }) => identity === dial.security?.identity);
  if (wanted !== undefined && dial.security !== undefined && sameBytes(wanted.key, dial.security.key)) return null;
  const plain = dial.security === undefined;
  if (listening.security !== undefined) {
    const why = plain ? 'is not secured, and this port takes secured connections only' : "did not prove that it has the network's key";
    transport.reject(listening, { code: 'security', message: `${formatAddress(from)} ${why}` });
  }
  const why = plain ? 'takes secured connections only; this one was plain' : "did not prove that it has the network's key";
  return { code: 'security', message: `${where} ${why}` };
};

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);
