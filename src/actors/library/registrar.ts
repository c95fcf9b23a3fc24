/** Tells the catalog what this node owns, one content at a time, until the network has said so. */
import type { Network, RequestFailure } from '../../data/network.ts';
import type { Clock, TimerId } from '../../ports/clock.ts';
import { millis } from '../../ports/clock.ts';
import type { ContentSummary } from '../../protocol/control/messages.ts';
import type { Done } from '../../protocol/result.ts';

export interface Registration {
  readonly content: ContentSummary;
  /** Reads the torrent file when the catalog wants it. */
  torrent(done: Done<Uint8Array>): void;
  /** The catalog does not have it yet, as far as known: the torrent goes with the first request. */
  readonly fresh: boolean;
  registered(): void;
}

interface Pending {
  readonly registration: Registration;
  readonly waiting: Done<void, RequestFailure>[];
}

const RETRY_MS = 5_000;
const RETRY_MS_MAX = 60_000;
/** What will not get better by asking again. */
const FINAL: ReadonlySet<string> = new Set(['torrent-invalid', 'too-large', 'bad-request', 'forbidden']);
/** Whether the catalog will never take it, however often it is asked. */
export const isFinal = (code: string): boolean => FINAL.has(code);

export class Registrar {
  readonly #network: Network;
  readonly #clock: Clock;
  readonly #pending = new Map<string, Pending>();
  #busy = false;
  #failures = 0;
  #timer: TimerId | null = null;
  #stopped = false;

  constructor(network: Network, clock: Clock) {
    this.#network = network;
    this.#clock = clock;
  }

  /** `first` hears of the first attempt; it is tried on until it succeeds or cannot. */
  add(registration: Registration, first: Done<void, RequestFailure> | null = null): void {
    const { id } = registration.content;
    const pending = this.#pending.get(id) ?? { registration, waiting: [] };
    if (first !== null) pending.waiting.push(first);
    this.#pending.set(id, pending);
    this.#next();
  }

  remove(id: string): void {
    this.#pending.delete(id);
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #next(): void {
    const [first] = this.#pending.values();
    if (first === undefined || this.#busy || this.#stopped) return;
    if (this.#timer !== null) {
      if (first.waiting.length === 0) return;
      this.#clock.clearTimer(this.#timer);
      this.#timer = null;
    }
    this.#busy = true;
    if (first.registration.fresh) this.#withTorrent(first);
    else this.#own(first, new Uint8Array(0));
  }

  #withTorrent(pending: Pending): void {
    pending.registration.torrent((torrent) => {
      if (torrent.ok) this.#own(pending, torrent.value);
      else this.#over(pending, { ok: false, error: { code: 'internal', message: torrent.error.message } });
    });
  }

  #own(pending: Pending, tail: Uint8Array): void {
    const { content } = pending.registration;
    this.#network.request({ op: 'own', content, node: this.#network.node }, tail, (reply) => {
      if (!reply.ok && reply.error.code === 'torrent-wanted' && tail.length === 0) this.#withTorrent(pending);
      else this.#over(pending, reply.ok ? { ok: true, value: undefined } : reply);
    });
  }

  #over(pending: Pending, result: Parameters<Done<void, RequestFailure>>[0]): void {
    const { id } = pending.registration.content;
    this.#busy = false;
    const wanted = this.#pending.get(id) === pending;
    if (result.ok || isFinal(result.error.code)) {
      this.#failures = 0;
      if (wanted) this.#pending.delete(id);
      if (result.ok && wanted) pending.registration.registered();
    } else if (wanted) {
      // To the end of the line: one that fails does not hold up the others.
      this.#pending.delete(id);
      this.#pending.set(id, pending);
      this.#failures++;
      const wait = Math.min(RETRY_MS * 2 ** Math.min(8, this.#failures - 1), RETRY_MS_MAX);
      if (!this.#stopped) {
        this.#timer = this.#clock.setTimer(millis(wait), () => {
          this.#timer = null;
          this.#next();
        });
      }
    }
    for (const answer of pending.waiting.splice(0)) answer(result);
    this.#next();
  }
}
