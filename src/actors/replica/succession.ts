import { FailureDetector } from '../../domain/replication/failure-detector.ts';
import type { Configuration, Epoch, VoterName } from '../../domain/replication/types.ts';
import { type Micros, millis } from '../../ports/clock.ts';
import { between } from '../../ports/random.ts';
import type { FailoverReport, ReplicationFrame } from '../../protocol/control/messages.ts';
import { FAILOVER_WHY_CHARACTERS_MAX } from '../../protocol/control/report.ts';
import { type Done, fail } from '../../protocol/result.ts';
import type { Heartbeat } from '../voter/voter.ts';
import type { ForcePromoted, ForcePromoteFailure, ReplicaFrames } from './api.ts';
import { CandidateRole, type CandidacyCause, type CandidacyEnd } from './candidate-role.ts';
import type { ReplicaContext } from './context.ts';
import { FollowerRole } from './follower-role.ts';
import { ForcedPromotion } from './forced-promotion.ts';
import type { ReplicaEvent } from './machine.ts';
import { Quarantine } from './quarantine.ts';

/** A replica that may not lead tries again this many times more patiently. */
const PATIENCE_AFTER_INELIGIBLE = 3;
/** An election that was lost, to nobody or to somebody who then fell silent, is tried again after so many heartbeats. */
const HEARTBEATS_AFTER_LOST_MIN = 1;
const HEARTBEATS_AFTER_LOST_MAX = 4;

/** The replica while another one leads or nobody does: it follows, suspects, stands. */
export class Succession {
  readonly #context: ReplicaContext;
  readonly #detector: FailureDetector;
  #follower: FollowerRole | null = null;
  #candidate: CandidateRole | null = null;
  /** Chosen, and waiting for the machine to make this replica primary. */
  #activation: Configuration | null = null;
  #patience: Micros | null = null;
  /** The voters were asked and none of them would promise, so that one that comes back is worth asking. */
  #unwanted = false;
  /** Whom this replica followed or was last. */
  #before: VoterName | null = null;
  /** The primary whose link has ended, until it is heard again. */
  #lost: VoterName | null = null;
  /** Why it stands, in words for people; null: because the primary was silent. */
  #why: string | null = null;
  #lastFailover: FailoverReport | null = null;
  readonly #forced: ForcedPromotion;
  #stopped = false;

  constructor(context: ReplicaContext) {
    this.#context = context;
    this.#forced = new ForcedPromotion(context.deps);
    const { clock, random, timing } = context.deps;
    this.#detector = new FailureDetector(clock, {
      drawPatience: () => millis(between(random, 'replica.suspect', timing.suspectMinMs, timing.suspectMaxMs)),
      stall: millis(timing.stallMs),
      listenAfterStall: millis(2 * timing.heartbeatMs),
      suspect: (silence) => this.#suspect(silence),
    });
  }

  /** The last change of primary that this replica knows of. */
  get lastFailover(): FailoverReport | null {
    return this.#lastFailover;
  }

  /** Up to where the log is known to be committed; null before it was opened. */
  get commitSeq(): number | null {
    return this.#follower?.commitSeq ?? null;
  }

  /** Log and voter are open: it follows, and stands where no primary is heard. */
  opened(): void {
    const { deps, replicaLog, limits, post, fail } = this.#context;
    const { timing, replicas, name, random } = deps;
    const place = Math.max(0, replicas.indexOf(name));
    // The first in the order of priority stands first, but only now: later, nobody preempts a primary.
    this.#patience = millis((timing.startWaitMs + place * timing.startWaitStepMs) * between(random, 'replica.start', 1, 1.2));
    const quarantine = new Quarantine({ ...deps, source: replicaLog });
    this.#follower = new FollowerRole({
      ...deps,
      replicaLog,
      keep: (what, done) => quarantine.keep(what, done),
      batchBytesMax: limits.batchBytesMax,
      events: {
        heard: (primary, epoch) => this.#heardPrimary(primary, epoch),
        matched: () => post({ type: 'log.matched' }),
        truncating: () => this.#repairing({ type: 'log.truncating' }),
        installing: () => this.#repairing({ type: 'snapshot.installing' }),
        appended: () => post({ type: 'log.appended' }),
        broken: (reason) => fail(reason),
      },
    });
    post({ type: 'replica.opened' });
  }

  /** See `Replica.forcePromote`. This replica does not lead. */
  forcePromote(done: Done<ForcePromoted, ForcePromoteFailure>): void {
    const { view, deps, post } = this.#context;
    if (this.#follower === null) return done(fail('booting', `${deps.name} is starting; try again in a moment`));
    if (view.primary !== null) return done(fail('primary-alive', `${view.primary} leads; nothing has to be forced`));
    if (this.#activation !== null) return done(fail('eligible', `${deps.name} may lead by the rules, and is about to`));
    if (!this.#forced.begin(done)) return;
    // An ordinary candidacy gives way.
    if (this.#candidate?.cause === 'silence') this.#endCandidacy(null);
    post({ type: 'promotion.forced' });
  }

  /** The next suspicion waits so long. */
  bePatient(micros: Micros): void {
    this.#patience = micros;
  }

  /** R11: whoever stands here in an older epoch, or only thinks of standing, stops before the promise leaves. */
  promising(epoch: Epoch): void {
    if (this.#candidate && (this.#candidate.epoch < epoch || !this.#candidate.stood)) this.#endCandidacy('denied');
    if (this.#activation && this.#activation.e < epoch) this.#activation = null;
  }

  heartbeat(from: VoterName, frame: Heartbeat): void {
    const { deps, view, post, publish } = this.#context;
    this.#heardPrimary(from, frame.epoch);
    this.#follower?.committed(frame.epoch, frame.commitSeq);
    if (!view.compare(deps.voter.status().accepted, deps.name)) return;
    post({ type: view.inIsr ? 'isr.joined' : 'isr.left' });
    publish();
  }

  receive(from: VoterName, frame: ReplicaFrames): void {
    switch (frame.kind) {
      case 'probe':
      case 'append':
      case 'snapshotChunk':
        if (!this.#context.deps.replicas.includes(from)) return;
        if (frame.kind === 'probe') this.#hearOfFailover(frame.failover);
        this.#follower?.receive(from, frame);
        return;
      case 'timeoutNow':
        this.#invited(from, frame);
        return;
      case 'preVoteReply':
      case 'promise':
      case 'voteDenied':
      case 'accepted':
      case 'proposeDenied':
        this.#candidate?.receive(from, frame);
    }
  }

  peerUp(name: VoterName): void {
    this.#candidate?.peerUp(name);
    const { view, deps } = this.#context;
    if (this.#unwanted && view.primary === null) this.#detector.hasten(millis(deps.timing.heartbeatMs));
  }

  /** The link to the primary is gone. Links of the living come back at once; no need to wait for as long as a silence takes. */
  peerDown(name: VoterName): void {
    this.#candidate?.peerDown(name);
    const { view, deps } = this.#context;
    if (view.primary !== name) return;
    this.#lost = name;
    this.#detector.hasten(millis(deps.timing.linkLostMs));
  }

  /** This replica has led, and does not any more: what it says of the next failover that it wins itself. */
  steppedDown(why: string): void {
    this.#why = why;
  }

  /** Nothing more is suspected, asked or taken from a primary. */
  stop(): void {
    this.#stopped = true;
    this.#detector.stop();
    this.#candidate?.stop();
    this.#follower?.stop();
    this.#forced.stop();
  }

  #heardPrimary(primary: VoterName, epoch: Epoch): void {
    const { deps, view, post, publish } = this.#context;
    if (epoch < view.epoch && epoch < deps.voter.status().promised) return;
    // Whoever hands over may still be heard.
    if (this.#candidate?.handOver && epoch < this.#candidate.epoch) return;
    this.#detector.heard();
    this.#lost = null;
    this.#unwanted = false;
    if (view.epoch === epoch && view.primary === primary && !this.#candidate) return;
    view.set(epoch, primary);
    this.#before = primary;
    this.#why = null;
    this.#detector.start();
    post({ type: 'primary.heard' });
    publish();
  }

  /** The primary that is followed here hands over (`hand-over.ts`). A late word of an older one counts for nothing. */
  #invited(from: VoterName, { epoch, seq, why }: Extract<ReplicationFrame, { kind: 'timeoutNow' }>): void {
    const { view, replicaLog, post } = this.#context;
    if (this.#candidate !== null || from !== view.primary || epoch !== view.epoch || replicaLog.last.seq < seq) return;
    this.#why = why;
    post({ type: 'primary.handsOver' });
  }

  #hearOfFailover(failover: FailoverReport | null): void {
    if (failover !== null && failover.epoch > (this.#lastFailover?.epoch ?? 0)) this.#lastFailover = failover;
  }

  #repairing(event: ReplicaEvent): void {
    this.#context.view.inIsr = false;
    this.#context.post(event);
  }

  // ---- What the machine makes it do ------------------------------------------------------------------------------

  follow(): void {
    const patience = this.#patience;
    this.#patience = null;
    this.#context.view.inIsr = false;
    this.#detector.start(patience ?? undefined);
    this.#context.publish();
  }

  #suspect(silence: Micros): void {
    const { deps, view, post, publish } = this.#context;
    if (this.#stopped) return;
    if (view.primary !== null)
      this.#why =
        this.#lost === view.primary ? `the link to ${this.#lost} ended` : `${view.primary} was silent for ${(silence / 1e6).toFixed(1)} s`;
    view.primary = null;
    deps.voter.forgetPrimary();
    post({ type: 'primary.suspected' });
    publish();
  }

  canvass(): void {
    this.#candidate = this.#newCandidate(this.#forced.underWay ? 'forced' : 'silence');
    this.#candidate.canvass();
  }

  stand(): void {
    this.#candidate ??= this.#newCandidate('handOver');
    this.#candidate.stand();
  }

  #newCandidate(cause: CandidacyCause): CandidateRole {
    const { deps, view, replicaLog, post } = this.#context;
    const { timing } = deps;
    this.#detector.stop();
    return new CandidateRole(
      {
        ...deps,
        replicaLog,
        candidacyMs: timing.candidacyMs,
        repeatMs: timing.heartbeatMs,
        cause,
        events: {
          eligible: () => this.#forced.eligible(),
          granted: () => post({ type: 'majority.granted' }),
          promised: () => post({ type: 'majority.promised' }),
          activated: (activation) => {
            this.#activation = activation;
            post({ type: 'activation.chosen' });
          },
          failed: (why) => this.#endCandidacy(why),
          ineligible: (latest) => view.mayNotLead(latest, deps.name),
          seen: (epoch) => view.see(epoch),
        },
      },
      view.seen,
    );
  }

  activate(): void {
    this.#candidate?.activate();
  }

  withdraw(): void {
    // Epochs that were tried are not tried again.
    if (this.#candidate?.stood) this.#context.view.see(this.#candidate.epoch);
    if (this.#candidate?.cause === 'forced' && this.#activation === null) this.#forced.outrun();
    this.#candidate?.stop();
    this.#candidate = null;
  }

  /** @param why null: it gives way to a forced one. */
  #endCandidacy(why: CandidacyEnd | null): void {
    const { deps, post } = this.#context;
    const { timing, random } = deps;
    const stood = this.#candidate?.stood ?? false;
    if (why !== null) this.#forced.failed(why, this.#candidate?.sawPrimary ?? false);
    this.withdraw();
    this.#unwanted = why === 'unwanted';
    if (why === 'ineligible') this.#patience = millis(timing.suspectMaxMs * PATIENCE_AFTER_INELIGIBLE);
    else if (stood && (why === 'timeout' || why === 'denied'))
      this.#patience = millis(timing.heartbeatMs * between(random, 'replica.again', HEARTBEATS_AFTER_LOST_MIN, HEARTBEATS_AFTER_LOST_MAX));
    post({ type: 'candidacy.failed' });
  }

  /** The activation to lead by; null where it was promised away in the very step in which it was chosen (R11). */
  takeActivation(): Configuration | null {
    const { clock, name } = this.#context.deps;
    const activation = this.#activation;
    this.#activation = null;
    if (activation === null) {
      this.#forced.outrun();
      return null;
    }
    if (this.#forced.underWay) this.#why = 'forced by the operator';
    this.#forced.leads(activation);
    this.#detector.stop();
    this.#follower?.reset();
    const from = this.#before;
    const why = this.#why ?? (from === null ? `${name} was started and heard no primary` : `${from} was silent`);
    this.#lastFailover = { wallMs: clock.wallNow(), epoch: activation.e, from, to: name, why: why.slice(0, FAILOVER_WHY_CHARACTERS_MAX) };
    this.#before = name;
    this.#why = null;
    return activation;
  }

  /** R8: what was under way on the log ends first; then nothing of the old role is left. */
  quiesce(): void {
    this.#context.replicaLog.whenIdle(() => {
      if (this.#stopped) return;
      this.#follower?.reset();
      this.#context.post({ type: 'log.idle' });
    });
  }
}
