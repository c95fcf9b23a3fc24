/** Runs a plan: chaos, then calm, then the end, with everything real out of reach and every checker watching. */
import { type Checker, type MakeChecker, type RunView, Violation } from '../check/checker.ts';
import { CoverageCollector } from '../check/coverage.ts';
import { allCheckers } from '../check/index.ts';
import { Broken, Cluster } from '../cluster.ts';
import { ADMIN_CODE, nodeNames, sharedPath } from '../plan/names.ts';
import { probesOf } from '../plan/probes.ts';
import type { Operation, Plan } from '../plan/types.ts';
import { contentOf } from '../scenarios/scenario.ts';
import { Faults } from '../world/faults.ts';
import { betweenTripwires, ProcessFault, Restless, TripwireError, World } from '../world/index.ts';
import type { Observer } from '../world/observer.ts';
import { Clients } from './clients.ts';
import { Leftover, stopAll } from './ending.ts';
import { GuestTraffic } from './guests.ts';
import type { Failure, RunOutcome } from './outcome.ts';
import type { RunningRole } from './people.ts';
import { Workload } from './workload.ts';

export interface RunOptions {
  /** Default: all there are. */
  readonly checkers?: readonly MakeChecker[];
  /** Made for each run, beside the checkers: recorders. */
  readonly observers?: readonly ((view: RunView) => Observer)[];
  /** Sees the world before anything happens in it: traces. */
  readonly prepare?: (world: World) => void;
  /** Events of the whole run; more are a world that does not come to rest. */
  readonly eventsMax?: number;
}

const EVENTS_MAX = 20_000_000;

/**
 * Runs a plan to its end or to the first thing that breaks, in this process, synchronously. The same plan gives the same
 * outcome on every machine, whatever the observers are.
 */
export const runPlan = (plan: Plan, options: RunOptions = {}): RunOutcome => {
  const world = new World({ seed: plan.seed });
  const run = new Run(world, plan, options);
  let failure: Failure | null = null;
  try {
    betweenTripwires(world, () => run.toTheEnd());
  } catch (error) {
    failure = { ...named(error), atMs: run.planMs() };
  }
  return run.outcome(failure);
};

class Run {
  readonly #world: World;
  #plan: Plan;
  readonly #cluster: Cluster;
  readonly #faults: Faults;
  readonly #workload: Workload;
  readonly #guests: GuestTraffic;
  readonly #checkers: readonly Checker[];
  readonly #coverage: CoverageCollector;
  readonly #eventsMax: number;
  #phase: RunView['phase'] = 'starting';
  /** When the cluster was up: time 0 of the plan. */
  #begun = 0;
  /** When the calm was over; null before. */
  #livedMicros: number | null = null;

  constructor(world: World, plan: Plan, options: RunOptions) {
    this.#world = world;
    this.#plan = { ...plan, operations: [...plan.operations, ...probesOf(plan)] };
    this.#eventsMax = options.eventsMax ?? EVENTS_MAX;
    options.prepare?.(world);
    const { cluster } = plan;
    const open = (cluster.guests ?? 0) > 0 ? { passkeys: 'open' as const } : {};
    this.#cluster = new Cluster(world, { ...cluster, ...open, adminCode: ADMIN_CODE });
    this.#guests = new GuestTraffic(world, this.#cluster);
    this.#faults = new Faults(this.#cluster, plan);
    const reach = (name: string) => this.#cluster.reach(name);
    this.#workload = new Workload(world, reach, new Clients(world, this.#cluster.network, this.#cluster.secrets, plan.seed));
    const view = this.#view();
    this.#checkers = (options.checkers ?? allCheckers).map((make) => make(view));
    this.#coverage = new CoverageCollector(view, () => this.#faults.happened > 0);
    for (const observer of [...this.#checkers, this.#coverage.observer, ...(options.observers ?? []).map((make) => make(view))])
      world.observe(observer);
  }

  toTheEnd(): void {
    const { chaosMs, calmMs, core } = this.#plan;
    this.#prepareFiles();
    this.#cluster.startAll();
    this.#begun = this.#world.now();
    this.#phase = 'chaos';
    this.#faults.schedule(this.#begun);
    this.#workload.schedule(this.#plan.operations, this.#begun);
    this.#guests.schedule(this.#begun, (chaosMs + calmMs) * 1_000);
    this.#goOn(chaosMs);
    if (calmMs > 0) {
      // The core that was healed may be larger: whoever the planned one cannot lead without is in it.
      this.#plan = { ...this.#plan, core: this.#faults.heal(core) };
      this.#phase = 'calm';
      this.#goOn(chaosMs + calmMs);
      this.#workload.close();
      this.#livedMicros = this.#world.now();
      this.#faults.wake();
      stopAll(this.#world, this.#running(), this.#eventsMax);
    }
    this.#phase = 'over';
    for (const checker of this.#checkers) checker.end?.();
  }

  outcome(failure: Failure | null): RunOutcome {
    const { events, virtualMicros: nowMicros, traceHash } = this.#world.report();
    const virtualMicros = this.#livedMicros ?? nowMicros;
    const { asked, succeeded } = this.#workload.counts;
    const coverage = this.#coverage.coverage();
    return {
      failure,
      events,
      virtualMicros,
      begunMicros: this.#begun,
      traceHash,
      faults: this.#faults.happened,
      operations: asked,
      succeeded,
      coverage,
    };
  }

  /** Milliseconds of the plan's time; before the cluster is up they are below 0. */
  planMs(): number {
    return (this.#world.now() - this.#begun) / 1_000;
  }

  #goOn(untilMs: number): void {
    this.#world.run({ until: this.#begun + untilMs * 1_000, eventsMax: this.#eventsMax });
  }

  /** What nodes share lies on their disks before they start. */
  #prepareFiles(): void {
    const written = new Set<string>();
    const isShare = (operation: Operation): operation is Operation & { do: 'share' } => operation.do === 'share';
    const known = new Set(nodeNames(this.#plan.cluster));
    for (const { node, content, bytes } of this.#plan.operations.filter(isShare)) {
      const path = sharedPath(node, content, bytes);
      if (!known.has(node) || written.has(path)) continue;
      written.add(path);
      this.#cluster.write(node, path, contentOf(`content ${content}`, bytes));
    }
  }

  #running(): readonly (RunningRole & { readonly name: string })[] {
    return this.#cluster.processNames.flatMap((name) => {
      const running = this.#cluster.reach(name);
      return running === null ? [] : [{ ...running, name }];
    });
  }

  #view(): RunView {
    const phase = (): RunView['phase'] => this.#phase;
    const plan = (): Plan => this.#plan;
    const cluster = this.#cluster;
    return {
      get plan() {
        return plan();
      },
      now: () => this.#world.now(),
      get phase() {
        return phase();
      },
      running: (process) => cluster.reach(process) !== null,
      status: (process) => cluster.reach(process)?.role.status() ?? null,
      file: (process, path) => cluster.file(process, path),
      query: (process, sql) => cluster.query(process, sql),
    };
  }
}

/** Who or what found it, and its words. */
const named = (error: unknown): Omit<Failure, 'atMs'> => {
  if (error instanceof Violation) return { checker: error.checker, message: error.message };
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof TripwireError) return { checker: 'tripwire', message };
  if (error instanceof Restless || error instanceof Broken) return { checker: 'stuck', message };
  if (error instanceof Leftover) return { checker: 'leftover', message };
  // The first lines of the stack lead a reader to the place; addresses of this machine are not a part of it.
  const cause = error instanceof ProcessFault && error.cause instanceof Error ? error.cause : error;
  const place = cause instanceof Error ? placeOf(cause) : '';
  return { checker: 'crash', message: place === '' ? message : `${message} (${place})` };
};

/** Where in the program an error was thrown: the first place in a file of ours. */
const placeOf = (error: Error): string => /(?:src|simulations)\/[\w./-]+:\d+/u.exec(error.stack ?? '')?.[0] ?? '';
