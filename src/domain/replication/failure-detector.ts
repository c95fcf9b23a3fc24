/** Time as the detector needs it; `Clock` of the ports fits. */
export interface Timekeeper {
  /** Microseconds, monotonic. */
  now(): number;
  setTimer(delay: number, fire: () => void): number;
  clearTimer(id: number): void;
}

/**
 * Tells when somebody has been silent for too long. Heartbeats have a rate, so they must cost nothing: hearing one writes
 * down the time, and a single timer looks at it when it fires and, if something was heard, waits for the rest.
 */
export class FailureDetector {
  readonly #time: Timekeeper;
  readonly #drawPatience: () => number;
  readonly #suspect: () => void;
  #patience = 0;
  #lastHeard = 0;
  #timer: number | null = null;

  /** @param drawPatience how long a silence is too long, in microseconds; drawn at each start and after each suspicion. */
  constructor(time: Timekeeper, drawPatience: () => number, suspect: () => void) {
    this.#time = time;
    this.#drawPatience = drawPatience;
    this.#suspect = suspect;
  }

  /** Begins to listen now, with `patience` for the first time if given. Starting again begins anew. */
  start(patience = this.#drawPatience()): void {
    this.stop();
    this.#patience = patience;
    this.#lastHeard = this.#time.now();
    this.#wait(patience);
  }

  heard(): void {
    this.#lastHeard = this.#time.now();
  }

  stop(): void {
    if (this.#timer !== null) this.#time.clearTimer(this.#timer);
    this.#timer = null;
  }

  #wait(delay: number): void {
    this.#timer = this.#time.setTimer(delay, () => this.#check());
  }

  #check(): void {
    this.#timer = null;
    const left = this.#lastHeard + this.#patience - this.#time.now();
    if (left > 0) {
      this.#wait(left);
      return;
    }
    this.start();
    this.#suspect();
  }
}

/** The last moment at which a majority, the voter itself included, was known to be there. */
export const quorumHeardAt = (answeredAt: readonly number[], majority: number, now: number): number =>
  majority <= 1 ? now : ([...answeredAt].sort((a, b) => b - a)[majority - 2] ?? Number.NEGATIVE_INFINITY);
