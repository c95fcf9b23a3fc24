/** A desk with a replica that commits at once, a real ledger in memory, and time that the test moves. */
import { Reactor } from '../../bus/reactor.ts';
import { chain, clientId, TestLedger } from '../../domain/ledger/ledger.test-kit.ts';
import type { LedgerTransactions } from '../../domain/ledger/types.ts';
import type { ReplicaStatus, RequestId } from '../../domain/replication/types.ts';
import type { Clock, TimerId } from '../../ports/clock.ts';
import { createRandom } from '../../ports/counter-random.ts';
import type { Crypto } from '../../ports/crypto.ts';
import type { Database } from '../../ports/database.ts';
import { type Due, DueHeap } from '../../ports/due-heap.ts';
import { silentLog } from '../../ports/log.ts';
import type { Operation, OperationName, OperationResults, ReplyFrame, RequestFrame } from '../../protocol/control/messages.ts';
import { sha256 } from '../../protocol/digest.ts';
import { fail, ok } from '../../protocol/result.ts';
import { Swarm } from '../swarm/swarm.ts';
import { Desk, DESK_DEFAULTS, type DeskSettings, type ReplicaFace } from './desk.ts';

export const ADMIN_SECRET_KEY = new Uint8Array(32).fill(5);

/** Wall time when the tests begin. */
const BEGINNING_MS = 1_800_000_000_000;

export class Office {
  now = 0;
  wallSkewMs = 0;
  hashes = 0;
  cryptoBusy = false;
  /** Proposals are taken and never answered. */
  silent = false;
  /** What proposals are refused for; null: they are made. */
  refuses: 'degraded' | 'disk-full' | null = null;
  /** How long a proposal takes. */
  proposalSeconds = 0;
  role: ReplicaStatus['role'] = 'primary';
  epoch = 1;
  mode: ReplicaStatus['mode'] = 'SYNC';
  /** What a majority says of this replica's lead; null: nothing. */
  leads: boolean | null = true;
  reads = 0;
  /** What reading the ledger ends in; null: as it is. */
  unreadable: 'io' | 'corrupt' | 'full' | null = null;
  readonly ledgerFailures: string[] = [];
  /** Promotions that were forced. */
  generation = 0;
  /** The ledger as seen by `status` only; null for as it is. */
  appliedSeq: number | null = null;
  pings: { node: string; proxy: string }[] = [];
  proposals = 0;
  readonly ledger: TestLedger;
  readonly settings: DeskSettings;
  readonly swarm: Swarm;
  readonly desk: Desk;
  readonly #heap = new DueHeap();
  readonly #timers = new Map<TimerId, Due>();
  readonly #reactor = new Reactor(() => this.now);
  #ids = 0;
  #secret = 0;

  constructor(options: { ledger?: TestLedger; adminCodeHash?: string; settings?: Partial<DeskSettings>; client?: number } = {}) {
    this.ledger = options.ledger ?? new TestLedger();
    this.#client = options.client ?? 1;
    this.settings = {
      registration: 'open',
      sessionDays: 30,
      aliveSeconds: 10,
      removeSeconds: 60,
      passwordCost: { memoryKib: 8, passes: 1, lanes: 1 },
      ...DESK_DEFAULTS,
      ...options.settings,
    };
    const random = createRandom('desk');
    this.swarm = new Swarm(
      { reactor: this.#reactor, clock: this.clock, random, log: silentLog },
      { announceIntervalSeconds: 30, removeSeconds: this.settings.removeSeconds },
    );
    this.desk = new Desk({
      clock: this.clock,
      crypto: this.#crypto,
      log: silentLog,
      database: this.database,
      replica: this.replica,
      swarm: this.swarm,
      settings: this.settings,
      secrets: { tokenKey: ADMIN_SECRET_KEY, adminCodeHash: options.adminCodeHash ?? null },
      pingNode: (node, proxy, done) => {
        this.pings.push({ node, proxy });
        this.#later(() => done(ok({ roundTripMicros: 250 })));
      },
    });
  }

  readonly #client: number;

  readonly clock: Clock = {
    now: () => this.now,
    wallNow: () => BEGINNING_MS + Math.floor(this.now / 1_000) + this.wallSkewMs,
    setTimer: (delay, fire) => {
      const due = this.#heap.add(this.now + delay, fire);
      const id = ++this.#ids;
      this.#timers.set(id, due);
      return id;
    },
    clearTimer: (id) => {
      const due = this.#timers.get(id);
      if (due !== undefined) this.#heap.remove(due);
      this.#timers.delete(id);
    },
  };

  get timersLeft(): number {
    return this.#heap.size;
  }

  #later(fire: () => void): void {
    this.#heap.add(this.now, fire);
  }

  readonly database: Database<LedgerTransactions> = {
    run: (name, args, done) =>
      this.#later(() => done(this.unreadable === null ? this.ledger.try(name, args) : fail(this.unreadable, 'the disk reported an error'))),
    close: (done) => this.#later(done),
  };

  readonly #crypto: Crypto = {
    allocate: (bytes) => new Uint8Array(bytes),
    pieceDigests: (_bytes, _plan, done) => this.#later(() => done(fail('failed', 'not here'))),
    hashPassword: (password, salt, cost, done) => {
      this.hashes++;
      const tag = sha256(JSON.stringify([password, [...salt], cost]));
      const busy = this.cryptoBusy;
      this.#later(() => done(busy ? fail('busy', 'full') : ok(tag)));
    },
    secretBytes: (count) => new Uint8Array(count).fill(++this.#secret),
  };

  readonly replica: ReplicaFace = {
    status: () => {
      const { last, appliedSeq } = this.ledger.run('open', {});
      return {
        name: 'main',
        role: this.role,
        epoch: this.epoch,
        primary: this.role === 'primary' ? 'main' : null,
        mode: this.mode,
        waitsFor: null,
        generation: this.generation,
        lastSeq: last.seq,
        commitSeq: last.seq,
        appliedSeq: this.appliedSeq ?? appliedSeq,
      };
    },
    readIndex: (done) => {
      this.reads++;
      if (this.leads === null) return;
      const { appliedSeq } = this.ledger.run('open', {});
      const answer = this.leads ? ok({ seq: appliedSeq, epoch: this.epoch }) : fail('not-primary' as const, 'another leads');
      this.#later(() => done(answer));
    },
    ledgerFailed: (reason) => void this.ledgerFailures.push(reason),
    propose: ({ requestId, payload, wallMs }, done) => {
      this.proposals++;
      if (this.silent) return;
      const { refuses } = this;
      if (refuses !== null) return this.#later(() => done(fail(refuses, 'nothing was changed')));
      this.#heap.add(this.now + this.proposalSeconds * 1_000_000, () => {
        const { last } = this.ledger.run('open', {});
        const [bare] = chain([{ change: null }], last);
        if (bare === undefined) return;
        const hash = sha256(Buffer.concat([last.hash, payload]));
        const { replies } = this.ledger.append([{ ...bare, hash, payload, requestId, wallMs, epoch: this.epoch }]);
        const reply = replies[0];
        if (reply !== undefined) done(ok({ seq: reply.seq, epoch: reply.epoch, durability: 'replicated', body: reply.body }));
      });
    },
  };

  /** Runs `act` as a step, then everything that is due. */
  step(act: () => void): void {
    this.#reactor.step({ port: 'process', id: 0, kind: 'test' }, act);
    this.wait(0);
  }

  /** Lets so many seconds pass. */
  wait(seconds: number): void {
    const until = this.now + seconds * 1_000_000;
    for (let due = this.#heap.first(); due !== undefined && due.at <= until; due = this.#heap.first()) {
      this.#heap.take();
      this.now = Math.max(this.now, due.at);
      this.#reactor.step({ port: 'clock', id: 0, kind: 'due' }, due.fire);
    }
    this.now = until;
  }

  #requests = 0;

  nextId(): RequestId {
    return { client: clientId(this.#client), n: ++this.#requests };
  }

  /** Sends requests together; the replies in the order in which they came. */
  sendAll(requests: readonly RequestFrame[]): ReplyFrame[] {
    const replies: ReplyFrame[] = [];
    this.step(() => {
      for (const request of requests) this.desk.handle(request, 'p1', (reply) => replies.push(reply));
    });
    return replies;
  }

  /** Sends a request, and once more when `events` of the first one's have happened; both replies. `beside` is sent with the first. */
  sendTwice(request: RequestFrame, events: number, beside?: RequestFrame): ReplyFrame[] {
    const replies: ReplyFrame[] = [];
    const take = (): void =>
      this.#reactor.step({ port: 'process', id: 0, kind: 'test' }, () => this.desk.handle(request, 'p1', (reply) => replies.push(reply)));
    take();
    if (beside !== undefined) this.#reactor.step({ port: 'process', id: 0, kind: 'test' }, () => this.desk.handle(beside, 'p1', () => {}));
    for (let i = 0; i < events; i++) {
      const due = this.#heap.first();
      if (due === undefined || due.at > this.now) break;
      this.#heap.take();
      this.#reactor.step({ port: 'clock', id: 0, kind: 'due' }, due.fire);
    }
    take();
    this.wait(0);
    return replies;
  }

  request(operation: Operation, options: Partial<RequestFrame> = {}): RequestFrame {
    return {
      kind: 'request',
      requestId: this.nextId(),
      token: null,
      operation,
      minSeq: 0,
      require: 'any',
      deadlineMs: 10_000,
      epoch: 0,
      from: { node: 'n1', host: '127.0.0.1' },
      tail: new Uint8Array(0),
      ...options,
    };
  }

  /** Sends one request; its reply, which must come without time passing. */
  send(request: RequestFrame): ReplyFrame {
    const [reply, more] = this.sendAll([request]);
    if (reply === undefined || more !== undefined) throw new Error('Not exactly one reply');
    return reply;
  }

  /** The error code of an operation, or `ok`. */
  code(operation: Operation, options: Partial<RequestFrame> = {}): string {
    const { body } = this.send(this.request(operation, options));
    return body.ok ? 'ok' : body.code;
  }

  /** The value of an operation that must succeed. */
  ask<O extends Operation>(operation: O, options: Partial<RequestFrame> = {}): OperationResults[O['op'] & OperationName] {
    const { body } = this.send(this.request(operation, options));
    if (!body.ok) throw new Error(`${operation.op}: ${body.code}: ${body.message}`);
    return body.value as OperationResults[O['op'] & OperationName];
  }

  /** Registers and logs in; the token. */
  member(name: string, code: string | null = null): string {
    this.ask({ op: 'register', name, password: 'password', code });
    return this.ask({ op: 'login', name, password: 'password' }).token;
  }

  enter(token: string, node = 'n1'): void {
    const addresses = [{ host: '127.0.0.1', port: 6_001 }];
    this.ask({ op: 'enter', node, name: node, incarnation: `i-${node}`, addresses }, { token, from: { node, host: '127.0.0.1' } });
  }
}
