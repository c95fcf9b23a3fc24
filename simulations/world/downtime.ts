/** Processes that are down: for how long, and who starts them again. */
import { type Micros, seconds } from '../../src/ports/clock.ts';
import type { Cluster } from '../cluster.ts';
import type { ProcessName } from '../plan/types.ts';

/** What ends by itself is started again after this, as a service manager does. */
const RESTART_MICROS: Micros = seconds(1);

export class Downtime {
  readonly #cluster: Cluster;
  /** What keeps each process down; it starts again when nothing does. */
  readonly #heldDown = new Map<ProcessName, Set<object>>();
  /** Whoever may still be started: all, until chaos is over. */
  #healed: ReadonlySet<ProcessName> | null = null;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    cluster.onEnded = (name) => this.#keepDown(name, RESTART_MICROS);
  }

  /**
   * Stops a process (`stop` says whether it did) at once, or right after that many of its steps if it runs so long, and
   * starts it again after `micros`.
   */
  stop(name: ProcessName, afterSteps: number, micros: Micros, stop: () => boolean): void {
    const now = (): void => {
      if (stop()) this.#keepDown(name, micros);
    };
    if (afterSteps === 0) now();
    else this.#cluster.reach(name)?.incarnation.afterSteps(afterSteps, now);
  }

  /** Starts those of them that are down, and nobody else from now on. */
  heal(names: ReadonlySet<ProcessName>): void {
    this.#healed = names;
    for (const name of names) {
      this.#heldDown.delete(name);
      if (!this.#cluster.running(name)) this.#cluster.begin(name);
    }
  }

  #keepDown(name: ProcessName, micros: Micros): void {
    const cause = {};
    const causes = this.#heldDown.get(name) ?? new Set();
    this.#heldDown.set(name, causes.add(cause));
    const { world } = this.#cluster;
    world.at(world.now() + micros, () => {
      if (!causes.delete(cause) || causes.size > 0 || this.#heldDown.get(name) !== causes) return;
      this.#heldDown.delete(name);
      if (this.#healed?.has(name) !== false && !this.#cluster.running(name)) this.#cluster.begin(name);
    });
  }
}
