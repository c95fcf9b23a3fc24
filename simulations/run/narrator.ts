/** Tells a person what happens in a run of a plan, a line at a time. */
import type { RunView } from '../check/checker.ts';
import type { Fault } from '../plan/types.ts';
import { describeFault } from '../report/describe.ts';
import type { Observer } from '../world/observer.ts';

/** An observer that says the faults, who leads, who comes and goes. */
export const narrator =
  (say: (planMs: number, line: string) => void) =>
  (run: RunView): Observer => {
    let begun: number | null = null;
    let next = 0;
    const planMs = (): number => (begun === null ? 0 : (run.now() - begun) / 1_000);
    /** Faults have no event of their own that observers see: those whose time has come are said before the next thing. */
    const tell = (line: string): void => {
      sayFaults();
      say(planMs(), line);
    };
    const sayFaults = (): void => {
      if (begun === null) {
        if (run.phase === 'starting') return;
        begun = run.now();
      }
      const { faults } = run.plan;
      for (; next < faults.length; next++) {
        const fault = faults[next] as Fault;
        if (fault.atMs > planMs()) return;
        // Processes that stop say so themselves, also where the fault came at a later step.
        if (fault.kind !== 'kill' && fault.kind !== 'power' && fault.kind !== 'forget') say(fault.atMs, describeFault(fault));
      }
    };
    return {
      started: (process, incarnation) => {
        if (run.phase !== 'starting' && incarnation > 1) tell(`${process} starts again (${incarnation})`);
      },
      stopped: (process, how) => {
        const words = { kill: 'is killed', power: 'loses its power', forget: 'is killed and loses state', ended: 'ends by itself' };
        tell(`${process} ${words[how]}`);
      },
      transition: (process, machine, from, _event, to) => {
        if (machine !== 'replica') return;
        const now = to.startsWith('primary');
        if (now && !from.startsWith('primary')) tell(`${process} leads`);
        if (!now && from.startsWith('primary')) tell(`${process} leads no more (${to})`);
      },
      stepped: sayFaults,
    };
  };
