/** The page of a run: what it shows is recorded while it runs. */
import type { RunView } from '../check/checker.ts';
import { probesOf } from '../plan/probes.ts';
import type { Plan } from '../plan/types.ts';
import { Recorder } from '../report/recorder.ts';
import { renderRunPage } from '../report/run-page.ts';
import type { Observer } from '../world/observer.ts';
import type { RunOutcome } from './outcome.ts';
import { commitOfSource } from './replay.ts';

export class PageMaker {
  readonly #plan: Plan;
  #recorder: Recorder | null = null;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  /** To be given to the run. */
  readonly observer = (run: RunView): Observer => (this.#recorder = new Recorder(run));

  /** After the run: the page, which stands for itself. */
  page({ failure, events, traceHash, begunMicros }: RunOutcome, replay: string): string {
    return renderRunPage({
      plan: this.#plan,
      probes: probesOf(this.#plan),
      failure,
      recording: this.#recorder?.recording() ?? { events: [], states: [], lost: [], total: 0 },
      originMicros: begunMicros,
      replay,
      commit: commitOfSource(),
      traceHash,
      events,
    });
  }
}
