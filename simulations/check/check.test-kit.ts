/** A run told by hand: facts go to the model and to one checker, as a world would tell them. */
import { encodeVoterCopy } from '../../src/actors/voter/voter-file.ts';
import type { StoredReply } from '../../src/domain/ledger/types.ts';
import { nextEntry } from '../../src/domain/replication/chain.ts';
import { type Configuration, EMPTY_LOG, type LogEntry, type LogPosition, type RequestId } from '../../src/domain/replication/types.ts';
import type { ControlFrame, Durability, LinkType, ReplyBody, ReplyFrame, RequestFrame } from '../../src/protocol/control/messages.ts';
import { ok } from '../../src/protocol/result.ts';
import type { Plan } from '../plan/types.ts';
import type { Observer } from '../world/observer.ts';
import type { Checker, MakeChecker, RunView } from './checker.ts';
import { watchCluster } from './invariants.ts';

export const planOf = (change: Partial<Plan> = {}): Plan => ({
  version: 1,
  about: 'by hand',
  seed: 1,
  cluster: { proxies: 1, witnesses: 1, nodes: 2, liars: 0, uplinkBytesPerSecond: null },
  chaosMs: 120_000,
  calmMs: 60_000,
  core: ['tracker', 'backup', 'proxy1', 'node1', 'node2'],
  profile: null,
  faults: [],
  operations: [],
  ...change,
});

const NO_BYTES = new Uint8Array(0);
type Process = 'tracker' | 'backup';

/** The names of processes; of voters `tracker` is `main`. */
export class Told {
  readonly checker: Checker;
  readonly files = new Map<string, Uint8Array>();
  readonly statuses = new Map<string, object>();
  readonly rows = new Map<string, readonly Readonly<Record<string, unknown>>[]>();
  readonly down = new Set<string>();
  phase: RunView['phase'] = 'chaos';
  nowMs = 0;
  readonly #observers: readonly Observer[];
  readonly #logs = new Map<Process, LogEntry[]>([
    ['tracker', []],
    ['backup', []],
  ]);
  readonly #applied = new Map<string, number>();
  #generation = 0;

  constructor(make: MakeChecker, plan: Plan = planOf()) {
    const phase = (): RunView['phase'] => this.phase;
    const view: RunView = {
      plan,
      now: () => this.nowMs * 1_000,
      get phase() {
        return phase();
      },
      running: (process) => !this.down.has(process),
      status: (process) => this.statuses.get(process) ?? null,
      file: (process, path) => this.files.get(`${process}:${path}`) ?? null,
      query: (process) => this.rows.get(process) ?? [],
    };
    const model = watchCluster(view);
    this.checker = make(view);
    this.#observers = [model, this.checker];
  }

  tell<K extends keyof Observer>(fact: K, ...args: Parameters<NonNullable<Observer[K]>>): this {
    for (const observer of this.#observers) (observer[fact] as ((...all: unknown[]) => void) | undefined)?.apply(observer, args);
    return this;
  }

  // ---- Voters ----------------------------------------------------------------------------------------------------

  /** Both copies, synced. */
  voter(process: string, promised: number, accepted: Configuration, distrustedThrough = -1): this {
    const record = { promised, accepted, holdsLog: true, distrustedThrough, lostThrough: 0, generation: 0 };
    const bytes = encodeVoterCopy({ generation: ++this.#generation, record });
    for (const copy of ['voter.0', 'voter.1']) {
      this.files.set(`${process}:/data/${copy}`, bytes);
      this.tell('written', process, `/data/${copy}`, bytes);
    }
    return this;
  }

  /** All three voters accept. */
  chosen(accepted: Configuration): this {
    for (const process of ['tracker', 'backup', 'proxy1']) this.voter(process, accepted.e, accepted);
    return this;
  }

  sent(process: string, to: string, link: LinkType, frame: ControlFrame): this {
    return this.tell('sent', process, to, link, frame);
  }

  leads(process: Process, epoch: number): this {
    const primary = process === 'tracker' ? 'main' : process;
    return this.sent(process, 'proxy1', 'proxy', { kind: 'heartbeat', epoch, v: 0, round: 1, commitSeq: 0, primary } as ControlFrame);
  }

  // ---- Logs ------------------------------------------------------------------------------------------------------

  last(process: Process): LogPosition {
    return this.#logs.get(process)?.at(-1) ?? EMPTY_LOG;
  }

  /** One entry of that payload; applied up to `commitSeq`. */
  append(
    process: Process,
    epoch: number,
    text: string,
    commitSeq = this.#applied.get(process) ?? 0,
    replies: readonly StoredReply[] = [],
  ): this {
    const payload = new TextEncoder().encode(text);
    return this.store(process, [nextEntry(this.last(process), epoch, { requestId: null, payload, wallMs: 0 })], commitSeq, replies);
  }

  store(
    process: Process,
    entries: readonly LogEntry[],
    commitSeq = this.#applied.get(process) ?? 0,
    replies: readonly StoredReply[] = [],
  ): this {
    this.#logs.get(process)?.push(...entries);
    return this.tell('committed', process, 'append', { entries, commitSeq }, this.#result(process, commitSeq, replies));
  }

  apply(process: Process, commitSeq: number, replies: readonly StoredReply[] = []): this {
    return this.tell('committed', process, 'apply', { commitSeq }, this.#result(process, commitSeq, replies));
  }

  truncate(process: Process, afterSeq: number): this {
    this.#logs.get(process)?.splice(afterSeq);
    const commitSeq = this.#applied.get(process) ?? 0;
    return this.tell('committed', process, 'truncateAndAppend', { afterSeq, entries: [], commitSeq }, this.#result(process, commitSeq, []));
  }

  /** The other replica gets what this one has. */
  copy(from: Process, to: Process, commitSeq?: number): this {
    const have = this.last(to).seq;
    return this.store(to, (this.#logs.get(from) ?? []).slice(have), commitSeq);
  }

  /** The state of another replica takes the place of everything. */
  install(process: Process, from: Process): this {
    const position = this.last(from);
    this.#logs.set(process, (this.#logs.get(from) ?? []).slice());
    this.#applied.set(process, position.seq);
    const chunk = { position, index: 0, bytes: NO_BYTES, done: true };
    return this.tell('committed', process, 'snapshotWrite', { chunk }, ok({ last: position, appliedSeq: position.seq }));
  }

  /** `tracker` or `backup` tells a client. */
  ack(
    process: Process,
    epoch: number,
    seq: number,
    durability: Durability,
    body: ReplyBody = { ok: true, value: {} },
    requestId: RequestId = { client: 'a', n: seq },
  ): this {
    return this.sent(process, 'proxy1', 'proxy', replyOf({ epoch, seq, durability, body, requestId }));
  }

  #result(process: Process, commitSeq: number, replies: readonly StoredReply[]) {
    const { last } = { last: this.last(process) };
    const appliedSeq = Math.min(Math.max(commitSeq, this.#applied.get(process) ?? 0), last.seq);
    this.#applied.set(process, appliedSeq);
    return ok({ last, appliedSeq, replies: [...replies] });
  }
}

export const replyOf = (change: Partial<ReplyFrame>): ReplyFrame => ({
  kind: 'reply',
  requestId: { client: 'a', n: 1 },
  epoch: 1,
  seq: 0,
  durability: 'none',
  body: { ok: true, value: {} },
  tail: NO_BYTES,
  ...change,
});

export const configuration = (e: number, v: number, primary: string, isr: readonly string[] = [primary]): Configuration => ({
  e,
  v,
  primary,
  isr,
});

export const requestOf = (change: Partial<RequestFrame>): RequestFrame => ({
  kind: 'request',
  requestId: { client: 'a', n: 1 },
  token: null,
  operation: { op: 'whoami' },
  minSeq: 0,
  require: 'any',
  deadlineMs: 10_000,
  epoch: 0,
  from: null,
  tail: NO_BYTES,
  ...change,
});
