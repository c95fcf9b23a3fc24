/** What the clients of a chaos run asked and heard, in the order in which it happened, for the checkers of the simulator. */
import type { ReplyBody } from '../../src/protocol/control/messages.ts';
import { answerOfCode, type HistoryAnswer, type HistoryEvent, type HistoryRequest } from '../../simulations/check/history.ts';

export interface Counts {
  acknowledged: number;
  replicated: number;
  refused: number;
  indeterminate: number;
}

const EVENTS_MAX = 2_000_000;
const LONG_PAUSE_MS = 3_000;

export class Book {
  readonly events: HistoryEvent[] = [];
  readonly counts: Counts = { acknowledged: 0, replicated: 0, refused: 0, indeterminate: 0 };
  /** Contents and nodes that were asked about: the state of each is read at the end. */
  readonly owners = new Map<string, { readonly content: string; readonly node: string }>();
  /** Passwords that an account may have. */
  readonly passwords = new Map<string, Set<string>>();
  /** What is wrong beyond the histories: done twice, different bytes, processes that ended. */
  readonly violations: string[] = [];
  /** When something was acknowledged last, and the longest time without. Milliseconds of `performance.now()`. */
  lastAckAt = performance.now();
  longestPauseMs = 0;
  /** Told of every long time without an acknowledgement, when it is over. */
  paused: (ms: number) => void = () => {};
  readonly #keyBySeq = new Map<number, string>();
  #lastId = 0;

  /** An operation begins; its id. */
  called(client: string, request: HistoryRequest): number {
    if (this.events.length >= EVENTS_MAX) throw new Error(`More than ${EVENTS_MAX} events`);
    const id = ++this.#lastId;
    this.events.push({ event: 'called', id, client, request });
    if ('content' in request) this.owners.set(`${request.content} ${request.node}`, { content: request.content, node: request.node });
    if ('account' in request) this.#notePassword(request);
    return id;
  }

  answered(id: number, answer: HistoryAnswer): void {
    this.events.push({ event: 'answered', id, answer });
    if (answer.kind === 'ok') this.#acknowledged();
    else if (answer.kind === 'unknown') this.counts.indeterminate += 1;
    else this.counts.refused += 1;
  }

  /** What the last word on a request says; null: there was none. */
  heard(id: number, request: HistoryRequest, body: ReplyBody | null): HistoryAnswer {
    const answer: HistoryAnswer = body === null ? { kind: 'unknown' } : body.ok ? { kind: 'ok' } : answerOfCode(request, body.code);
    this.answered(id, answer);
    return answer;
  }

  /** A change was acknowledged as this entry of the log: no two are the same. */
  entry(seq: number, key: string, durability: string): void {
    if (durability === 'none') return;
    if (durability === 'replicated') this.counts.replicated += 1;
    const before = this.#keyBySeq.get(seq);
    if (before !== undefined && before !== key) this.violations.push(`${key} and ${before} were both acknowledged as entry ${seq}`);
    this.#keyBySeq.set(seq, key);
  }

  #notePassword(request: Extract<HistoryRequest, { readonly account: string }>): void {
    const password = 'password' in request ? request.password : 'newPassword' in request ? request.newPassword : null;
    if (password === null) return;
    const known = this.passwords.get(request.account) ?? new Set();
    this.passwords.set(request.account, known.add(password));
  }

  #acknowledged(): void {
    this.counts.acknowledged += 1;
    const now = performance.now();
    const pauseMs = now - this.lastAckAt;
    this.longestPauseMs = Math.max(this.longestPauseMs, pauseMs);
    if (pauseMs > LONG_PAUSE_MS) this.paused(pauseMs);
    this.lastAckAt = now;
  }
}
