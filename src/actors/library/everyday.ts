/** The everyday side of a library: turns, limits, goals, and what follows a finished download; it calls nobody by itself. */
import type { NodeConfig } from '../../config/types.ts';
import type { RateGate } from '../../data/rate-gate.ts';
import type { Ports } from '../../ports/ports.ts';
import { joinPath } from '../transfer/placement.ts';
import type { TransferPlan, TransferSetting } from '../transfer/setting.ts';
import type { Transfer } from '../transfer/transfer.ts';
import { Completions } from './completions.ts';
import { GoalWatch } from './goal-watch.ts';
import type { Holdings } from './holdings.ts';
import { SpeedLimits } from './speed-limits.ts';
import { Turns } from './turns.ts';

export type EverydayConfig = Pick<NodeConfig, 'downloadFolder' | 'completedFolder' | 'limits' | 'seeding' | 'schedule' | 'onComplete'>;

export interface EverydaySettings {
  readonly ports: Ports;
  readonly config: EverydayConfig;
  readonly holdings: Holdings;
  /** Absolute; what is set at run time is kept there. */
  readonly folder: string;
  readonly gates: { readonly up: RateGate; readonly down: RateGate };
}

export class Everyday {
  readonly turns: Turns;
  readonly speed: SpeedLimits;
  readonly #goals: GoalWatch;
  readonly #completions: Completions;
  readonly #config: EverydayConfig;

  constructor({ config, folder, gates, holdings, ports }: EverydaySettings) {
    const { activeSeedsMax, activeTransfersMax } = config.limits;
    this.#config = config;
    this.turns = new Turns(ports.clock, { download: activeTransfersMax, seed: activeSeedsMax }, holdings.transfers);
    this.speed = new SpeedLimits(ports, joinPath(folder, 'limits.json'), gates, config);
    this.#goals = new GoalWatch(ports.clock, () => holdings.transfers.values());
    this.#completions = new Completions(ports, config);
  }

  /** What transfers are told of it. */
  get setting(): Pick<TransferSetting, 'seeding' | 'queue' | 'maySeed' | 'completed'> {
    return {
      seeding: this.#config.seeding,
      queue: (transfer) => this.turns.enqueue(transfer),
      maySeed: (transfer) => this.turns.maySeed(transfer),
      completed: (transfer) => this.#completions.completed(transfer),
    };
  }

  /** Before any transfer begins. */
  start(plans: readonly TransferPlan[], done: () => void): void {
    this.turns.settle(plans);
    this.speed.start(done);
  }

  begun(transfer: Transfer): void {
    this.turns.place(transfer);
  }

  phaseChanged(transfer: Transfer): void {
    this.turns.grant();
    this.#goals.changed(transfer);
  }

  stop(): void {
    this.turns.stop();
    this.#goals.stop();
    this.speed.stop();
  }
}
