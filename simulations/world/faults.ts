/** Makes the faults of a plan happen to a cluster, and takes them back. */
import { createRandom } from '../../src/ports/counter-random.ts';
import { millis, seconds } from '../../src/ports/clock.ts';
import type { Random } from '../../src/ports/random.ts';
import type { Cluster } from '../cluster.ts';
import type { Fault, Plan, ProcessName } from '../plan/types.ts';
import { Conditions } from './conditions.ts';
import { Downtime } from './downtime.ts';
import { mayForget, rotFile, withoutWhom } from './losses.ts';

/** One part of a fault that can be taken back by itself. */
export interface Effect {
  /** The processes that it is between or about: healed when all of them are. */
  readonly on: readonly ProcessName[];
  undo(): void;
}

interface Active {
  readonly kind: Fault['kind'];
  effects: Effect[];
}

/** A core that cannot lead yet, because of what was under way when it was healed, is looked at again. */
const LOOK_AGAIN_MICROS = seconds(2);

/** The faults of one run. From then on, whatever ends by itself is started again (see `Downtime`). */
export class Faults {
  readonly #cluster: Cluster;
  readonly #faults: readonly Fault[];
  readonly #random: Random;
  readonly #conditions: Conditions;
  readonly #downtime: Downtime;
  readonly #active = new Set<Active>();
  #happened = 0;
  #over = false;

  constructor(cluster: Cluster, plan: Pick<Plan, 'faults' | 'seed'>) {
    this.#cluster = cluster;
    this.#faults = plan.faults;
    this.#random = createRandom(plan.seed).fork('faults');
    this.#conditions = new Conditions(cluster);
    this.#downtime = new Downtime(cluster);
  }

  /** How many took place: some find nothing to break. */
  get happened(): number {
    return this.#happened;
  }

  /** Each begins at its time, and is taken back at its. `begun` is time 0 of the plan, in virtual microseconds. */
  schedule(begun: number): void {
    for (const fault of this.#faults) this.#cluster.world.at(begun + millis(fault.atMs), () => this.begin(fault));
  }

  /** Begins now. */
  begin(fault: Fault): void {
    if (this.#over) return;
    // By its number: without this fault, the chances of the others stay what they are.
    const random = this.#random.fork(`fault ${fault.id}`);
    switch (fault.kind) {
      case 'kill':
        return this.#stop(fault, fault.afterSteps, () => this.#cluster.kill(fault.process, random));
      case 'power':
        return this.#stop(fault, fault.afterSteps, () => this.#cluster.cutPower(fault.process, { torn: fault.torn, random }));
      case 'forget':
        if (!mayForget(this.#cluster, fault.process, fault.what)) return;
        return this.#stop(fault, 0, () => {
          this.#cluster.kill(fault.process, random, 'forget');
          this.#cluster.forget(fault.process, fault.what);
        });
      case 'breakLinks':
        this.#count(this.#conditions.breakLinks(fault) > 0);
        return;
      case 'wallJump':
        this.#conditions.jumpWall(fault);
        return this.#count(true);
      case 'bitRot':
        return this.#count(rotFile(this.#cluster, fault.process, random));
      default: {
        const effects = this.#conditions.begin(fault, random);
        this.#count(effects.length > 0);
        this.#last({ kind: fault.kind, effects: [...effects] }, fault.forMs);
      }
    }
  }

  /**
   * Chaos is over: whatever is between processes of the core, or is about one of them, is taken back, and those that are
   * down start again. Everything else stays as it is for good. Where the core could not lead for what it has lost or never
   * had (R2, R9), whoever has that is taken into it; the answer is the core that was healed.
   */
  heal(core: readonly ProcessName[]): readonly ProcessName[] {
    this.#over = true;
    const healed = this.#heal(core);
    this.#cluster.world.at(this.#cluster.world.now() + LOOK_AGAIN_MICROS, () => this.#heal(healed));
    return healed;
  }

  /** Whoever still stands still goes on: the run is over, and nobody can be asked to stop who does not listen. */
  wake(): void {
    for (const { kind, effects } of this.#active) if (kind === 'pause') for (const { undo } of effects) undo();
  }

  #heal(core: readonly ProcessName[]): readonly ProcessName[] {
    const healed = [...core, ...withoutWhom(this.#cluster, core)];
    const inside = new Set(healed);
    for (const active of this.#active) {
      const undone = active.effects.filter(({ on }) => on.every((name) => inside.has(name)));
      active.effects = active.effects.filter((effect) => !undone.includes(effect));
      for (const effect of undone) effect.undo();
    }
    this.#downtime.heal(inside);
    return healed;
  }

  #stop(fault: Fault & { readonly process: ProcessName; readonly forMs: number }, afterSteps: number, stop: () => void): void {
    this.#downtime.stop(fault.process, afterSteps, millis(fault.forMs), () => {
      if (this.#over) return false;
      this.#count(this.#cluster.running(fault.process));
      stop();
      return true;
    });
  }

  #last(active: Active, forMs: number): void {
    if (active.effects.length === 0) return;
    this.#active.add(active);
    this.#cluster.world.at(this.#cluster.world.now() + millis(forMs), () => {
      if (this.#over) return;
      this.#active.delete(active);
      for (const effect of active.effects) effect.undo();
    });
  }

  #count(happened: boolean): void {
    if (happened) this.#happened++;
  }
}
