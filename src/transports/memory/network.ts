import type { Reactor } from '../../bus/reactor.ts';
import type { Random } from '../../ports/random.ts';
import { MemoryDatagrams } from './datagrams.ts';
import { type Gate, OPEN_GATE } from './gate.ts';
import { FIRST_EPHEMERAL_PORT, isLoopback, LOOPBACK } from './host.ts';
import type { Host, HostOptions, Loss } from './host.ts';
import { Link } from './link.ts';
import type { LinkQuality } from './link.ts';
import type { Scheduler } from './scheduler.ts';
import { MemoryTransport } from './transport.ts';
import { Downlink, Uplink } from './uplink.ts';
import type { Wire } from './wire.ts';

export interface MemoryNetworkOptions {
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** Of every link that has no quality of its own. Default 1 ms, no jitter. */
  readonly link?: LinkQuality;
  /** Bytes that have left and that the receiver has not used. Default 1 MiB. */
  readonly windowBytes?: number;
  /** Bytes that travel as one event. Default 64 KiB. */
  readonly trainBytesMax?: number;
  /** `send` says false while more than this is queued. Default 256 KiB. */
  readonly sendHighWaterBytes?: number;
  /** Overwrites lent bytes when the call is over. Default true. */
  readonly poison?: boolean;
  /** How connections die by themselves: after this time on average, some without a word. Default: never. */
  readonly loss?: { readonly meanLifeMs: number; readonly silentShare: number };
}

/** Hosts, links between them, and what may go wrong with them. Time is the scheduler's, chance is the seed's. */
export class MemoryNetwork {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly settings: Required<Omit<MemoryNetworkOptions, 'loss'>> & Pick<MemoryNetworkOptions, 'loss'>;
  /** One for all: a delivery is over before the next begins. */
  readonly lent: Uint8Array;
  readonly #hosts = new Map<string, Host>();
  readonly #byName = new Map<string, Host>();
  readonly #links = new Map<string, Link>();
  readonly #wires = new Set<Wire>();

  constructor(options: MemoryNetworkOptions) {
    this.scheduler = options.scheduler;
    this.random = options.random;
    this.settings = {
      link: { latencyMs: 1, jitterMs: 0 },
      windowBytes: 1_048_576,
      trainBytesMax: 65_536,
      sendHighWaterBytes: 262_144,
      poison: true,
      ...options,
    };
    this.lent = new Uint8Array(this.settings.trainBytesMax);
  }

  /** `name` is the host's address, such as 10.0.0.1. */
  addHost(name: string, options: HostOptions = {}): void {
    const { uplinkBytesPerSecond, downlinkBytesPerSecond } = options;
    const host: Host = {
      name,
      names: new Set([name, ...(options.names ?? [])]),
      uplink: uplinkBytesPerSecond === undefined ? null : new Uplink(this.scheduler, uplinkBytesPerSecond),
      downlink: downlinkBytesPerSecond === undefined ? null : new Downlink(downlinkBytesPerSecond),
      transports: new Set(),
      datagrams: new Set(),
      boots: 0,
      dark: false,
      lastPort: FIRST_EPHEMERAL_PORT - 1,
    };
    for (const each of host.names) {
      if (this.#byName.has(each)) throw new Error(`Two hosts are named ${each}`);
      this.#byName.set(each, host);
    }
    this.#hosts.set(name, host);
  }

  /** The transport of one process (incarnation) on that host; `gate` holds back what comes for it. */
  transport(host: string, reactor: Reactor, gate: Gate = OPEN_GATE): MemoryTransport {
    return new MemoryTransport(this, this.host(host), reactor, gate);
  }

  /** The datagrams of the same process. */
  datagrams(host: string, reactor: Reactor, gate: Gate = OPEN_GATE): MemoryDatagrams {
    return new MemoryDatagrams(this, this.host(host), reactor, gate);
  }

  /** Every process of the host ends at once; `silence` is a power cut: nobody is told. */
  crash(host: string, how: Loss): void {
    for (const transport of this.host(host).transports) transport.crash(how);
    for (const datagrams of this.host(host).datagrams) datagrams.crash();
  }

  setLink(from: string, to: string, quality: LinkQuality): void {
    this.link(this.host(from), this.host(to)).setQuality(quality);
  }

  setUplink(host: string, bytesPerSecond: number): void {
    const { uplink } = this.host(host);
    if (uplink === null) throw new Error(`${host} was made without an uplink's rate`);
    uplink.setRate(bytesPerSecond);
  }

  /** Nothing passes from one side to the other, in either direction, until the answer is called: silence, not reset. */
  partition(side: readonly string[], other: readonly string[]): () => void {
    const heals = [this.block(side, other), this.block(other, side)];
    return () => heals.forEach((heal) => heal());
  }

  /** Nothing passes from `from` to `to` until the answer is called; the other direction stays open. */
  block(from: readonly string[], to: readonly string[]): () => void {
    const links = from.flatMap((a) => to.filter((b) => b !== a).map((b) => this.link(this.host(a), this.host(b))));
    const cause = {};
    for (const link of links) link.block(cause);
    return () => links.forEach((link) => link.unblock(cause));
  }

  /** Takes every block away. */
  healAll(): void {
    for (const link of this.#links.values()) link.heal();
  }

  /** Breaks the connections between two hosts, or all of one. Answers how many. */
  breakConnections(how: Loss, host: string, other?: string): number {
    const [a, b] = [this.host(host), other === undefined ? null : this.host(other)];
    const broken = [...this.#wires].filter((wire) => wire.joins(a, b));
    for (const wire of broken) wire.lose(how);
    return broken.length;
  }

  // What follows is for transports.

  resolve(name: string, from: Host): Host | null {
    return isLoopback(name) ? from : (this.#byName.get(name) ?? null);
  }

  /** The host that has this name or address; null where there is none. */
  nameOf(address: string): string | null {
    return this.#byName.get(address)?.name ?? null;
  }

  host(name: string): Host {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new Error(`There is no host ${name}`);
    return host;
  }

  link(from: Host, to: Host): Link {
    const key = `${from.name}>${to.name}`;
    let link = this.#links.get(key);
    if (link === undefined) {
      link = new Link(this.random.fork(key), from === to ? LOOPBACK : this.settings.link);
      this.#links.set(key, link);
    }
    return link;
  }

  /** A port that no process of the host has. */
  freePort(host: Host): number {
    do host.lastPort = host.lastPort >= 65_535 ? FIRST_EPHEMERAL_PORT : host.lastPort + 1;
    while (
      [...host.transports].some((transport) => transport.listensOn(host.lastPort)) ||
      [...host.datagrams].some((datagrams) => datagrams.hasPort(host.lastPort))
    );
    return host.lastPort;
  }

  /** Takes a datagram there, if nothing swallows it. */
  carry(from: Host, to: Host, arrive: () => void): void {
    const link = this.link(from, to);
    const time = link.datagramTime();
    if (time === null) return;
    this.scheduler.at(this.scheduler.now() + time, () => {
      if (!link.blocked) arrive();
    });
  }

  opened(wire: Wire): void {
    this.#wires.add(wire);
    const { loss } = this.settings;
    if (loss === undefined) return;
    const { random } = wire;
    const life = -Math.log(1 - random.u32('life') / 0x1_0000_0000) * loss.meanLifeMs * 1_000;
    const how = random.u32('manner of loss') / 0x1_0000_0000 < loss.silentShare ? 'silence' : 'reset';
    wire.doom(this.scheduler.at(this.scheduler.now() + Math.round(life), () => wire.lose(how)));
  }

  closed(wire: Wire): void {
    this.#wires.delete(wire);
  }
}
