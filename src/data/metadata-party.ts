import type { Micros } from '../ports/clock.ts';
import { millis } from '../ports/clock.ts';
import type { HashRange } from '../protocol/bittorrent/wire.ts';
import { rangeKey } from './layer-fetch.ts';
import { dataLimits } from './limits.ts';
import type { Peer } from './peer.ts';

/** What a peer owes a fetch: a piece of the info dictionary, or a run of hashes. */
export type Asked = { readonly at: Micros } & (
  | { readonly kind: 'piece'; readonly piece: number }
  | { readonly kind: 'hashes'; readonly range: HashRange }
);

/** A peer that has refused so many runs of hashes has none. */
const REFUSALS_MAX = 32;
/** After a refusal a peer is not asked for the same again for so long. */
const REFUSAL_MICROS = millis(20_000);

/** A peer of a fetch: what it owes, and what it will not give. */
export class Party {
  readonly peer: Peer;
  /** The connection was made by the v2 hash, so that hashes may be asked for. */
  readonly v2: boolean;
  /** The other side takes v2 connections. */
  readonly takesV2: boolean;
  /** How long the info dictionary is, as it says; null where it does not have one. */
  infoBytes: number | null = null;
  /** When it was last of use, or came. */
  usefulAt: Micros;
  timeouts = 0;
  asked: readonly Asked[] = [];
  readonly #refused = new Map<string, Micros>();
  #refusedAllAt: Micros | null = null;

  constructor(peer: Peer, v2: boolean, takesV2: boolean, now: Micros) {
    this.peer = peer;
    this.v2 = v2;
    this.takesV2 = takesV2;
    this.usefulAt = now;
  }

  /** Whether one more request may go to it. */
  get free(): boolean {
    return this.asked.length < dataLimits.metadataRequestsMax;
  }

  ask(asked: Asked): void {
    this.asked = [...this.asked, asked];
  }

  /** An answer came: the request, which is taken out; null where there is none. */
  answered(passes: (asked: Asked) => boolean): Asked | null {
    const found = this.asked.find(passes) ?? null;
    if (found !== null) this.asked = this.asked.filter((asked) => asked !== found);
    return found;
  }

  /** Takes out and counts what it has owed for too long. */
  overdue(now: Micros): readonly Asked[] {
    const late = this.asked.filter(({ at }) => now - at > millis(dataLimits.metadataTimeoutMs));
    if (late.length > 0) this.timeouts++;
    this.asked = this.asked.filter((asked) => !late.includes(asked));
    return late;
  }

  /** It has refused these hashes, or (null, or too many of them) whatever is wanted. */
  refuse(range: HashRange | null, now: Micros): void {
    if (range !== null && this.#refused.size < REFUSALS_MAX) this.#refused.set(rangeKey(range), now);
    else {
      this.#refused.clear();
      this.#refusedAllAt = now;
    }
  }

  /** Null: whether it refuses everything. */
  refuses(range: HashRange | null, now: Micros): boolean {
    if (this.#refusedAllAt !== null && now - this.#refusedAllAt < REFUSAL_MICROS) return true;
    const at = range === null ? undefined : this.#refused.get(rangeKey(range));
    return at !== undefined && now - at < REFUSAL_MICROS;
  }
}
