/** Runs a scenario in this process, with everything real out of reach, and says what came of it. */
import type { SimulationReport } from '../src/cli/commands/simulate.ts';
import { Cluster } from './cluster.ts';
import { flashCrowd } from './scenarios/flash-crowd.ts';
import { quickStart } from './scenarios/quick-start.ts';
import type { Scenario } from './scenarios/scenario.ts';
import { trackerDies } from './scenarios/tracker-dies.ts';
import { betweenTripwires, World } from './world/index.ts';

const scenarios: ReadonlyMap<string, Scenario> = new Map([
  ['quick-start', quickStart],
  ['flash-crowd', flashCrowd],
  ['tracker-dies', trackerDies],
]);

export const scenarioNames: readonly string[] = [...scenarios.keys()];

/**
 * `heard` gets each line as the run comes to it. @throws where there is no such scenario. What breaks in a run is a report.
 */
export const runScenario = async (name: string, seed: number, heard: (line: string) => void = () => {}): Promise<SimulationReport> => {
  const scenario = scenarios.get(name);
  if (scenario === undefined) throw new Error(`There is no scenario ${name}`);
  const begun = process.hrtime.bigint();
  const world = new World({ seed });
  const lines: string[] = [];
  let failure: string | null = null;
  const say = (text: string): void => {
    const line = `${(world.now() / 1_000_000).toFixed(3).padStart(9)} s  ${text}`;
    lines.push(line);
    heard(line);
  };
  try {
    betweenTripwires(world, () => scenario.run(new Cluster(world, scenario.cluster), say));
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  const { events, virtualMicros, traceHash } = world.report();
  const realSeconds = Number(process.hrtime.bigint() - begun) / 1e9;
  return { ok: failure === null, lines, events, simulatedSeconds: virtualMicros / 1_000_000, realSeconds, traceHash, failure };
};
