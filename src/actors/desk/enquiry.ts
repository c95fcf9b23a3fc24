import { encodeChange } from '../../domain/ledger/change.ts';
import type { Change, LedgerTransactions, StoredReply } from '../../domain/ledger/types.ts';
import type { RequestId } from '../../domain/replication/types.ts';
import { indeterminateWords } from '../../domain/routing/operations.ts';
import { millis, type TimerId } from '../../ports/clock.ts';
import type {
  Durability,
  ErrorCode,
  Operation,
  OperationName,
  OperationResults,
  ReplyFrame,
  RequestFrame,
} from '../../protocol/control/messages.ts';
import type { DeskContext, ProposalOutcome } from './types.ts';

const NO_BYTES = new Uint8Array(0);
/** A request waits no longer than this, whatever it asks for. */
const DEADLINE_MAX_MS = 60_000;
/**
 * Refusals that are read from what is there now. A request that is repeated while the first one is at work may meet its
 * own doing: the name that it has just taken, the session that it has just ended.
 */
const READ_FROM_STATE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['name-taken', 'invite-invalid', 'wrong-password', 'session-expired']);
/** When to try again what failed because somebody else must act first. */
const RETRY_AFTER_MS = 500;

/** A repeated request whose change is made, answered by a primary that is alone now. */
const KEPT_ON_ONE = {
  ok: false,
  code: 'degraded',
  message: 'The change was made, but only one tracker is there to keep it; both do as soon as the other one is back',
} as const satisfies ReplyFrame['body'];

interface Backing {
  readonly seq: number;
  readonly durability: Durability;
}

/** One request on its way to its one reply. Whatever comes after the reply (a late answer of a port) finds it closed. */
export class Enquiry<O extends Operation = Operation> {
  readonly request: RequestFrame;
  readonly operation: O;
  /** The proxy that the request came through. */
  readonly proxy: string;
  readonly #context: DeskContext;
  readonly #reply: (frame: ReplyFrame) => void;
  readonly #timer: TimerId;
  #open = true;
  #proposed = false;
  /** Proposals that the replica has not answered. */
  #undecided = 0;
  #whenDecided: (() => void) | null = null;
  /** Whether a refusal of the kind above is to be compared with the stored reply first. */
  #looksAgain = false;

  constructor(context: DeskContext, request: RequestFrame, proxy: string, reply: (frame: ReplyFrame) => void) {
    this.#context = context;
    this.request = request;
    this.operation = request.operation as O;
    this.proxy = proxy;
    this.#reply = reply;
    const deadlineMs = Math.min(DEADLINE_MAX_MS, Math.max(1, request.deadlineMs));
    this.#timer = context.clock.setTimer(millis(deadlineMs), () => this.#expire());
  }

  get open(): boolean {
    return this.#open;
  }

  /** How a change that is applied already is kept. */
  get durabilityNow(): Durability {
    return this.#context.replica.status().mode === 'SYNC' ? 'replicated' : 'local';
  }

  /** The node's host as its proxy sees it; empty for a request that no node sent. */
  get host(): string {
    return this.request.from?.host ?? '';
  }

  ok<K extends OperationName>(_op: K, value: OperationResults[K], backing?: Backing, tail: Uint8Array = NO_BYTES): void {
    this.#finish({ ok: true, value }, backing, tail);
  }

  /** There was no reply to this request id when it began: before it is refused, that is looked at again. */
  lookAgainBeforeRefusal(): void {
    this.#looksAgain = true;
  }

  refuse(code: ErrorCode, message: string, options: { readonly retryAfterMs?: number; readonly backing?: Backing } = {}): void {
    const { retryAfterMs, backing } = options;
    if (this.#looksAgain && READ_FROM_STATE.has(code)) {
      this.#looksAgain = false;
      return this.read('reply', { requestId: this.request.requestId }, (stored) => {
        if (stored !== null && 'body' in stored) this.settleStored(stored);
        else this.refuse(code, message, options);
      });
    }
    this.#finish(retryAfterMs === undefined ? { ok: false, code, message } : { ok: false, code, message, retryAfterMs }, backing, NO_BYTES);
  }

  /** Reads from the ledger; goes on only while somebody waits and the ledger can be read. */
  read<K extends keyof LedgerTransactions>(
    name: K,
    args: LedgerTransactions[K]['args'],
    then: (result: LedgerTransactions[K]['result']) => void,
  ): void {
    this.#context.database.run(name, args, (result) => {
      if (!this.#open) return;
      if (result.ok) return then(result.value);
      this.#context.log.error({ transaction: name, code: result.error.code, err: result.error.message }, 'ledger read failed');
      if (result.error.code === 'full') return this.refuse('disk-full', 'The tracker cannot read its ledger');
      // Whoever leads next can: this replica would answer all in vain, and only writes would show that to its log.
      if (this.#proposed) this.refuse('indeterminate', indeterminateWords(this.operation.op));
      else this.refuse('unavailable', 'The tracker cannot read its ledger, and stops; try again', { retryAfterMs: RETRY_AFTER_MS });
      this.#context.replica.ledgerFailed(result.error.message);
    });
  }

  /** R10: goes on when a majority has confirmed that this replica leads, and all that was acknowledged by now is applied. */
  readNewest(then: () => void): void {
    this.#context.replica.readIndex((result) => {
      if (!this.#open) return;
      if (result.ok) return then();
      this.refuse(result.error.code, result.error.message, { retryAfterMs: RETRY_AFTER_MS });
    });
  }

  /**
   * Makes a change durable under the request's own id (or one that follows from it), then goes on with the outcome, which
   * may be a refusal by apply. A proposal that fails is answered here.
   */
  propose(
    change: Change,
    then: (outcome: ProposalOutcome) => void,
    options: { readonly tail?: Uint8Array; readonly requestId?: RequestId } = {},
  ): void {
    const { clock, replica } = this.#context;
    this.#proposed = true;
    this.#undecided++;
    const proposal = {
      requestId: options.requestId ?? this.request.requestId,
      payload: encodeChange(change, options.tail),
      wallMs: Math.floor(clock.wallNow()),
      require: this.request.require,
    };
    replica.propose(proposal, (result) => {
      this.#undecided--;
      if (!this.#open) return this.#whenDecided?.();
      if (result.ok) return then(result.value);
      const { code, message } = result.error;
      this.refuse(code, message, code === 'busy' || code === 'not-primary' ? { retryAfterMs: RETRY_AFTER_MS } : {});
    });
  }

  /** Calls `then` once its change is made or given up, where its time was up before; false where nothing is left to decide. */
  leftUndecided(then: () => void): boolean {
    this.#whenDecided = then;
    return this.#undecided > 0;
  }

  /** Answers with the reply of before. */
  settleStored({ seq, body }: StoredReply): void {
    this.settle({ seq, durability: this.durabilityNow, body });
  }

  /** Hands on what apply answered. Who demanded two copies is not told of success with one. */
  settle({ seq, durability, body }: Pick<ProposalOutcome, 'seq' | 'durability' | 'body'>): void {
    this.#finish(body, { seq, durability }, NO_BYTES);
  }

  /** Ends without a reply: the links are gone. */
  abandon(): void {
    this.#open = false;
    this.#context.clock.clearTimer(this.#timer);
  }

  #expire(): void {
    if (this.#proposed)
      this.refuse('indeterminate', 'No answer in time: the change may or may not have been made; ask again with the same request id');
    else this.refuse('unavailable', 'No answer in time', { retryAfterMs: RETRY_AFTER_MS });
  }

  #finish(body: ReplyFrame['body'], backing: Backing | undefined, tail: Uint8Array): void {
    if (!this.#open) return;
    this.#open = false;
    this.#context.clock.clearTimer(this.#timer);
    const { role, epoch, appliedSeq } = this.#context.replica.status();
    const { seq, durability } = backing ?? { seq: appliedSeq, durability: 'none' as const };
    const stale = role === 'primary' ? {} : { stale: true as const };
    const kept = body.ok && durability === 'local' && this.request.require === 'replicated' ? KEPT_ON_ONE : body;
    const { requestId } = this.request;
    this.#reply({ kind: 'reply', requestId, epoch, seq, durability, ...stale, body: kept, tail: kept === body ? tail : NO_BYTES });
  }
}
