/** Tells whoever serves next what guests have announced before, at a bounded rate. */
import type { Clock, TimerId } from '../../ports/clock.ts';
import { millis } from '../../ports/clock.ts';
import type { GuestAnnounceFrame } from '../../protocol/control/messages.ts';
import { silenceSince } from './asking.ts';
import type { AnnounceMemory, Remembered } from './memory.ts';

/** 2,000 a second: 50,000 guests are told of within 25 s. */
const PER_TICK = 20;
const TICK_MS = 10;

/** Announces that wait although somebody serves; more are told when their guests announce again. */
const WAITING_MAX = 10_000;

export class Teller {
  readonly #clock: Clock;
  readonly #memory: AnnounceMemory;
  readonly #send: (frame: GuestAnnounceFrame) => boolean;
  #left: Iterator<Remembered> | null = null;
  #waiting: Remembered[] = [];
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

  /** Tells of one that was answered without being told of. */
  add(frame: GuestAnnounceFrame): void {
    if (this.#waiting.length >= WAITING_MAX) return;
    this.#waiting.push({ frame, heardAt: this.#clock.now() });
    this.#later();
  }

  stop(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#left = null;
    this.#waiting = [];
  }

  #later(): void {
    this.#timer ??= this.#clock.setTimer(millis(TICK_MS), () => this.#tick());
  }

  #tick(): void {
    this.#timer = null;
    const first = this.#waiting.splice(0, PER_TICK);
    for (const waiting of first) this.#tell(waiting);
    for (let count = first.length; count < PER_TICK && this.#left !== null; count++) {
      const next = this.#left.next();
      if (next.done === true) this.#left = null;
      else this.#tell(next.value);
    }
    if (this.#left !== null || this.#waiting.length > 0) this.#later();
  }

  #tell({ frame, heardAt }: Remembered): void {
    // What began or ended then is over; that it is there, partial or gone, still holds.
    const event = frame.event === 'stopped' || frame.event === 'paused' ? frame.event : 'none';
    const silentMs = silenceSince(heardAt, this.#clock.now());
    this.#send({ ...frame, nonce: 0, event, want: 0, replay: true, silentMs });
    this.#memory.taken(frame);
  }
}
