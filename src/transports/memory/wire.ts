import type { Due } from '../../ports/due-heap.ts';
import type { Random } from '../../ports/random.ts';
import type { Endpoint } from './endpoint.ts';
import type { Gate } from './gate.ts';
import type { Host, Loss } from './host.ts';
import type { MemoryNetwork } from './network.ts';
import { type Item, Pipe } from './pipe.ts';

/** What the other end does with a connection that comes. */
export interface Door {
  /** Of the process that listens. */
  gate(): Gate;
  /** Makes the acceptor, or null where nobody takes the connection any more. */
  accept(wire: Wire): Endpoint | null;
}

/** A connection as the network sees it: two hosts, two pipes, an endpoint at each end. */
export class Wire {
  /** From the dialler to the acceptor. */
  readonly forth: Pipe;
  readonly back: Pipe;
  readonly #network: MemoryNetwork;
  readonly #from: Host;
  readonly #to: Host;
  readonly #dialler: Endpoint;
  readonly #door: Door;
  #acceptor: Endpoint | null = null;
  #lost = false;
  /** What came for a listener that has not taken the connection yet. */
  #opening: Item[] | null = null;
  #doom: Due | null = null;

  constructor(network: MemoryNetwork, from: Host, to: Host, dialler: Endpoint, door: Door) {
    this.#network = network;
    this.#from = from;
    this.#to = to;
    this.#dialler = dialler;
    this.#door = door;
    this.forth = this.#pipe(
      from,
      to,
      () => this.#dialler,
      (item) => this.#atAcceptor(item),
    );
    this.back = this.#pipe(
      to,
      from,
      () => this.#acceptor,
      (item) => this.#atDialler(item),
    );
  }

  /** For its own chances: the way to the acceptor. */
  get random(): Random {
    return this.#network.link(this.#from, this.#to).random;
  }

  /** Whether it joins these hosts, in either direction; with null, any other. */
  joins(host: Host, other: Host | null): boolean {
    return (
      (this.#from === host && (other === null || this.#to === other)) || (this.#to === host && (other === null || this.#from === other))
    );
  }

  /** Ends it by accident. After `silence` neither side hears the other again. */
  lose(how: Loss): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#unregister();
    if (how === 'silence') return;
    for (const end of [this.#dialler, this.#acceptor]) if (end !== null && !end.dead) end.fail(RESET);
  }

  doom(due: Due): void {
    this.#doom = due;
  }

  #pipe(from: Host, to: Host, sender: () => Endpoint | null, arrived: (item: Item) => void): Pipe {
    const { scheduler, settings } = this.#network;
    const { windowBytes, trainBytesMax } = settings;
    return new Pipe(
      {
        scheduler,
        link: this.#network.link(from, to),
        back: this.#network.link(to, from),
        uplink: from === to ? null : from.uplink,
        downlink: from === to ? null : to.downlink,
        windowBytes,
        trainBytesMax,
      },
      { drained: () => sender()?.drained(), finished: () => sender()?.finished(), arrived },
    );
  }

  #atAcceptor(item: Item): void {
    if (this.#lost) return;
    if (item.kind === 'open') {
      this.#opening = [];
      this.#door.gate().pass(() => this.#taken());
    } else if (this.#opening === null) this.#deliver(this.#acceptor, this.#to, this.back, item);
    else this.#opening.push(item);
  }

  /** The listener takes it, or does not. A machine without power says nothing. */
  #taken(): void {
    const waited = this.#opening ?? [];
    this.#opening = null;
    if (this.#lost) return;
    this.#acceptor = this.#door.accept(this);
    if (this.#acceptor === null && !this.#to.dark) this.back.send({ kind: 'reset' });
    for (const item of waited) this.#deliver(this.#acceptor, this.#to, this.back, item);
  }

  #atDialler(item: Item): void {
    if (!this.#lost) this.#deliver(this.#dialler, this.#from, this.forth, item);
  }

  #deliver(end: Endpoint | null, host: Host, answer: Pipe, item: Item): void {
    if (end === null) return;
    if (end.dead) {
      // The process is gone. Where its machine runs, the system answers for it.
      if (item.kind !== 'reset' && end.answersAfterDeath(host.boots)) answer.send({ kind: 'reset' });
      return;
    }
    if (item.kind === 'data') end.received(item.parts);
    else if (item.kind === 'fin') end.ended();
    else if (item.kind === 'reset') end.fail(RESET);
  }

  /** An end has no part in it any more; when both have none, the network forgets the wire. */
  readonly endOver = (): void => {
    if (this.#dialler.over && (this.#acceptor === null || this.#acceptor.over)) this.#unregister();
  };

  #unregister(): void {
    this.#network.closed(this);
    if (this.#doom !== null) this.#network.scheduler.cancel(this.#doom);
    this.#doom = null;
  }
}

const RESET = { code: 'reset', message: 'The other side broke the connection off' } as const;
