import { EventEmitter } from 'eventemitter3';
import type { Micros } from '../ports/clock.ts';

/** What actors say to each other. `type` is dot-case: past tense for facts, imperative for commands. */
export interface Message {
  readonly type: string;
}

declare const accepts: unique symbol;

/** The name of an actor within its process, typed by what the actor understands. */
export type Address<M extends Message = never> = string & { readonly [accepts]?: (message: M) => void };

export interface Envelope {
  readonly to: Address;
  readonly from: Address;
  readonly message: Message;
}

/** Why a step happens: which port delivers what. `bytes` is lent for the step. */
export interface Cause {
  readonly port: 'clock' | 'transport' | 'disk' | 'database' | 'crypto' | 'gateway' | 'process' | 'programs';
  /** The connection, timer or operation. */
  readonly id: number;
  readonly kind: string;
  readonly bytes?: Uint8Array;
}

/** A machine took a transition, also one that stays in its state. States are dotted (`primary.sync`), parallel ones joined by `+`. */
export interface Transition {
  /** The id of the machine; there may be many actors of it. */
  readonly machine: string;
  readonly actor: Address;
  readonly from: string;
  readonly event: string;
  readonly to: string;
}

interface Taps {
  cause: [cause: Cause, at: Micros];
  envelope: [envelope: Envelope, at: Micros];
  stepped: [];
  /** Listened to by those who do so before the machine is started. */
  transition: [transition: Transition, at: Micros];
}

const throwIt = (error: unknown): void => {
  throw error;
};

/** Envelopes of one step; more is a loop in the program. */
const ENVELOPES_PER_STEP_MAX = 1_000_000;

/**
 * The heart of a process: everything it does, it does in a step (ARCHITECTURE.md, "One step"). A port calls `step` for
 * each event; the handler runs, then the bus is drained, first in first out, one delivery at a time.
 */
export class Reactor {
  /** For recorders and telemetry. A listener must not post and must not throw. */
  readonly taps = new EventEmitter<Taps>();
  readonly #readTime: () => Micros;
  readonly #actors = new Map<Address, (message: never, from: Address) => void>();
  #queue: Envelope[] = [];
  #stepping = false;
  #now: Micros;
  readonly #onFault: (error: unknown) => void;
  #fault: { readonly error: unknown } | null = null;

  /**
   * `onFault` is told once what ended the process's last step: a programmer's mistake. By default it is thrown, to whom
   * delivered the event. After it, nothing is delivered any more.
   */
  constructor(readTime: () => Micros, onFault: (error: unknown) => void = throwIt) {
    this.#readTime = readTime;
    this.#now = readTime();
    this.#onFault = onFault;
  }

  /** The time of the current step; between steps, of the last one. */
  now(): Micros {
    return this.#now;
  }

  /**
   * Runs one step. Ports never call it from inside a step. What a handler or a machine throws ends it: messages that
   * were posted are not delivered, `stepped` is not told.
   */
  step(cause: Cause, handle: () => void): void {
    if (this.#stepping) throw new Error(`A port delivered ${cause.port} ${cause.kind} inside a step`);
    if (this.#fault !== null) return;
    this.#stepping = true;
    this.#now = Math.max(this.#now, this.#readTime());
    try {
      if (this.taps.listenerCount('cause') > 0) this.taps.emit('cause', cause, this.#now);
      handle();
      if (this.#queue.length > 0) this.#drain();
    } catch (error) {
      this.fault(error);
    } finally {
      this.#stepping = false;
    }
    // Read through a call: the compiler does not see that the step may have set it.
    const fault = this.failed;
    if (fault === null) {
      this.taps.emit('stepped');
      return;
    }
    this.#queue = [];
    this.#onFault(fault.error);
  }

  /** What ended the process, if anything did. */
  get failed(): { readonly error: unknown } | null {
    return this.#fault;
  }

  /** Whether a step is under way. */
  get stepping(): boolean {
    return this.#stepping;
  }

  register<M extends Message>(address: Address<M>, receive: (message: M, from: Address) => void): void {
    if (this.#actors.has(address)) throw new Error(`Two actors are named ${address}`);
    this.#actors.set(address, receive as (message: never, from: Address) => void);
  }

  unregister(address: Address): void {
    this.#actors.delete(address);
  }

  /** Enqueues; delivered in this step. To an actor that is gone, it is dropped: its links told everybody already. */
  post<M extends Message>(to: Address<M>, message: M, from: Address = ''): void {
    if (!this.#stepping) throw new Error(`${message.type} was posted outside a step`);
    this.#queue.push({ to, from, message });
  }

  /** Records a machine's error, which XState would only report later: the step ends with it. */
  fault(error: unknown): void {
    this.#fault ??= { error };
  }

  #drain(): void {
    for (let at = 0; at < this.#queue.length && this.#fault === null; at++) {
      if (at > ENVELOPES_PER_STEP_MAX) throw new Error('The bus does not come to rest');
      const envelope = this.#queue[at] as Envelope;
      if (this.taps.listenerCount('envelope') > 0) this.taps.emit('envelope', envelope, this.#now);
      this.#actors.get(envelope.to)?.(envelope.message as never, envelope.from);
    }
    this.#queue = [];
  }
}
