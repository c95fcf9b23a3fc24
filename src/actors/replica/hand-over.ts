import type { Epoch, VoterName } from '../../domain/replication/types.ts';
import { type Micros, millis, type TimerId } from '../../ports/clock.ts';
import { FAILOVER_WHY_CHARACTERS_MAX } from '../../protocol/control/report.ts';
import { type Done, fail, ok } from '../../protocol/result.ts';
import type { HandedOver, HandOverFailure } from './api.ts';
import type { ReplicaContext } from './context.ts';
import type { PrimaryRole } from './primary-role.ts';

interface UnderWay {
  readonly peer: VoterName;
  /** Of the primary that hands over. */
  readonly epoch: Epoch;
  readonly startedAt: Micros;
  readonly timer: TimerId;
  readonly reason: string;
  readonly done: Done<HandedOver, HandOverFailure>;
  /** The peer was told to stand. */
  asked: boolean;
}

/**
 * The drained hand-over of a primary (Raft's leadership transfer: Ongaro's dissertation, 3.10). It appends no more
 * changes, waits until the peer has synced all that were, and tells it to stand at once; the peer's higher epoch fences
 * it (R11). Where the peer does not lead within the time, the primary goes on. Safety does not depend on any of it: a
 * candidate that was asked to stand wins by R1 to R3 like any other.
 */
export class HandOvers {
  readonly #context: ReplicaContext;
  readonly #primary: () => PrimaryRole | null;
  #underWay: UnderWay | null = null;

  /** @param primary the primary here, if any. */
  constructor(context: ReplicaContext, primary: () => PrimaryRole | null) {
    this.#context = context;
    this.#primary = primary;
  }

  get underWay(): boolean {
    return this.#underWay !== null;
  }

  begin(reason: string, done: Done<HandedOver, HandOverFailure>): void {
    const { deps, up, post } = this.#context;
    const primary = this.#primary();
    if (primary === null || !primary.serving) return done(fail('not-primary', `${deps.name} is not the primary`));
    if (this.#underWay !== null) return done(fail('busy', 'A hand-over is under way'));
    if (primary.mode === 'SOLO') return done(fail('degraded', `${deps.name} leads alone: no other replica has everything`));
    const peer = primary.heir(up);
    if (peer === null) return done(fail('no-peer', 'There is no link to the other replica, or it does not answer'));
    const timer = deps.clock.setTimer(millis(deps.timing.quorumLostMs), () => this.#expire());
    this.#underWay = { peer, epoch: primary.epoch, startedAt: deps.clock.now(), timer, reason, done, asked: false };
    deps.log.info({ to: peer, epoch: primary.epoch, reason }, 'handing over');
    post({ type: 'drain.started' });
    primary.drain(peer, (seq) => this.#drained(seq));
  }

  /** Somebody is known to lead, maybe somebody new. */
  noticed(): void {
    const { view, deps } = this.#context;
    if (this.#underWay === null || view.epoch <= this.#underWay.epoch || view.primary === null) return;
    const { peer, startedAt } = this.#underWay;
    const heldMs = Math.ceil((deps.clock.now() - startedAt) / 1_000);
    if (view.primary === peer) this.#finish((done) => done(ok({ to: peer, epoch: view.epoch, heldMs })));
    else this.#fail('timed-out', `${peer} did not take over: ${view.primary} leads`);
  }

  peerDown(name: VoterName): void {
    if (this.#underWay?.peer === name && this.#stillLeads()) this.#fail('no-peer', `The link to ${name} went down; ${this.#self} goes on`);
  }

  /** The primary goes on alone, because the peer does not answer (R6). */
  degrading(): void {
    if (this.#underWay !== null) this.#fail('no-peer', `${this.#underWay.peer} does not answer; ${this.#self} goes on`);
  }

  /** The primary's epoch is over here. Expected, once the peer was told to stand. */
  steppedDown(): void {
    if (this.#underWay?.asked === false) this.#fail('not-primary', `${this.#self} lost the lead before it could hand over`);
  }

  stop(): void {
    if (this.#underWay !== null) this.#fail('not-primary', `${this.#self} stops`);
  }

  get #self(): VoterName {
    return this.#context.deps.name;
  }

  #stillLeads(): boolean {
    return this.#primary()?.epoch === this.#underWay?.epoch;
  }

  #drained(seq: number): void {
    if (this.#underWay === null) return;
    const { peer, epoch, reason } = this.#underWay;
    this.#underWay.asked = true;
    const why = reason.slice(0, FAILOVER_WHY_CHARACTERS_MAX);
    if (!this.#context.deps.peers.send(peer, { kind: 'timeoutNow', epoch, seq, why }))
      this.#fail('no-peer', `The link to ${peer} went down; ${this.#self} goes on`);
  }

  #expire(): void {
    if (this.#underWay === null) return;
    const { peer } = this.#underWay;
    const rest = this.#stillLeads() ? `${this.#self} goes on` : 'nobody is known to lead yet';
    this.#fail('timed-out', `${peer} did not take over in time; ${rest}`);
  }

  #fail(code: HandOverFailure['code'], message: string): void {
    const leads = this.#stillLeads();
    this.#finish((done) => {
      this.#context.deps.log.warn({ reason: message }, 'the hand-over failed');
      if (leads) {
        this.#context.post({ type: 'drain.ended' });
        this.#primary()?.resume();
      }
      done(fail(code, message));
    });
  }

  #finish(answer: (done: UnderWay['done']) => void): void {
    const underWay = this.#underWay;
    if (underWay === null) return;
    this.#underWay = null;
    this.#context.deps.clock.clearTimer(underWay.timer);
    answer(underWay.done);
  }
}
