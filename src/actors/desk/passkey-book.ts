import { isLapsed, type PasskeyHolder } from '../../domain/accounts/passkeys.ts';
import type { LedgerTransactions, PasskeyHolderRow } from '../../domain/ledger/types.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Database } from '../../ports/database.ts';
import type { Log } from '../../ports/log.ts';
import { type Done, fail, type Failure, ok } from '../../protocol/result.ts';

/**
 * `passkey-unknown`: no such passkey, or it is revoked or lapsed. `disabled`: its account is. `unavailable`: it cannot be
 * said now; ask again.
 */
export type PasskeyFailure = Failure<'passkey-unknown' | 'disabled' | 'unavailable'>;

export interface PasskeyBookDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly database: Database<LedgerTransactions>;
}

/** Holders in memory; the one that was asked for longest ago goes first. */
const HOLDERS_MAX = 20_000;
/** Hashes that are being looked up; guesses must not fill the database's queue. */
const LOOKUPS_MAX = 512;
/** Askers of one hash that wait for the same answer. */
const WAITING_MAX = 256;

const UNKNOWN = fail<'passkey-unknown'>('passkey-unknown', 'This passkey is not known, or it was revoked');
const DISABLED = fail<'disabled'>('disabled', 'The account of this passkey is disabled');
const BUSY = fail<'unavailable'>('unavailable', 'The tracker cannot look the passkey up now');

/**
 * Whose a passkey is: the ledger's answer, kept in memory for as long as nothing that was applied here may have changed
 * it. What is not known is not kept, so that guesses push nobody out.
 */
export class PasskeyBook {
  readonly #deps: PasskeyBookDeps;
  /** By hash; those asked for last at the end. */
  readonly #holders = new Map<string, PasskeyHolderRow>();
  readonly #waiting = new Map<string, Done<PasskeyHolder, PasskeyFailure>[]>();
  /** Raised when answers that are still on their way may be out of date. */
  #changes = 0;

  constructor(deps: PasskeyBookDeps) {
    this.#deps = deps;
  }

  /** Passkeys whose holders are in memory. */
  get size(): number {
    return this.#holders.size;
  }

  /**
   * Whom the passkey with this SHA-256 (64 hex digits) stands for. Answers exactly once: within the call where it is in
   * memory, otherwise in a later step.
   */
  passkeyOf(hash: string, done: Done<PasskeyHolder, PasskeyFailure>): void {
    const known = this.#holders.get(hash);
    if (known !== undefined) {
      this.#holders.delete(hash);
      this.#holders.set(hash, known);
      return done(this.#judge(known));
    }
    const waiting = this.#waiting.get(hash);
    if (waiting !== undefined && waiting.length < WAITING_MAX) return void waiting.push(done);
    if (waiting !== undefined || this.#waiting.size >= LOOKUPS_MAX) return done(BUSY);
    this.#waiting.set(hash, [done]);
    this.#lookUp(hash);
  }

  /** Entries were applied here that may have changed the passkeys of these accounts (folded), or of all. */
  applied(keysOf: readonly string[] | 'all'): void {
    if (keysOf !== 'all' && keysOf.length === 0) return;
    this.#changes++;
    if (keysOf === 'all') return this.#holders.clear();
    const accounts = new Set(keysOf);
    for (const [hash, { folded }] of this.#holders) if (accounts.has(folded)) this.#holders.delete(hash);
  }

  #lookUp(hash: string): void {
    const asOf = this.#changes;
    const { database, log } = this.#deps;
    database.run('passkey', { hash }, (result) => {
      const waiting = this.#waiting.get(hash) ?? [];
      this.#waiting.delete(hash);
      if (!result.ok) log.error({ code: result.error.code, err: result.error.message }, 'a passkey cannot be looked up');
      const holder = result.ok ? result.value : null;
      if (holder !== null && asOf === this.#changes) this.#keep(hash, holder);
      const answer = !result.ok ? BUSY : holder === null ? UNKNOWN : this.#judge(holder);
      for (const done of waiting) done(answer);
    });
  }

  #keep(hash: string, holder: PasskeyHolderRow): void {
    this.#holders.set(hash, holder);
    if (this.#holders.size <= HOLDERS_MAX) return;
    const oldest = this.#holders.keys().next();
    if (oldest.done !== true) this.#holders.delete(oldest.value);
  }

  #judge({
    account,
    folded,
    device,
    id,
    disabled,
    expiresMs,
  }: PasskeyHolderRow): ReturnType<typeof ok<PasskeyHolder>> | typeof UNKNOWN | typeof DISABLED {
    if (isLapsed(expiresMs, this.#deps.clock.wallNow())) return UNKNOWN;
    return disabled ? DISABLED : ok({ account, folded, device, id });
  }
}
