import type { Observer } from '../world/observer.ts';
import type { Coverage } from './outcome.ts';

export class Transitions implements Observer {
  readonly #transitions = new Map<string, number>();
  readonly #underFaults: () => boolean;

  constructor(underFaults: () => boolean) {
    this.#underFaults = underFaults;
  }

  transition(_process: string, machine: string, from: string, event: string, to: string): void {
    if (!this.#underFaults()) return;
    const key = `${machine}: ${from} ${event} ${to}`;
    this.#transitions.set(key, (this.#transitions.get(key) ?? 0) + 1);
  }

  coverage(): Coverage {
    return { transitions: this.#transitions, marks: new Map() };
  }
}
