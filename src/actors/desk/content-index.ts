import type { LedgerTransactions } from '../../domain/ledger/types.ts';
import { type Clock, type Micros, seconds } from '../../ports/clock.ts';
import type { Database } from '../../ports/database.ts';

/** The content's id in the catalog; null where the catalog does not have it, `unknown` where that cannot be said now. */
type Found = (content: string | null | 'unknown') => void;

/** Hashes in memory; the one that was asked for longest ago goes first. */
const KNOWN_MAX = 50_000;
/** A content may leave the catalog: what is known is asked again after so long. */
const KNOWN_FOR: Micros = seconds(60);
/** Hashes that are being looked up, and askers of one. */
const LOOKUPS_MAX = 1_024;
const WAITING_MAX = 1_024;

/**
 * Which content is meant by the 20 bytes that clients announce: its v1 info-hash, or its v2 one cut short. What the catalog
 * does not have is never remembered: a content is found as soon as it is there.
 */
export class ContentIndex {
  readonly #clock: Clock;
  readonly #database: Pick<Database<LedgerTransactions>, 'run'>;
  readonly #known = new Map<string, { readonly content: string; readonly asOf: Micros }>();
  readonly #waiting = new Map<string, Found[]>();

  constructor(clock: Clock, database: Pick<Database<LedgerTransactions>, 'run'>) {
    this.#clock = clock;
    this.#database = database;
  }

  /** `hash`: 40 hexadecimal digits. Answers once: within the call where it is in memory, otherwise in a later step. */
  find(hash: string, found: Found): void {
    const known = this.#known.get(hash);
    if (known !== undefined && this.#clock.now() - known.asOf < KNOWN_FOR) return found(known.content);
    const waiting = this.#waiting.get(hash);
    if (waiting !== undefined && waiting.length < WAITING_MAX) return void waiting.push(found);
    if (waiting !== undefined || this.#waiting.size >= LOOKUPS_MAX) return found('unknown');
    this.#waiting.set(hash, [found]);
    // The v1 hash as a whole, or as the beginning of the identity: of v2, 40 of its 64 digits.
    this.#database.run('contentsFrom', { prefix: hash, limit: 1 }, (result) => {
      const content = result.ok ? (result.value[0]?.id ?? null) : ('unknown' as const);
      this.#known.delete(hash);
      if (content !== null && content !== 'unknown') this.#keep(hash, content);
      const askers = this.#waiting.get(hash) ?? [];
      this.#waiting.delete(hash);
      for (const asker of askers) asker(content);
    });
  }

  #keep(hash: string, content: string): void {
    this.#known.set(hash, { content, asOf: this.#clock.now() });
    if (this.#known.size <= KNOWN_MAX) return;
    const oldest = this.#known.keys().next();
    if (oldest.done !== true) this.#known.delete(oldest.value);
  }
}
