import type { Observer } from '../world/observer.ts';
import type { RunView } from './checker.ts';
export class Marks {
  readonly counts = new Map<string, number>();
  readonly observer: Observer = {};
  constructor(_run: RunView) {}
}

/** The names of all marks there are: what a batch of runs should have reached. */
export const allMarks: readonly string[] = [];
