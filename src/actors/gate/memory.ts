/** What a gate remembers: the last announce of each guest for each torrent, and the last answer about each torrent. */
import type { Micros } from '../../ports/clock.ts';
import type { GuestAnnounceFrame, GuestAnswer } from '../../protocol/control/messages.ts';

export interface Remembered {
  readonly frame: GuestAnnounceFrame;
  readonly heardAt: Micros;
}

/** By each address of one guest: its families are kept apart. */
const keyOf = ({ passkeyHash, peerId, infoHash, host }: GuestAnnounceFrame): string =>
  `${infoHash} ${peerId} ${passkeyHash ?? host} ${host.includes(':') ? 6 : 4}`;

export class AnnounceMemory {
  readonly #max: number;
  readonly #keepFor: Micros;
  /** Those heard last at the end. */
  readonly #announces = new Map<string, Remembered>();

  /** `max`: announces; `keepFor`: a guest that was not heard for so long is gone. */
  constructor(max: number, keepFor: Micros) {
    this.#max = max;
    this.#keepFor = keepFor;
  }

  get size(): number {
    return this.#announces.size;
  }

  heard(frame: GuestAnnounceFrame, now: Micros): void {
    const key = keyOf(frame);
    this.#announces.delete(key);
    this.#announces.set(key, { frame, heardAt: now });
    this.#expire(now);
  }

  /** A replica has taken it in: a goodbye need not be repeated. */
  taken(frame: GuestAnnounceFrame): void {
    const key = keyOf(frame);
    if (frame.event === 'stopped' && this.#announces.get(key)?.frame === frame) this.#announces.delete(key);
  }

  /** It was refused: whoever leads next would refuse it too. */
  refused(frame: GuestAnnounceFrame): void {
    this.#announces.delete(keyOf(frame));
  }

  /** All of it, those heard first first; who is heard meanwhile comes at the end, and need not be told again. */
  *all(now: Micros): Generator<Remembered> {
    this.#expire(now);
    for (const remembered of this.#announces.values()) {
      if (remembered.heardAt > now) return;
      yield remembered;
    }
  }

  #expire(now: Micros): void {
    for (const [key, { heardAt }] of this.#announces) {
      if (this.#announces.size <= this.#max && now - heardAt <= this.#keepFor) return;
      this.#announces.delete(key);
    }
  }
}

/** Torrents whose last answers are kept, and peers of each. */
const ANSWERS_MAX = 10_000;
const PEERS_MAX = 50;

/** The last answers, for when nobody can be asked. */
export class AnswerMemory {
  readonly #answers = new Map<string, GuestAnswer>();

  heard(infoHash: string, answer: GuestAnswer): void {
    // The peers of before are better than none: seeds are told of nobody who seeds.
    const peers = answer.peers.length > 0 ? answer.peers.slice(0, PEERS_MAX) : (this.#answers.get(infoHash)?.peers ?? []);
    this.#answers.delete(infoHash);
    this.#answers.set(infoHash, { ...answer, peers });
    const oldest = this.#answers.keys().next();
    if (this.#answers.size > ANSWERS_MAX && oldest.done !== true) this.#answers.delete(oldest.value);
  }

  of(infoHash: string): GuestAnswer | null {
    return this.#answers.get(infoHash) ?? null;
  }
}
