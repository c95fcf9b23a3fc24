/** Three or five voters in one process, on a virtual clock and links made by hand: no transport, no real time, one seed. */
import { Reactor } from '../../bus/reactor.ts';
import { LAN_TIMING } from '../../domain/replication/timing.ts';
import type { ReplicaStatus, VoterName } from '../../domain/replication/types.ts';
import { createRandom } from '../../ports/counter-random.ts';
import { DueHeap, type Due } from '../../ports/due-heap.ts';
import { silentLog } from '../../ports/log.ts';
import { between, below, type Random } from '../../ports/random.ts';
import type { VotingFrame } from '../../protocol/control/messages.ts';
import type { Done, Result } from '../../protocol/result.ts';
import { FakeDisk } from '../voter/bench.test-kit.ts';
import { FIRST_START_MARKER } from '../voter/store.ts';
import { Voter, type VoterPeers } from '../voter/voter.ts';
import { FakeLedger, type LedgerDisk, newLedgerDisk } from './fake-ledger.test-kit.ts';
import {
  type Proposal,
  type ProposalFailure,
  type ProposalOutcome,
  type ReadFailure,
  type ReadPoint,
  Replica,
  type ReplicaFrames,
  type ReplicaLimits,
} from './replica.ts';
import { REPLICA_LIMITS } from './api.ts';
import { virtualClock } from './virtual-clock.test-kit.ts';

export const REPLICAS = ['main', 'backup'];
const PROXIES = ['proxy', 'proxy2', 'proxy3'];

/** One incarnation of a process. */
interface Process {
  readonly reactor: Reactor;
  readonly voter: Voter;
  readonly replica: Replica | null;
  readonly ledger: FakeLedger | null;
  alive: boolean;
  /** It stands still (SIGSTOP) until then; what comes meanwhile comes afterwards. */
  stillUntil: number;
}

/** What survives a process. */
export interface ClusterDisk {
  readonly files: Map<string, Uint8Array>;
  ledger: LedgerDisk;
  /** No file can be written; `ledger.full` is the ledger's. */
  full: boolean;
}

export interface ClusterOptions {
  readonly seed?: number;
  /** Default: 1. */
  readonly witnesses?: 1 | 3;
  readonly limits?: Partial<ReplicaLimits>;
  /** The real ledger, in memory, and what makes its payloads of texts. */
  readonly real?: { readonly ledger: () => LedgerDisk['real']; readonly encode: (text: string) => Uint8Array };
}

export class Cluster {
  readonly random: Random;
  readonly voters: readonly VoterName[];
  readonly disks = new Map<VoterName, ClusterDisk>();
  readonly statuses: { readonly name: VoterName; readonly status: ReplicaStatus }[] = [];
  readonly #heap = new DueHeap();
  readonly #processes = new Map<VoterName, Process>();
  /** Links that are up, by `a>b`, with the time at which the last frame arrives (first in, first out). */
  readonly #links = new Map<string, { arrives: number }>();
  readonly #cut = new Set<string>();
  /** Listens to every frame that is sent over a link. */
  onSend: ((from: VoterName, to: VoterName, frame: ReplicaFrames) => void) | null = null;
  /** One way of a link that stands still, by `a>b`: what would have arrived. */
  readonly #held = new Map<string, (() => void)[]>();
  readonly #limits: ReplicaLimits;
  readonly #encode: (text: string) => Uint8Array;
  readonly #newLedger: () => LedgerDisk;
  #now = 0;
  #requests = 0;

  constructor({ seed = 1, witnesses = 1, limits = {}, real }: ClusterOptions = {}) {
    this.voters = [...REPLICAS, ...PROXIES.slice(0, witnesses)];
    this.#encode = real?.encode ?? ((text) => new TextEncoder().encode(text));
    this.#newLedger = () => newLedgerDisk(real?.ledger() ?? null);
    this.random = createRandom(seed);
    this.#limits = { ...REPLICA_LIMITS, ...limits };
    for (const name of this.voters)
      this.disks.set(name, {
        files: new Map([[`/${name}/${FIRST_START_MARKER}`, new Uint8Array(0)]]),
        ledger: this.#newLedger(),
        full: false,
      });
  }

  now(): number {
    return this.#now;
  }

  disk(name: VoterName): ClusterDisk {
    return this.disks.get(name) as ClusterDisk;
  }

  alive(name: VoterName): boolean {
    return this.#processes.get(name)?.alive ?? false;
  }

  replica(name: VoterName): Replica {
    return this.#processes.get(name)?.replica as Replica;
  }

  voter(name: VoterName): Voter {
    return this.#processes.get(name)?.voter as Voter;
  }

  state(name: VoterName): unknown {
    return (this.replica(name).detail() as { state: unknown }).state;
  }

  start(...names: VoterName[]): void {
    for (const name of names) this.#start(name);
  }

  /** SIGKILL: nothing is said, what was not synced is gone; what was under way may be on disk or not. */
  kill(name: VoterName): void {
    const process = this.#processes.get(name);
    if (!process?.alive) return;
    process.alive = false;
    process.ledger?.crash(below(this.random, 'crash', 2) === 0);
    for (const other of this.voters) this.#unlink(name, other);
  }

  /** The machine loses its power: as `kill`, but nobody is told; links end when it comes back. */
  vanish(name: VoterName): void {
    const process = this.#processes.get(name);
    if (!process?.alive) return;
    process.alive = false;
    process.ledger?.crash(below(this.random, 'crash', 2) === 0);
  }

  /** SIGSTOP, and SIGCONT after so many milliseconds. */
  standStill(name: VoterName, ms: number): void {
    (this.#processes.get(name) as Process).stillUntil = this.#now + ms * 1_000;
  }

  /** The link between two goes down, and stays so. */
  cut(a: VoterName, b: VoterName): void {
    this.#cut.add(`${a}>${b}`).add(`${b}>${a}`);
    this.#unlink(a, b);
  }

  /** A frame out of nowhere, as if from the link of `from`. */
  deliver(from: VoterName, to: VoterName, frame: ReplicaFrames): void {
    const process = this.#processes.get(to) as Process;
    this.#in(process, () => process.replica?.receive(from, frame));
  }

  /** Nothing arrives from `from` at `to` any more, and neither is told: a cable half broken. */
  mute(from: VoterName, to: VoterName): void {
    if (!this.#held.has(`${from}>${to}`)) this.#held.set(`${from}>${to}`, []);
  }

  heal(): void {
    const held = [...this.#held.values()].flat();
    this.#held.clear();
    for (const arrive of held) arrive();
    this.#cut.clear();
    for (const a of this.voters) for (const b of this.voters) if (a < b) this.#dial(a, b);
  }

  loseVoter(name: VoterName): void {
    this.disk(name).files.clear();
  }

  loseLog(name: VoterName): void {
    this.disk(name).ledger = this.#newLedger();
  }

  /** Runs until the condition holds. @throws when it does not within `seconds` of virtual time. */
  until(what: string, holds: () => boolean, seconds = 20): void {
    const end = this.#now + seconds * 1e6;
    while (!holds()) {
      if (this.#now > end) throw new Error(`Not within ${seconds} s: ${what}. ${this.describe()}`);
      this.#step();
    }
  }

  run(seconds: number): void {
    const end = this.#now + seconds * 1e6;
    while ((this.#heap.first()?.at ?? Infinity) <= end) this.#step();
    this.#now = end;
  }

  primary(): Replica | null {
    for (const name of REPLICAS) if (this.alive(name) && this.replica(name).status().role === 'primary') return this.replica(name);
    return null;
  }

  isPrimary(name: VoterName, mode?: 'SYNC' | 'SOLO'): boolean {
    const status = this.alive(name) ? this.replica(name).status() : null;
    return status?.role === 'primary' && (mode === undefined || status.mode === mode);
  }

  /** Proposes at a replica; the answer is there when it is. */
  propose(
    name: VoterName,
    text: string,
    options: { readonly n?: number; readonly require?: Proposal['require'] } = {},
  ): { result: Result<ProposalOutcome, ProposalFailure> | null } {
    const answer: { result: Result<ProposalOutcome, ProposalFailure> | null } = { result: null };
    const process = this.#processes.get(name) as Process;
    const n = options.n ?? ++this.#requests;
    this.#requests = Math.max(this.#requests, n);
    const proposal: Proposal = {
      requestId: { client: 'c'.repeat(32), n },
      payload: this.#encode(text),
      wallMs: 0,
      require: options.require ?? 'any',
    };
    this.#in(process, () =>
      process.replica?.propose(proposal, (result) => {
        if (answer.result) throw new Error('answered twice');
        answer.result = result;
      }),
    );
    return answer;
  }

  /** Asks for a linearizable read at a replica; the answer is there when it is. */
  readIndex(name: VoterName): { result: Result<ReadPoint, ReadFailure> | null } {
    return this.ask(name, (replica, done) => replica.readIndex(done));
  }

  /** Asks a replica for something that it answers once, and never within the call. */
  ask<T, E>(name: VoterName, what: (replica: Replica, done: Done<T, E>) => void): { result: Result<T, E> | null } {
    const answer: { result: Result<T, E> | null } = { result: null };
    const process = this.#processes.get(name) as Process;
    this.#in(process, () =>
      what(process.replica as Replica, (result) => {
        if (answer.result) throw new Error('answered twice');
        answer.result = result;
      }),
    );
    if (answer.result) throw new Error('answered within the call');
    return answer;
  }

  describe(): string {
    return this.voters
      .map((name) => {
        if (!this.alive(name)) return `${name}: dead`;
        const process = this.#processes.get(name) as Process;
        return `${name}: ${JSON.stringify(process.replica ? { ...process.replica.status(), ...process.replica.detail() } : process.voter.status())}`;
      })
      .join('\n');
  }

  #start(name: VoterName): void {
    if (this.alive(name)) throw new Error(`${name} runs already`);
    for (const other of this.voters) this.#unlink(name, other);
    const reactor = new Reactor(() => this.#now);
    const later =
      (delay: () => number) =>
      (run: () => void): void =>
        void this.#after(process, delay(), run);
    const clock = virtualClock({
      now: () => process.reactor.now(),
      wallNow: () => 1_700_000_000_000 + Math.floor(this.#now / 1000),
      after: (delay, run) => this.#after(process, delay, run),
      remove: (due) => this.#heap.remove(due),
    });
    const { files, ledger: ledgerDisk } = this.disk(name);
    const disk = new FakeDisk(
      files,
      later(() => between(this.random, `${name}.disk`, 200, 3_000)),
      () => this.disk(name).full,
    ).port;
    const peers: VoterPeers = { send: (to, frame) => this.#send(name, to, frame) };
    const log = silentLog;
    const random = this.random.fork(`${name}.${this.#now}`);
    const voter = new Voter({
      reactor,
      clock,
      random,
      log,
      disk,
      folder: `/${name}`,
      name,
      voters: this.voters,
      replicas: REPLICAS,
      peers,
      timing: LAN_TIMING,
    });
    const isReplica = REPLICAS.includes(name);
    const ledger = isReplica
      ? new FakeLedger(
          ledgerDisk,
          later(() => between(this.random, `${name}.ledger`, 200, 4_000)),
        )
      : null;
    const replica = ledger
      ? new Replica({
          reactor,
          clock,
          random,
          log,
          database: ledger,
          disk,
          folder: `/${name}`,
          voter,
          name,
          voters: this.voters,
          replicas: REPLICAS,
          proxies: PROXIES,
          peers,
          timing: LAN_TIMING,
          limits: this.#limits,
        })
      : null;
    const process: Process = { reactor, voter, replica, ledger, alive: true, stillUntil: 0 };
    this.#processes.set(name, process);
    this.#in(process, () => (replica ? replica.start() : voter.start()));
    replica?.onStatus((status) => this.statuses.push({ name, status }));
    for (const other of this.voters) this.#dial(name, other);
  }

  /** After a dial, both sides hear of it; a process that dies or a cut link ends it. */
  #dial(a: VoterName, b: VoterName): void {
    // Witnesses have no links to each other.
    if (!REPLICAS.includes(a) && !REPLICAS.includes(b)) return;
    if (a === b || !this.alive(a) || !this.alive(b) || this.#cut.has(`${a}>${b}`) || this.#links.has(`${a}>${b}`)) return;
    const delay = between(this.random, 'dial', 1_000, 300_000);
    const ends: [VoterName, Process][] = [
      [a, this.#processes.get(a) as Process],
      [b, this.#processes.get(b) as Process],
    ];
    this.#heap.add(this.#now + delay, () => {
      if (ends.some(([, end]) => !end.alive) || this.#cut.has(`${a}>${b}`) || this.#links.has(`${a}>${b}`)) return;
      this.#links.set(`${a}>${b}`, { arrives: 0 });
      this.#links.set(`${b}>${a}`, { arrives: 0 });
      for (const [name, end] of ends) this.#in(end, () => (end.replica ?? end.voter).peerUp(name === a ? b : a));
    });
  }

  #unlink(a: VoterName, b: VoterName): void {
    if (!this.#links.delete(`${a}>${b}`)) return;
    this.#links.delete(`${b}>${a}`);
    for (const [name, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const process = this.#processes.get(name);
      if (process) this.#after(process, 500, () => (process.replica ?? process.voter).peerDown(other));
    }
  }

  #send(from: VoterName, to: VoterName, frame: ReplicaFrames): boolean {
    const link = this.#links.get(`${from}>${to}`);
    if (!link) return false;
    this.onSend?.(from, to, frame);
    const process = this.#processes.get(to) as Process;
    link.arrives = Math.max(link.arrives, this.#now + between(this.random, 'latency', 100, 2_000));
    const arrive = (): void => {
      const held = this.#held.get(`${from}>${to}`);
      if (held) {
        held.push(arrive);
        return;
      }
      if (this.#links.get(`${from}>${to}`) !== link || !process.alive) return;
      this.#in(process, () => {
        if (process.replica) process.replica.receive(from, frame);
        else process.voter.receive(from, frame as VotingFrame);
      });
    };
    this.#heap.add(link.arrives, arrive);
    return true;
  }

  #after(process: Process, delay: number, run: () => void): Due {
    return this.#heap.add(this.#now + delay, () => this.#in(process, run));
  }

  #in(process: Process, run: () => void): void {
    if (process.stillUntil > this.#now) this.#heap.add(process.stillUntil, () => this.#in(process, run));
    else if (process.alive) process.reactor.step({ port: 'process', id: 0, kind: 'test' }, run);
  }

  #step(): void {
    const due = this.#heap.take();
    if (!due) throw new Error(`Nothing is due any more. ${this.describe()}`);
    this.#now = Math.max(this.#now, due.at);
    due.fire();
  }
}
