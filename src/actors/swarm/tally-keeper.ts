import { encodeChange } from '../../domain/ledger/change.ts';
import type { LedgerTransactions, TallyRow, TallySession } from '../../domain/ledger/types.ts';
import type { RequestId } from '../../domain/replication/types.ts';
import { Tally, type TallyFacts } from '../../domain/swarm/tally.ts';
import { type Clock, seconds, type TimerId } from '../../ports/clock.ts';
import type { Database } from '../../ports/database.ts';
import type { Log } from '../../ports/log.ts';
import type { Done } from '../../protocol/result.ts';

export interface TallyKeeperDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly database: Database<LedgerTransactions>;
  /** Whether a change may be written now for which nobody waits. */
  readonly mayWrite: () => boolean;
  /** As of `Replica`: a change under a request id happens once, however often it is proposed. */
  readonly propose: (
    proposal: { readonly requestId: RequestId; readonly payload: Uint8Array; readonly wallMs: number; readonly require: 'any' },
    done: Done<unknown>,
  ) => void;
  /** 32 hex digits, new with each process: names this keeper's changes in the log. */
  readonly client: string;
}

/** What was transferred is written so long after it was heard, at the latest, while there is a primary. */
const FLUSH_SECONDS = 30;
/** What could not be written is tried again after so long. */
const RETRY_SECONDS = 5;
/** Of one change: some 60 kB, and a few milliseconds of the ledger's time. */
const ROWS_MAX = 256;
const SESSIONS_PAGE = 2_000;
const COMPLETIONS_PAGE = 5_000;
/** Contents of which it is remembered; more than a catalog holds. */
const COMPLETIONS_MAX = 250_000;

type Completions = LedgerTransactions['completions'];

/**
 * Has a primary's ledger count what clients transfer: gathers it from announces, and writes it now and then. Also knows of
 * each content how many accounts have downloaded it, which is what trackers tell as `downloaded`.
 */
export class TallyKeeper {
  readonly #deps: TallyKeeperDeps;
  readonly #tally = new Tally();
  readonly #completions = new Map<string, number>();
  #leads = false;
  /** Tells answers for this time of leading from those for one before. */
  #term = 0;
  #changes = 0;
  #underWay: { readonly requestId: RequestId; readonly rows: readonly TallyRow[] } | null = null;
  #timer: TimerId | null = null;

  constructor(deps: TallyKeeperDeps) {
    this.#deps = deps;
  }

  /** Takes in what an announce says; nothing while another replica leads, which hears the same. */
  count(facts: TallyFacts): void {
    if (!this.#leads) return;
    this.#tally.add(facts, this.#deps.clock.now());
    if (this.#tally.pending > 0) this.#later(FLUSH_SECONDS);
  }

  /** How many accounts have downloaded a content (by its id in the catalog) to the end. In memory; 0 while another leads. */
  completedOf(content: string): number {
    return this.#completions.get(content) ?? 0;
  }

  /** To be called whenever this replica becomes primary or is not any more; repeating it is harmless. */
  leads(primary: boolean): void {
    if (primary === this.#leads) return;
    this.#leads = primary;
    this.#term++;
    this.#underWay = null;
    this.#tally.clear();
    this.#completions.clear();
    if (this.#timer !== null) this.#deps.clock.clearTimer(this.#timer);
    this.#timer = null;
    if (!primary) return;
    this.#loadSessions(null);
    this.#loadCompletions('');
  }

  stop(): void {
    this.leads(false);
  }

  #later(after: number): void {
    this.#timer ??= this.#deps.clock.setTimer(seconds(after), () => {
      this.#timer = null;
      this.#flush();
    });
  }

  #flush(): void {
    const { clock, mayWrite } = this.#deps;
    if (!mayWrite()) return this.#later(RETRY_SECONDS);
    const wallMs = Math.floor(clock.wallNow());
    if (this.#underWay === null) {
      const rows = this.#tally.take(ROWS_MAX, clock.now(), wallMs);
      if (rows.length === 0) return;
      this.#underWay = { requestId: { client: this.#deps.client, n: ++this.#changes }, rows };
    }
    const { requestId, rows } = this.#underWay;
    const term = this.#term;
    this.#deps.propose({ requestId, payload: encodeChange({ kind: 'tally', rows }), wallMs, require: 'any' }, (result) => {
      if (term !== this.#term) return;
      // Whatever became of it: under the same request id it is done once.
      if (!result.ok) return this.#later(RETRY_SECONDS);
      this.#underWay = null;
      this.#refresh([...new Set(rows.flatMap(({ content, completed }) => (completed ? [content] : [])))]);
      if (this.#tally.pending >= ROWS_MAX) this.#flush();
      else if (this.#tally.pending > 0) this.#later(FLUSH_SECONDS);
    });
  }

  #loadSessions(after: TallySession | null): void {
    this.#read('tallySessions', { after, limit: SESSIONS_PAGE }, (sessions) => {
      const { clock } = this.#deps;
      this.#tally.load(sessions, clock.now(), clock.wallNow());
      const last = sessions.at(-1);
      if (last !== undefined && sessions.length === SESSIONS_PAGE) this.#loadSessions(last);
    });
  }

  #loadCompletions(after: string): void {
    this.#read('completions', { after, limit: COMPLETIONS_PAGE }, (page) => {
      this.#learn(page);
      const last = page.at(-1);
      if (last !== undefined && page.length === COMPLETIONS_PAGE) this.#loadCompletions(last.content);
    });
  }

  #refresh(contents: readonly string[]): void {
    if (contents.length > 0) this.#read('completions', { contents }, (found) => this.#learn(found));
  }

  #learn(found: Completions['result']): void {
    for (const { content, accounts } of found)
      if (this.#completions.size < COMPLETIONS_MAX || this.#completions.has(content)) this.#completions.set(content, accounts);
  }

  /** What the ledger knows makes the tally cheaper and the scrape complete; counting is right without it too. */
  #read<K extends 'tallySessions' | 'completions'>(
    name: K,
    args: LedgerTransactions[K]['args'],
    then: (result: LedgerTransactions[K]['result']) => void,
  ): void {
    const term = this.#term;
    this.#deps.database.run(name, args, (result) => {
      if (term !== this.#term) return;
      if (result.ok) then(result.value);
      else this.#deps.log.warn({ transaction: name, code: result.error.code, err: result.error.message }, 'the tally cannot be read');
    });
  }
}
