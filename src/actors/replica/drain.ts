import type { VoterName } from '../../domain/replication/types.ts';

/** A primary that hands over appends no more changes; this knows when its peer has all that were, and they are answered. */
export class Drain {
  readonly #endFor: (peer: VoterName) => number | null;
  #waiting: { readonly peer: VoterName; readonly drained: (seq: number) => void } | null = null;
  #holds = false;

  /** @param endFor the last entry, where the peer has synced it and everything is applied here and at rest; else null. */
  constructor(endFor: (peer: VoterName) => number | null) {
    this.#endFor = endFor;
  }

  /** Changes that come are held. */
  get holds(): boolean {
    return this.#holds;
  }

  /** `drained` is called once, with the last entry; maybe at once. */
  begin(peer: VoterName, drained: (seq: number) => void): void {
    this.#holds = true;
    this.#waiting = { peer, drained };
    this.check();
  }

  /** Something has been synced, applied or answered. */
  check(): void {
    const waiting = this.#waiting;
    const end = waiting === null ? null : this.#endFor(waiting.peer);
    if (waiting === null || end === null) return;
    this.#waiting = null;
    waiting.drained(end);
  }

  /** What is held may go on, or the epoch is over. */
  end(): void {
    this.#holds = false;
    this.#waiting = null;
  }
}
