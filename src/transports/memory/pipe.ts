import type { Micros } from '../../ports/clock.ts';
import type { Due } from '../../ports/due-heap.ts';
import type { Held, Link } from './link.ts';
import type { Scheduler } from './scheduler.ts';
import type { Downlink, Uplink } from './uplink.ts';

/** What travels through a pipe, in order. `open` lets the other side accept. */
export type Item =
  | { readonly kind: 'data'; readonly parts: readonly Uint8Array[]; readonly bytes: number }
  | { readonly kind: 'open' | 'fin' | 'reset' };

export interface PipeEnds {
  /** Everything queued has left. */
  drained(): void;
  /** The end of the stream has left. */
  finished(): void;
  /** Something has come to the receiver's side. */
  arrived(item: Item): void;
}

export interface PipeSetup {
  readonly scheduler: Scheduler;
  readonly link: Link;
  /** The way of the acknowledgements. */
  readonly back: Link;
  /** Null: unlimited. */
  readonly uplink: Uplink | null;
  readonly downlink: Downlink | null;
  /** Bytes that have left and that the receiver has not used yet. */
  readonly windowBytes: number;
  /** Bytes that travel as one event. */
  readonly trainBytesMax: number;
}

/** One direction of a connection: a queue, a share of the uplink, a flight, a window. */
export class Pipe implements Held {
  readonly #setup: PipeSetup;
  readonly #ends: PipeEnds;
  #queue: Uint8Array[] = [];
  #queueHead = 0;
  #queuedBytes = 0;
  #outstandingBytes = 0;
  #open = false;
  #finWanted = false;
  #finSent = false;
  #cut = false;
  #transfer: Due | null = null;
  #lastTag = 0;
  #lastTagAt: Micros = -1;
  #lastArrival: Micros = 0;
  /** Came to a blocked link; in order. */
  #held: Item[] = [];
  /** Room that acknowledgements on their way will make. */
  #credits: { readonly at: Micros; readonly bytes: number }[] = [];
  #creditsHeldBytes = 0;
  #creditWake: Due | null = null;

  constructor(setup: PipeSetup, ends: PipeEnds) {
    this.#setup = setup;
    this.#ends = ends;
  }

  /** Bytes that have not left yet. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  get finSent(): boolean {
    return this.#finSent;
  }

  push(bytes: Uint8Array): void {
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
  }

  finish(): void {
    this.#finWanted = true;
  }

  /** The connection stands: bytes may leave at the next `pump`. */
  open(): void {
    this.#open = true;
  }

  /** Drops what has not left; nothing leaves any more but what `send` is told to. */
  cut(): void {
    this.#cut = true;
    this.#queue = [];
    this.#queueHead = 0;
    this.#queuedBytes = 0;
    if (this.#transfer !== null) this.#setup.uplink?.cancel(this.#transfer);
    this.#transfer = null;
    if (this.#creditWake !== null) this.#setup.scheduler.cancel(this.#creditWake);
    this.#creditWake = null;
  }

  /** Lets as much leave as the window and the uplink allow. */
  pump(): void {
    while (this.#open && !this.#cut && this.#transfer === null && this.#queuedBytes > 0) {
      const bytes = this.#trainBytes();
      if (bytes === 0) return;
      this.#outstandingBytes += bytes;
      const train = this.#take(bytes);
      const { uplink, scheduler } = this.#setup;
      if (uplink === null) {
        this.#left(train);
        continue;
      }
      const tagBefore = this.#lastTagAt === scheduler.now() ? this.#lastTag : null;
      this.#transfer = uplink.start(bytes, tagBefore, () => {
        this.#lastTag = (this.#transfer as Due).at;
        this.#lastTagAt = scheduler.now();
        this.#transfer = null;
        this.#left(train);
        this.pump();
      });
    }
    if (this.#open && !this.#cut && this.#finWanted && !this.#finSent && this.#queuedBytes === 0) {
      this.#finSent = true;
      this.send({ kind: 'fin' });
      this.#ends.finished();
    }
  }

  /** Puts something on its way past queue and window. */
  send(item: Item): void {
    const { scheduler, link, downlink } = this.#setup;
    const earliest = Math.max(scheduler.now() + link.travelTime(), this.#lastArrival);
    this.#lastArrival = item.kind === 'data' && downlink !== null ? downlink.reserve(earliest, item.bytes) : earliest;
    scheduler.at(this.#lastArrival, () => this.#arrive(item));
  }

  /** The receiver has used these bytes: room for more, once the sender hears of it. */
  credit(bytes: number): void {
    const { scheduler, back } = this.#setup;
    if (back.blocked) {
      this.#creditsHeldBytes += bytes;
      back.hold(this);
      return;
    }
    const at = scheduler.now() + back.latency;
    const last = this.#credits.at(-1);
    if (last !== undefined && last.at >= at) this.#credits[this.#credits.length - 1] = { at: last.at, bytes: last.bytes + bytes };
    else this.#credits.push({ at, bytes });
    if (this.#queuedBytes > 0 && this.#transfer === null) this.#wakeForCredit();
  }

  /** A link of this pipe is open again. */
  release(): void {
    const { scheduler, link } = this.#setup;
    const credits = this.#creditsHeldBytes;
    this.#creditsHeldBytes = 0;
    if (credits > 0) this.credit(credits);
    if (this.#held.length > 0) scheduler.at(scheduler.now() + link.travelTime(), () => this.#arriveHeld());
  }

  /** How much may leave now; asks to be woken where more room is worth waiting for. */
  #trainBytes(): number {
    const now = this.#setup.scheduler.now();
    let reaped = 0;
    for (const credit of this.#credits) {
      if (credit.at > now) break;
      this.#outstandingBytes -= credit.bytes;
      reaped++;
    }
    if (reaped > 0) this.#credits.splice(0, reaped);
    const wanted = Math.min(this.#queuedBytes, this.#setup.trainBytesMax);
    const room = this.#setup.windowBytes - this.#outstandingBytes;
    if (room >= wanted) return wanted;
    if (this.#outstandingBytes === 0) return room;
    this.#wakeForCredit();
    return 0;
  }

  #wakeForCredit(): void {
    const first = this.#credits[0];
    if (first === undefined || this.#creditWake !== null) return;
    this.#creditWake = this.#setup.scheduler.at(first.at, () => {
      this.#creditWake = null;
      this.pump();
    });
  }

  /** Takes exactly so many of the queued bytes, without a copy; they count as queued until they have left. */
  #take(bytes: number): Item {
    const parts: Uint8Array[] = [];
    let missing = bytes;
    while (missing > 0) {
      const first = this.#queue[this.#queueHead] as Uint8Array;
      if (first.length <= missing) {
        parts.push(first);
        this.#queueHead++;
        missing -= first.length;
      } else {
        parts.push(first.subarray(0, missing));
        this.#queue[this.#queueHead] = first.subarray(missing);
        missing = 0;
      }
    }
    if (this.#queueHead * 2 > this.#queue.length) {
      this.#queue.splice(0, this.#queueHead);
      this.#queueHead = 0;
    }
    return { kind: 'data', parts, bytes };
  }

  #left(train: Item): void {
    if (train.kind === 'data') this.#queuedBytes -= train.bytes;
    this.send(train);
    if (this.#queuedBytes === 0) this.#ends.drained();
  }

  #arrive(item: Item): void {
    if (this.#setup.link.blocked || this.#held.length > 0) {
      this.#held.push(item);
      if (this.#setup.link.blocked) this.#setup.link.hold(this);
    } else this.#ends.arrived(item);
  }

  #arriveHeld(): void {
    if (this.#setup.link.blocked) {
      this.#setup.link.hold(this);
      return;
    }
    const held = this.#held;
    this.#held = [];
    for (const item of held) this.#ends.arrived(item);
  }
}
