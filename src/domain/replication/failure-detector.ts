/** Time as the detector needs it; `Clock` of the ports fits. */
export interface Timekeeper {
  /** Microseconds, monotonic. */
  now(): number;
  setTimer(delay: number, fire: () => void): number;
  clearTimer(id: number): void;
}

export interface DetectorOptions {
  /** How long a silence is too long, in microseconds; drawn at each start and after each suspicion. */
  readonly drawPatience: () => number;
  /** A timer of its own that fires so much too late, in microseconds, says that this process stood still. */
  readonly stall: number;
  /** And then it listens for so much longer, in microseconds, before it suspects anybody else. */
  readonly listenAfterStall: number;
  /** Nothing was heard for so many microseconds. */
  readonly suspect: (silence: number) => void;
}

/**
 * Tells when somebody has been silent for too long. Heartbeats have a rate, so they must cost nothing: hearing one writes
 * down the time, and a single timer looks at it when it fires and, if something was heard, waits for the rest. Who stood
 * still itself distrusts itself first: what was sent meanwhile may lie unread.
 */
export class FailureDetector {
  readonly #time: Timekeeper;
  readonly #options: DetectorOptions;
  #patience = 0;
  #lastHeard = 0;
  /** Evidence came that there is nobody any more: no later than this, unless something is heard. */
  #hastened = Number.POSITIVE_INFINITY;
  #due = 0;
  #timer: number | null = null;

  constructor(time: Timekeeper, options: DetectorOptions) {
    this.#time = time;
    this.#options = options;
  }

  /** Begins to listen now, with `patience` for the first time if given. Starting again begins anew. */
  start(patience = this.#options.drawPatience()): void {
    this.stop();
    this.#patience = patience;
    this.#lastHeard = this.#time.now();
    this.#hastened = Number.POSITIVE_INFINITY;
    this.#wait(patience);
  }

  heard(): void {
    this.#lastHeard = this.#time.now();
    this.#hastened = Number.POSITIVE_INFINITY;
  }

  /** Suspects within so many microseconds at the latest, unless something is heard before. Nothing while it does not listen. */
  hasten(within: number): void {
    if (this.#timer === null) return;
    this.#hastened = Math.min(this.#hastened, this.#time.now() + within);
    if (this.#deadline() >= this.#due) return;
    this.#time.clearTimer(this.#timer);
    this.#wait(Math.max(0, this.#deadline() - this.#time.now()));
  }

  stop(): void {
    if (this.#timer !== null) this.#time.clearTimer(this.#timer);
    this.#timer = null;
  }

  #deadline(): number {
    return Math.min(this.#lastHeard + this.#patience, this.#hastened);
  }

  #wait(delay: number): void {
    this.#due = this.#time.now() + delay;
    this.#timer = this.#time.setTimer(delay, () => this.#check());
  }

  #check(): void {
    this.#timer = null;
    const now = this.#time.now();
    const left = this.#deadline() - now;
    if (left > 0) this.#wait(left);
    else if (now - this.#due > this.#options.stall) this.#wait(this.#options.listenAfterStall);
    else {
      const silence = now - this.#lastHeard;
      this.start();
      this.#options.suspect(silence);
    }
  }
}

/** The last moment at which a majority, the voter itself included, was known to be there. */
export const quorumHeardAt = (answeredAt: readonly number[], majority: number, now: number): number =>
  majority <= 1 ? now : ([...answeredAt].sort((a, b) => b - a)[majority - 2] ?? Number.NEGATIVE_INFINITY);
