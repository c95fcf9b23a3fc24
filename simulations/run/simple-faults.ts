import { createRandom } from '../../src/ports/counter-random.ts';
import type { Cluster } from '../cluster.ts';
import type { Fault, Plan } from '../plan/types.ts';

export class Faults {
  readonly #cluster: Cluster;
  readonly #plan: Plan;
  happened = 0;
  #frozen = false;
  readonly #undo = new Map<number, () => void>();

  constructor(cluster: Cluster, plan: Plan) {
    this.#cluster = cluster;
    this.#plan = plan;
    cluster.onEnded = (name) => void this.#restart(name, 1_000);
  }

  schedule(begun: number): void {
    const { world } = this.#cluster;
    for (const fault of this.#plan.faults)
      world.at(begun + fault.atMs * 1_000, () => {
        if (this.#frozen) return;
        const undo = this.#do(fault);
        if (undo === null) return;
        this.happened++;
        if (!('forMs' in fault)) return;
        this.#undo.set(fault.id, undo);
        world.at(begun + (fault.atMs + fault.forMs) * 1_000, () => this.#end(fault.id));
      });
  }

  heal(_core: readonly string[]): void {
    this.#frozen = true;
    for (const id of this.#undo.keys()) this.#end(id);
  }

  #end(id: number): void {
    const undo = this.#undo.get(id);
    this.#undo.delete(id);
    undo?.();
  }

  #restart(name: string, ms: number): void {
    const { world } = this.#cluster;
    world.at(world.now() + ms * 1_000, () => {
      if (!this.#cluster.running(name)) this.#cluster.begin(name, () => {});
    });
  }

  #do(fault: Fault): (() => void) | null {
    const { world } = this.#cluster;
    const host = (name: string) => world.process(name).host;
    if (fault.kind === 'kill') {
      if (!this.#cluster.running(fault.process)) return null;
      this.#cluster.kill(fault.process, createRandom(fault.id));
      return () => this.#cluster.running(fault.process) || this.#cluster.begin(fault.process, () => {});
    }
    if (fault.kind === 'power') {
      if (!this.#cluster.running(fault.process)) return null;
      this.#cluster.cutPower(fault.process, { torn: fault.torn, random: createRandom(fault.id) });
      return () => this.#cluster.running(fault.process) || this.#cluster.begin(fault.process, () => {});
    }
    if (fault.kind === 'pause') return world.process(fault.process).stop();
    if (fault.kind === 'cut') {
      const from = fault.from.map(host);
      const to = fault.to.map(host);
      return fault.bothWays ? world.network.partition(from, to) : world.network.block(from, to);
    }
    return null;
  }
}
