import type { Observer } from '../world/observer.ts';
import type { RunView } from './checker.ts';
export class Marks {
  readonly counts = new Map<string, number>();
  readonly observer: Observer = {};
  constructor(_run: RunView) {}
}
