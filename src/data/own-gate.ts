import type { Clock } from '../ports/clock.ts';
import { RateGate } from './rate-gate.ts';

/** What whoever asks for blocks sees of limits of speed. */
export interface Gate {
  readonly limited: boolean;
  /** 0 for no limit. */
  readonly bytesPerSecond: number;
  take(bytes: number): boolean;
  giveBack(bytes: number): void;
  /** `retry` is called once, in turn, in a later step. */
  wait(who: object, retry: () => void): void;
  forget(who: object): void;
}

/** The limit of one transfer, which few have. */
export class OwnGate {
  readonly #clock: Clock;
  #gate: RateGate | null = null;

  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock;
    this.setRate(bytesPerSecond);
  }

  /** Null where there is no limit. */
  get gate(): RateGate | null {
    return this.#gate;
  }

  /** Bytes a second; 0 for no limit. Who waits goes on at the new rate. */
  setRate(bytesPerSecond: number): void {
    if (this.#gate === null && bytesPerSecond > 0) this.#gate = new RateGate(this.#clock, bytesPerSecond);
    else this.#gate?.setRate(bytesPerSecond);
  }

  stop(): void {
    this.#gate?.stop();
  }
}

/** Two limits, both of which must let bytes pass: that of a transfer, then that of the node. */
export class BothGates implements Gate {
  readonly #own: OwnGate;
  readonly #node: Gate;
  #refused: Gate | null = null;

  constructor(own: OwnGate, node: Gate) {
    this.#own = own;
    this.#node = node;
  }

  get limited(): boolean {
    return this.#own.gate?.limited === true || this.#node.limited;
  }

  /** The narrower of the two. */
  get bytesPerSecond(): number {
    const limits = [this.#own.gate?.bytesPerSecond ?? 0, this.#node.bytesPerSecond].filter((limit) => limit > 0);
    return limits.length === 0 ? 0 : Math.min(...limits);
  }

  take(bytes: number): boolean {
    const own = this.#own.gate;
    this.#refused = own !== null && !own.take(bytes) ? own : null;
    if (this.#refused !== null) return false;
    if (this.#node.take(bytes)) return true;
    own?.giveBack(bytes);
    this.#refused = this.#node;
    return false;
  }

  giveBack(bytes: number): void {
    this.#own.gate?.giveBack(bytes);
    this.#node.giveBack(bytes);
  }

  /** At the gate that refused last, else at the narrower. */
  wait(who: object, retry: () => void): void {
    const own = this.#own.gate;
    const gate = this.#refused ?? (own?.limited === true ? own : this.#node);
    this.#refused = null;
    gate.wait(who, retry);
  }

  forget(who: object): void {
    this.#own.gate?.forget(who);
    this.#node.forget(who);
  }
}
