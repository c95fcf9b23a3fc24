import { generationOf } from '../../domain/replication/generation.ts';
import type { Configuration } from '../../domain/replication/types.ts';
import { millis, type TimerId } from '../../ports/clock.ts';
import { type Done, fail, ok } from '../../protocol/result.ts';
import type { ForcePromoted, ForcePromoteFailure, ReplicaDeps } from './api.ts';
import type { CandidacyEnd } from './candidate-role.ts';

type Answer = Done<ForcePromoted, ForcePromoteFailure>;

/** A candidacy has three stages of a majority each, and the log may have to come to rest first. */
const STAGES = 4;

/** An operator's order to lead past R2, until it is answered: once, and within a few seconds. */
export class ForcedPromotion {
  readonly #deps: Pick<ReplicaDeps, 'clock' | 'log' | 'name' | 'timing'>;
  #done: Answer | null = null;
  #timer: TimerId | null = null;

  constructor(deps: Pick<ReplicaDeps, 'clock' | 'log' | 'name' | 'timing'>) {
    this.#deps = deps;
  }

  get underWay(): boolean {
    return this.#done !== null;
  }

  /** Whether it begins; if not, that is answered. */
  begin(done: Answer): boolean {
    const { clock, timing, log } = this.#deps;
    if (this.#done !== null) {
      done(fail('busy', 'A forced promotion is under way'));
      return false;
    }
    this.#done = done;
    log.warn({}, 'an operator forces the promotion of this replica');
    this.#timer = clock.setTimer(millis(STAGES * timing.candidacyMs), () => this.#noMajority());
    return true;
  }

  /** R2 lets it lead: nothing has to be overridden. */
  eligible(): void {
    this.#fail('eligible', `${this.#deps.name} may lead by the rules: nothing has to be given up, and it leads in a moment`);
  }

  /** Its candidacy has ended in vain. */
  failed(why: CandidacyEnd, sawPrimary: boolean): void {
    if (sawPrimary) this.#fail('primary-alive', 'A voter hears a primary; look at "shoal status --cluster" and try again in a second');
    else if (why === 'disk') this.#fail('disk', 'The state of the voter could not be written: see the log');
    else this.#noMajority();
  }

  /** Somebody else leads or has been promised a higher epoch. */
  outrun(): void {
    this.#fail('primary-alive', 'Another replica leads, or stands, in a higher epoch');
  }

  /** Its activation is chosen. */
  leads(activation: Configuration): void {
    if (this.#done === null) return;
    const generation = generationOf(activation);
    this.#deps.log.warn(
      { epoch: activation.e, generation },
      'leads by force: changes that only another replica holds are overridden; it keeps them in quarantine when it returns',
    );
    this.#answer((done) => done(ok({ epoch: activation.e, generation })));
  }

  stop(): void {
    this.#fail('halted', `${this.#deps.name} stops`);
  }

  #noMajority(): void {
    this.#fail('no-majority', 'Too few voters answered: a majority of trackers and witness proxies must run and be reachable');
  }

  #fail(code: ForcePromoteFailure['code'], message: string): void {
    this.#answer((done) => done(fail(code, message)));
  }

  #answer(answer: (done: Answer) => void): void {
    const done = this.#done;
    this.#done = null;
    if (this.#timer !== null) this.#deps.clock.clearTimer(this.#timer);
    this.#timer = null;
    if (done !== null) answer(done);
  }
}
