/**
 * After a forced promotion the catalog may have lost what this node had told it (`domain/replication/generation.ts`): what
 * it shares is told again, a few a second. Each transfer remembers of which generation the catalog was when it was told, so
 * that this goes on after a restart, and a node that was off meanwhile notices too.
 */
import { foldName } from '../../domain/accounts/names.ts';
import { type Clock, millis, type TimerId } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';

/** At most one content in this time: all nodes of the network do this at once. */
const TELL_EVERY_MS = 100;

export interface Told {
  readonly notes: { readonly owned: boolean; readonly account: string | null; readonly generation: number };
}

export interface ToldAgainWays<T extends Told> {
  readonly transfers: () => Iterable<T>;
  /** Who is signed in, and whether the network is reached. */
  readonly state: () => { readonly online: boolean; readonly account: string | null };
  /** Whether the catalog is to be told something of it anyhow. */
  readonly waits: (transfer: T) => boolean;
  readonly tell: (transfer: T) => void;
}

export class ToldAgain<T extends Told> {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #ways: ToldAgainWays<T>;
  #generation = 0;
  #left: T[] = [];
  #timer: TimerId | null = null;
  #stopped = false;

  constructor(clock: Clock, log: Log, ways: ToldAgainWays<T>) {
    this.#clock = clock;
    this.#log = log;
    this.#ways = ways;
  }

  /** The highest generation of the network that this process has heard of. What is told from now on is told to it or a later one. */
  get generation(): number {
    return this.#generation;
  }

  /** The tracker knows this node, and has said of which generation its ledger is. */
  entered(generation: number): void {
    this.#generation = Math.max(this.#generation, generation);
    const old = [...this.#ways.transfers()].filter((transfer) => this.#isOld(transfer));
    if (old.length === 0) return;
    this.#left = old.filter((transfer) => this.#isMine(transfer));
    const others = new Set(old.filter((transfer) => !this.#isMine(transfer)).map(({ notes }) => notes.account));
    const log = { generation: this.#generation, shares: this.#left.length };
    this.#log.warn(log, 'a promotion was forced in the network: the catalog is told again what this node shares');
    for (const account of others)
      this.#log.warn(
        { account },
        'what was shared under another account is told again once that one signs in; register it again if it is gone',
      );
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #isOld({ notes: { owned, generation } }: T): boolean {
    return owned && generation < this.#generation;
  }

  #isMine({ notes: { account: owner } }: T): boolean {
    const { account } = this.#ways.state();
    return owner === null || (account !== null && foldName(owner) === foldName(account));
  }

  #schedule(): void {
    if (this.#timer !== null || this.#left.length === 0 || this.#stopped) return;
    this.#timer = this.#clock.setTimer(millis(TELL_EVERY_MS), () => {
      this.#timer = null;
      this.#next();
    });
  }

  #next(): void {
    // Whoever leaves the network enters again, and begins anew.
    if (!this.#ways.state().online) this.#left = [];
    const held = new Set(this.#ways.transfers());
    this.#left = this.#left.filter((transfer) => held.has(transfer) && this.#isOld(transfer) && this.#isMine(transfer));
    const [first, ...others] = this.#left;
    if (first === undefined) return;
    // What waits was promised before the generation was known: its answer may be that of the ledger that is gone.
    if (this.#ways.waits(first)) this.#left = [...others, first];
    else {
      this.#left = others;
      this.#ways.tell(first);
    }
    this.#schedule();
  }
}
