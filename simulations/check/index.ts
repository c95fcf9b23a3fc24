/** Every checker of a run. */
import type { MakeChecker } from './checker.ts';

export const allCheckers: readonly MakeChecker[] = [];
