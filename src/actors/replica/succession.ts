import { FailureDetector } from '../../domain/replication/failure-detector.ts';
import type { Configuration, Epoch, VoterName } from '../../domain/replication/types.ts';
import { type Micros, millis } from '../../ports/clock.ts';
import { between } from '../../ports/random.ts';
import type { Heartbeat } from '../voter/voter.ts';
import type { ReplicaFrames } from './api.ts';
import { CandidateRole, type CandidacyEnd } from './candidate-role.ts';
import type { ReplicaContext } from './context.ts';
import { FollowerRole } from './follower-role.ts';
import type { ReplicaEvent } from './machine.ts';

/** A replica that may not lead tries again this many times more patiently. */
const PATIENCE_AFTER_INELIGIBLE = 3;

/** The replica while another one leads or nobody does: it follows, suspects, stands. */
export class Succession {
  readonly #context: ReplicaContext;
  readonly #detector: FailureDetector;
  #follower: FollowerRole | null = null;
  #candidate: CandidateRole | null = null;
  /** Chosen, and waiting for the machine to make this replica primary. */
  #activation: Configuration | null = null;
  #patience: Micros | null = null;
  #stopped = false;

  constructor(context: ReplicaContext) {
    this.#context = context;
    const { clock, random, timing } = context.deps;
    const draw = (): Micros => millis(between(random, 'replica.suspect', timing.suspectMinMs, timing.suspectMaxMs));
    this.#detector = new FailureDetector(clock, draw, () => this.#suspect());
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
    this.#follower = new FollowerRole({
      ...deps,
      replicaLog,
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

  /** The next suspicion waits so long. */
  bePatient(micros: Micros): void {
    this.#patience = micros;
  }

  /** R11: whoever stands here in an older epoch stops before the promise leaves. */
  promising(epoch: Epoch): void {
    if (this.#candidate && this.#candidate.epoch < epoch) this.#endCandidacy('denied');
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
        if (this.#context.deps.replicas.includes(from)) this.#follower?.receive(from, frame);
        return;
      case 'promise':
      case 'voteDenied':
      case 'accepted':
      case 'proposeDenied':
        this.#candidate?.receive(from, frame);
    }
  }

  peerUp(name: VoterName): void {
    this.#candidate?.peerUp(name);
  }

  /** Nothing more is suspected, asked or taken from a primary. */
  stop(): void {
    this.#stopped = true;
    this.#detector.stop();
    this.#candidate?.stop();
    this.#follower?.stop();
  }

  #heardPrimary(primary: VoterName, epoch: Epoch): void {
    const { deps, view, post, publish } = this.#context;
    if (epoch < view.epoch && epoch < deps.voter.status().promised) return;
    this.#detector.heard();
    if (view.epoch === epoch && view.primary === primary && !this.#candidate) return;
    view.set(epoch, primary);
    this.#detector.start();
    post({ type: 'primary.heard' });
    publish();
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

  #suspect(): void {
    const { deps, view, post, publish } = this.#context;
    if (this.#stopped) return;
    view.primary = null;
    deps.voter.forgetPrimary();
    post({ type: 'primary.suspected' });
    publish();
  }

  stand(): void {
    const { deps, view, replicaLog, post } = this.#context;
    const { timing } = deps;
    this.#detector.stop();
    this.#candidate = new CandidateRole(
      {
        ...deps,
        replicaLog,
        candidacyMs: timing.candidacyMs,
        repeatMs: timing.heartbeatMs,
        events: {
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
    if (this.#candidate) this.#context.view.see(this.#candidate.epoch);
    this.#candidate?.stop();
    this.#candidate = null;
  }

  #endCandidacy(why: CandidacyEnd): void {
    this.withdraw();
    if (why === 'ineligible') this.#patience = millis(this.#context.deps.timing.suspectMaxMs * PATIENCE_AFTER_INELIGIBLE);
    this.#context.post({ type: 'candidacy.failed' });
  }

  /** The activation to lead by; null where it was promised away in the very step in which it was chosen (R11). */
  takeActivation(): Configuration | null {
    const activation = this.#activation;
    this.#activation = null;
    if (activation === null) return null;
    this.#detector.stop();
    this.#follower?.reset();
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
