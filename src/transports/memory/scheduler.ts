import type { Micros } from '../../ports/clock.ts';
import type { Due } from '../../ports/due-heap.ts';

/** The memory network's time: a simulation's virtual clock. */
export interface Scheduler {
  now(): Micros;
  /** Calls `fire` at `time`, not before now; equal times fire in the order of asking. Never calls it at once. */
  at(time: Micros, fire: () => void): Due;
  /** One that has fired or was cancelled may be cancelled again. */
  cancel(due: Due): void;
}
