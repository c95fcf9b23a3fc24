import type { Reactor } from '../../bus/reactor.ts';
import { below } from '../../ports/random.ts';
import type { Address, CloseReason, Connection, ConnectionHandler, TransportFailure } from '../transport.ts';
import type { Gate } from './gate.ts';
import type { Link } from './link.ts';
import type { Pipe } from './pipe.ts';
import type { Scheduler } from './scheduler.ts';

/** What an endpoint has of the process it belongs to. */
export interface EndpointOwner {
  readonly reactor: Reactor;
  /** Its process has crashed: nothing may be told any more. */
  readonly dead: boolean;
  readonly gate: Gate;
  readonly scheduler: Scheduler;
  readonly sendHighWaterBytes: number;
  /** Lent to handlers, then poisoned. */
  readonly lent: Uint8Array;
  readonly poison: boolean;
  flushLater(endpoint: Endpoint): void;
  forget(endpoint: Endpoint): void;
}

/** What lent bytes become when the call is over. */
export const POISON = 0xdb;
/** One train in so many is cut in two before it is delivered. */
const CUT_ONE_IN = 16;
/** Where a link slices, a train is not cut in many more than this. */
const SLICES_MAX = 64;

/** One side of a connection, as its owner sees it. */
export class Endpoint implements Connection {
  readonly id: number;
  readonly remote: Address;
  readonly local: Address;
  readonly #owner: EndpointOwner;
  /** The way on which bytes come. */
  readonly #incoming: Link;
  #handler: ConnectionHandler;
  #out: Pipe | null = null;
  #in: Pipe | null = null;
  /** Came in and waits for `resume`. */
  #received: Uint8Array[] = [];
  #opened = false;
  #paused = false;
  #delivering = false;
  /** Waits for its process to go on. */
  #atGate = false;
  #closing = false;
  #endWaits = false;
  #endTold = false;
  #over = false;
  #dead = false;
  #bootsAtDeath = -1;
  #toldOver: () => void = () => {};
  #drainWanted = false;
  #drainDue = false;

  constructor(id: number, remote: Address, local: Address, handler: ConnectionHandler, owner: EndpointOwner, incoming: Link) {
    this.id = id;
    this.remote = remote;
    this.local = local;
    this.#handler = handler;
    this.#owner = owner;
    this.#incoming = incoming;
  }

  send(bytes: Uint8Array): boolean {
    if (this.#closing || this.#over || this.#out === null || bytes.length === 0) return !this.#drainWanted;
    this.#out.push(bytes);
    this.#flushAtEndOfStep();
    if (this.#out.queuedBytes > this.#owner.sendHighWaterBytes) this.#drainWanted = true;
    return !this.#drainWanted;
  }

  queuedBytes(): number {
    return this.#over || this.#out === null ? 0 : this.#out.queuedBytes;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#received.length > 0 || this.#endWaits) this.#soon(() => this.#deliver());
  }

  close(): void {
    if (this.#closing || this.#over) return;
    this.#closing = true;
    this.#out?.finish();
    this.#flushAtEndOfStep();
  }

  abort(): void {
    if (this.#over) return;
    this.#breakOff();
    this.fail({ code: 'aborted', message: 'The connection was aborted on this side' });
  }

  // What follows is for the network, not for the connection's owner.

  /** `over` is called when this side has no part in the connection any more. */
  connect(out: Pipe, incoming: Pipe, over: () => void): void {
    this.#out = out;
    this.#in = incoming;
    this.#toldOver = over;
  }

  get over(): boolean {
    return this.#over;
  }

  /** Its process has crashed: nothing will be told any more. */
  get dead(): boolean {
    return this.#dead;
  }

  handleBy(handler: ConnectionHandler): void {
    this.#handler = handler;
  }

  /** The connection stands; inside a step that is under way or in one of its own. */
  open(): void {
    this.#opened = true;
    this.#out?.open();
    if (this.#owner.reactor.stepping) this.#handler.open();
    else this.#step('open', () => this.#handler.open());
    this.#flushAtEndOfStep();
  }

  /** At the end of the step that sent something. */
  flush(): void {
    if (!this.#over && this.#opened) this.#out?.pump();
  }

  /** Ends for a reason that this side's owner is told, once. */
  fail(error: TransportFailure): void {
    this.#finish({ kind: 'failed', error });
  }

  /** Whether the machine runs again, and so answers with `reset` what comes for a process that is gone. */
  answersAfterDeath(boots: number): boolean {
    return boots > this.#bootsAtDeath;
  }

  /** The process is gone: silence on this side. The other side hears `reset`, or after a power cut nothing. */
  crash(how: 'reset' | 'silence', boots: number): void {
    this.#dead = true;
    if (how === 'silence') this.#bootsAtDeath = boots;
    if (this.#over) return;
    this.#over = true;
    this.#received = [];
    if (how === 'reset') this.#breakOff();
    else this.#out?.cut();
    this.#toldOver();
  }

  drained(): void {
    if (!this.#drainWanted || this.#drainDue || this.#over) return;
    this.#drainDue = true;
    this.#soon(() => {
      this.#drainDue = false;
      if (this.#over || this.#out?.queuedBytes !== 0) return;
      this.#drainWanted = false;
      this.#step('drain', () => this.#handler.drain());
    });
  }

  finished(): void {
    this.#endIfBoth();
  }

  received(parts: readonly Uint8Array[]): void {
    if (this.#over) return;
    for (const part of parts) this.#received.push(part);
    this.#deliverSoon();
  }

  ended(): void {
    if (this.#over) return;
    this.#endWaits = true;
    this.#deliverSoon();
  }

  /** Now, or when the process goes on. */
  #deliverSoon(): void {
    const { gate } = this.#owner;
    if (gate.open) this.#deliver();
    else this.#deliverLater();
  }

  #deliverLater(): void {
    if (this.#atGate) return;
    this.#atGate = true;
    this.#owner.gate.pass(() => {
      this.#atGate = false;
      this.#deliver();
    });
  }

  /** Delivers what is there in lent pieces, each in a step of its own, until the owner pauses. */
  #deliver(): void {
    if (this.#delivering) return;
    const { gate } = this.#owner;
    this.#delivering = true;
    while (this.#received.length > 0 && !this.#paused && !this.#over) {
      const piece = this.#borrow();
      this.#step('bytes', () => this.#handler.bytes(piece), piece);
      if (this.#owner.poison) piece.fill(POISON);
      this.#in?.credit(piece.length);
      if (gate.open) continue;
      this.#delivering = false;
      return this.#deliverLater();
    }
    if (this.#endWaits && this.#received.length === 0 && !this.#paused && !this.#over) {
      this.#endWaits = false;
      this.#endTold = true;
      this.#step('end', () => this.#handler.end());
      this.#endIfBoth();
    }
    this.#delivering = false;
  }

  /** Fills the lent buffer from the front of what was received, up to a place that is now and then random. */
  #borrow(): Uint8Array {
    const { lent } = this.#owner;
    let there = 0;
    for (let i = 0; i < this.#received.length && there < lent.length; i++) there += (this.#received[i] as Uint8Array).length;
    const size = this.#cutAt(Math.min(there, lent.length));
    let filled = 0;
    let used = 0;
    while (filled < size) {
      const part = this.#received[used] as Uint8Array;
      const count = Math.min(part.length, size - filled);
      lent.set(count === part.length ? part : part.subarray(0, count), filled);
      filled += count;
      if (count === part.length) used++;
      else this.#received[used] = part.subarray(count);
    }
    this.#received.splice(0, used);
    return lent.subarray(0, size);
  }

  #cutAt(bytes: number): number {
    if (bytes < 2) return bytes;
    const { slicing, random } = this.#incoming;
    if (slicing !== null)
      return 1 + below(slicing.random, 'slice', Math.min(bytes, Math.max(slicing.bytesMax, Math.ceil(bytes / SLICES_MAX))));
    if (below(random, 'cut', CUT_ONE_IN) !== 0) return bytes;
    return 1 + below(random, 'place', bytes - 1);
  }

  #endIfBoth(): void {
    if (this.#endTold && this.#out?.finSent === true) this.#finish({ kind: 'ended' });
  }

  #finish(reason: CloseReason): void {
    if (this.#over) return;
    this.#over = true;
    this.#received = [];
    if (reason.kind === 'failed') this.#out?.cut();
    this.#owner.forget(this);
    this.#toldOver();
    this.#soon(() => this.#step('closed', () => this.#handler.closed(reason)));
  }

  /** Drops what is under way on this side and tells the other. */
  #breakOff(): void {
    this.#out?.cut();
    if (this.#opened) this.#out?.send({ kind: 'reset' });
  }

  #flushAtEndOfStep(): void {
    if (!this.#opened) return;
    if (this.#owner.reactor.stepping) this.#owner.flushLater(this);
    else this.flush();
  }

  #soon(run: () => void): void {
    const { scheduler } = this.#owner;
    scheduler.at(scheduler.now(), () => this.#owner.gate.pass(run));
  }

  #step(kind: string, run: () => void, bytes?: Uint8Array): void {
    // The owner may be gone while this endpoint, which ended before, has still to be told of its end.
    if (this.#dead || this.#owner.dead) return;
    const { id } = this;
    this.#owner.reactor.step(bytes === undefined ? { port: 'transport', id, kind } : { port: 'transport', id, kind, bytes }, run);
  }
}
