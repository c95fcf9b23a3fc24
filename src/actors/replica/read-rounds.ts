import { confirmedRound } from '../../domain/replication/read-index.ts';
import type { Epoch, VoterName } from '../../domain/replication/types.ts';
import { type Done, fail, ok } from '../../protocol/result.ts';
import type { ReadFailure, ReadPoint } from './api.ts';

interface Asked {
  /** Confirmed by this round or a later one. */
  readonly round: number;
  /** What was committed when it was asked. */
  readonly seq: number;
  readonly done: Done<ReadPoint, ReadFailure>;
}

export interface ReadRoundsDeps {
  readonly epoch: Epoch;
  /** Voters other than this primary. */
  readonly others: readonly VoterName[];
  readonly majority: number;
  /** Reads that wait; more are answered `busy`. */
  readonly readsMax: number;
  /** Sends the next heartbeat to every voter now; answers with its number. */
  readonly beat: () => number;
}

/**
 * R10: the linearizable reads that wait at a primary. They ride on the rounds of heartbeats: a read waits for a round
 * that began after it was asked. A round is begun for it at once, unless one is under way: then all that are asked
 * meanwhile share the next one, which begins when the one under way is confirmed (or the next heartbeat is due).
 */
export class ReadRounds {
  readonly #deps: ReadRoundsDeps;
  readonly #answered = new Map<VoterName, number>();
  /** In the order in which they were asked; so their rounds and their entries rise. */
  #asked: Asked[] = [];
  #begun = 0;
  #confirmed: number;
  #appliedSeq: number;

  constructor(deps: ReadRoundsDeps, appliedSeq: number) {
    this.#deps = deps;
    this.#appliedSeq = appliedSeq;
    this.#confirmed = confirmedRound([], deps.majority);
  }

  /** @param commitSeq everything up to there must be applied before the read. */
  ask(commitSeq: number, done: Done<ReadPoint, ReadFailure>): void {
    if (this.#asked.length >= this.#deps.readsMax) {
      done(fail('busy', 'Too many reads wait for a majority; try again'));
      return;
    }
    this.#asked.push({ round: this.#begun + 1, seq: commitSeq, done });
    this.#beginIfDue();
    this.#answer();
  }

  /** A round has begun, for reads or because a heartbeat was due. */
  begun(round: number): void {
    this.#begun = round;
  }

  /** A voter has answered a round of this epoch. */
  answered(voter: VoterName, round: number): void {
    const { others, majority } = this.#deps;
    if (round > this.#begun || round <= (this.#answered.get(voter) ?? 0) || !others.includes(voter)) return;
    this.#answered.set(voter, round);
    this.#confirmed = Math.max(this.#confirmed, confirmedRound([...this.#answered.values()], majority));
    this.#answer();
    this.#beginIfDue();
  }

  applied(appliedSeq: number): void {
    this.#appliedSeq = appliedSeq;
    this.#answer();
  }

  /** This replica leads no more: somebody else must be asked. */
  stop(): void {
    const asked = this.#asked;
    this.#asked = [];
    for (const { done } of asked) done(fail('not-primary', 'This replica is no longer the primary'));
  }

  #beginIfDue(): void {
    const last = this.#asked.at(-1);
    if (last !== undefined && last.round > this.#begun && this.#confirmed >= this.#begun) this.#begun = this.#deps.beat();
  }

  #answer(): void {
    while (this.#asked.length > 0) {
      const first = this.#asked[0] as Asked;
      if (first.round > this.#confirmed || first.seq > this.#appliedSeq) return;
      this.#asked.shift();
      first.done(ok({ seq: this.#appliedSeq, epoch: this.#deps.epoch }));
    }
  }
}
