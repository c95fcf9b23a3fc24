import { quorumHeardAt } from '../../domain/replication/failure-detector.ts';
import { outreachedSince } from '../../domain/replication/proxy-reach.ts';
import { beginTrust, confirmed, mayAct, type SelfTrust, type StallOptions, ticked } from '../../domain/replication/stall.ts';
import { majorityOf, type Epoch, type VoterName } from '../../domain/replication/types.ts';
import { type Micros, millis } from '../../ports/clock.ts';
import type { VotingFrame } from '../../protocol/control/messages.ts';
import type { ReplicaDeps } from './api.ts';

export interface QuorumWatchDeps extends Pick<ReplicaDeps, 'clock' | 'log' | 'peers' | 'name' | 'voters' | 'timing'> {
  readonly epoch: Epoch;
  /** See `heartbeatAck.proxyReach`, of this replica. */
  readonly proxyReach: () => number;
  /** It trusts itself again: what was held back may go on. */
  readonly trusted: () => void;
  readonly outranked: (epoch: Epoch) => void;
}

/**
 * What was held back while the primary distrusts itself: answers to all proposals that may be under way, and frames; more
 * is dropped, and whoever waits for it asks again.
 */
const HELD_MAX = 8_192;
/** After so many hand-overs in vain the time to the next does not double any more. */
const OUTREACHED_TIMES_MAX = 5;

/** A primary's own view of whether it still leads: a majority that answers (R10), itself not having stood still, proxies that reach it. */
export class QuorumWatch {
  readonly #deps: QuorumWatchDeps;
  readonly #stall: StallOptions;
  readonly #majority: number;
  readonly #answeredAt = new Map<VoterName, Micros>();
  readonly #reach = new Map<VoterName, number>();
  #round = 0;
  #trust: SelfTrust;
  #outreachedSince: Micros | null = null;
  /** Hand-overs that were asked for since then: the more were in vain, the longer it is until the next. */
  #outreachedTimes = 0;
  /** Of what is asked after a stall. */
  #askId = 0;
  #held: (() => void)[] = [];

  constructor(deps: QuorumWatchDeps) {
    this.#deps = deps;
    const { timing, voters, clock } = deps;
    this.#stall = { every: millis(timing.heartbeatMs), stall: millis(timing.stallMs) };
    this.#majority = majorityOf(voters.length);
    this.#trust = beginTrust(clock.now());
    for (const other of this.others) this.#answeredAt.set(other, clock.now());
  }

  get others(): VoterName[] {
    return this.#deps.voters.filter((voter) => voter !== this.#deps.name);
  }

  /** Whether it may speak as primary in this very step. */
  get mayAct(): boolean {
    return mayAct(this.#trust, this.#deps.clock.now(), this.#stall);
  }

  /** R10, liveness: no majority has answered for so long that another one may lead by now. */
  get lost(): boolean {
    const now = this.#deps.clock.now();
    return now - quorumHeardAt([...this.#answeredAt.values()], this.#majority, now) >= millis(this.#deps.timing.quorumLostMs);
  }

  /** Whether this voter has answered lately. */
  hears(voter: VoterName): boolean {
    const at = this.#answeredAt.get(voter);
    return at !== undefined && this.#deps.clock.now() - at < millis(this.#deps.timing.quorumLostMs);
  }

  answered(voter: VoterName): void {
    this.#answeredAt.set(voter, this.#deps.clock.now());
  }

  reaches(voter: VoterName, proxyReach: number): void {
    this.#reach.set(voter, proxyReach);
  }

  /** A heartbeat of the next round to every other voter; its number. */
  beat(v: number, commitSeq: number): number {
    const { peers, name, epoch } = this.#deps;
    this.#round++;
    const heartbeat: VotingFrame = { kind: 'heartbeat', epoch, v, round: this.#round, commitSeq, primary: name };
    for (const other of this.others) peers.send(other, heartbeat);
    return this.#round;
  }

  /** At the primary's own tick: whether it may go on. Where it has just found out that it stood still, it asks around. */
  ticked(): boolean {
    const { clock, log, timing, epoch } = this.#deps;
    const before = this.#trust;
    this.#trust = ticked(before, clock.now(), this.#stall);
    const { confirmedBy } = this.#trust;
    if (confirmedBy === null) return true;
    if (confirmedBy.length === 0 && confirmedBy !== before.confirmedBy) {
      const stoodMs = Math.round((clock.now() - before.tickedAt) / 1_000) - timing.heartbeatMs;
      log.warn({ epoch, stoodMs }, 'this process stood still: it asks the voters whether it still leads');
      this.#askId++;
      // Their silence was ours.
      for (const other of this.others) this.answered(other);
    }
    this.#ask();
    return false;
  }

  /** Does it now, or when this primary trusts itself again. */
  whenTrusted(run: () => void): void {
    if (this.mayAct) run();
    else if (this.#held.length < HELD_MAX) this.#held.push(run);
  }

  /** What a voter says to a primary that stood still. */
  told(from: VoterName, { id, voter, promised }: Extract<VotingFrame, { kind: 'voterState' }>): void {
    const { epoch, log, clock } = this.#deps;
    if (voter !== from || id !== this.#askId) return;
    if (promised > epoch) return this.#deps.outranked(promised);
    this.answered(from);
    if (this.#trust.confirmedBy === null) return;
    this.#trust = confirmed(this.#trust, from, this.#majority);
    if (!mayAct(this.#trust, clock.now(), this.#stall)) return;
    log.info({ epoch }, 'a majority confirms that this replica still leads');
    this.#deps.trusted();
    const held = this.#held;
    this.#held = [];
    for (const run of held) run();
  }

  /** A replica in sync has been reached by more proxies than this primary for so long that it should hand over. */
  outreached(inSync: readonly VoterName[]): boolean {
    const { clock, timing, proxyReach } = this.#deps;
    const peers = inSync.filter((peer) => this.hears(peer)).map((peer) => this.#reach.get(peer) ?? 0);
    const since = outreachedSince(this.#outreachedSince, proxyReach(), peers, clock.now());
    this.#outreachedSince = since;
    if (since === null) this.#outreachedTimes = 0;
    if (since === null || clock.now() - since < millis(timing.proxyLostMs) * 2 ** this.#outreachedTimes) return false;
    this.#outreachedSince = clock.now();
    this.#outreachedTimes = Math.min(OUTREACHED_TIMES_MAX, this.#outreachedTimes + 1);
    return true;
  }

  #ask(): void {
    const { peers, name } = this.#deps;
    for (const other of this.others) peers.send(other, { kind: 'voterRead', id: this.#askId, reader: name });
  }
}
