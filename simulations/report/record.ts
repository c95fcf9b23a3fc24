/** Runs a plan with a recorder and draws its page. */
import type { Plan } from '../plan/types.ts';
import type { RunOutcome } from '../run/outcome.ts';
import { runPlan } from '../run/runner.ts';
import { Recorder } from './recorder.ts';
import { renderRunPage } from './run-page.ts';

export interface PageFacts {
  /** The command that runs the plan again. */
  readonly replay: string;
  readonly commit: string;
}

export const recordPage = (plan: Plan, { replay, commit }: PageFacts): { readonly html: string; readonly outcome: RunOutcome } => {
  const recorders: Recorder[] = [];
  let originMicros = 0;
  const outcome = runPlan(plan, {
    observers: [
      (view) => {
        const recorder = new Recorder(view);
        recorders.push(recorder);
        return recorder;
      },
      // The plan's time begins when the run leaves its first phase.
      (view) => ({
        stepped: () => {
          if (view.phase === 'starting') originMicros = view.now();
        },
      }),
    ],
  });
  const [recorder] = recorders;
  if (recorder === undefined) throw new Error('The run began without its recorder');
  const { failure, traceHash, events } = outcome;
  const html = renderRunPage({ plan, failure, recording: recorder.recording(), originMicros, replay, commit, traceHash, events });
  return { html, outcome };
};
