/** Tells whoever serves next what guests have announced before, at a bounded rate. */
import type { Clock, TimerId } from '../../ports/clock.ts';
import { millis } from '../../ports/clock.ts';
import type { GuestAnnounceFrame } from '../../protocol/control/messages.ts';
import { silenceSince } from './asking.ts';
import type { AnnounceMemory } from './memory.ts';

/** 2,000 a second: 50,000 guests are told of within 25 s. */
const PER_TICK = 20;
const TICK_MS = 10;

export class Teller {
  readonly #clock: Clock;
  readonly #memory: AnnounceMemory;
  readonly #send: (frame: GuestAnnounceFrame) => boolean;
  #left: ReturnType<AnnounceMemory['all']> | null = null;
  #timer: TimerId | null = null;

  constructor(clock: Clock, memory: AnnounceMemory, send: (frame: GuestAnnounceFrame) => boolean) {
    this.#clock = clock;
    this.#memory = memory;
    this.#send = send;
  }

  /** Begins anew, for somebody else. */
  start(): void {
    this.stop();
    this.#left = this.#memory.all(this.#clock.now());
    this.#tick();
  }

  stop(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#left = null;
  }

  #tick(): void {
    this.#timer = null;
    for (let count = 0; count < PER_TICK && this.#left !== null; count++) {
      const next = this.#left.next();
      if (next.done === true) {
        this.#left = null;
        return;
      }
      const { frame, heardAt } = next.value;
      // What began or ended then is over; that it is there, partial or gone, still holds.
      const event = frame.event === 'stopped' || frame.event === 'paused' ? frame.event : 'none';
      const silentMs = silenceSince(heardAt, this.#clock.now());
      this.#send({ ...frame, nonce: 0, event, want: 0, replay: true, silentMs });
      this.#memory.taken(frame);
    }
    this.#timer = this.#clock.setTimer(millis(TICK_MS), () => this.#tick());
  }
}
