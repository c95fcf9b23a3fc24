import { type Clock, millis, type TimerId } from '../../ports/clock.ts';
import { isForever } from '../../domain/transfer/goals.ts';
import type { Transfer } from '../transfer/transfer.ts';

const LOOK_MS = 2_000;

/** Looks every few seconds whether a seed has reached its goal, while there is one that has a goal. */
export class GoalWatch {
  readonly #clock: Clock;
  readonly #transfers: () => Iterable<Transfer>;
  #timer: TimerId | null = null;

  constructor(clock: Clock, transfers: () => Iterable<Transfer>) {
    this.#clock = clock;
    this.#transfers = transfers;
  }

  /** To be called when a transfer has changed its phase or its goal. */
  changed(transfer: Transfer): void {
    if (this.#timer === null && isWatched(transfer)) this.#later();
  }

  stop(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #later(): void {
    this.#timer = this.#clock.setTimer(millis(LOOK_MS), () => {
      this.#timer = null;
      let watched = false;
      for (const transfer of this.#transfers()) {
        if (!isWatched(transfer)) continue;
        transfer.wishes.checkGoal();
        watched = true;
      }
      if (watched) this.#later();
    });
  }
}

const isWatched = ({ phase, wishes }: Transfer): boolean => phase === 'seeding' && !isForever(wishes.goal);
