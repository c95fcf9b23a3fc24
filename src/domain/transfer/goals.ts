/** When seeding is over: by how much was given, or by how long, whichever comes first. */
import type { SeedingGoal } from '../../protocol/terms.ts';

/** A goal that is never reached. */
export const FOREVER: SeedingGoal = { ratio: null, seconds: null };

export interface SeedingFacts {
  readonly uploadedBytes: number;
  /** Bytes of the chosen files. */
  readonly size: number;
  /** For how long it was given while it was complete, in seconds. */
  readonly seededSeconds: number;
}

/** Bytes given for each byte of the content; 0 for an empty one, of which nothing can be given. */
export const ratioOf = ({ uploadedBytes, size }: Pick<SeedingFacts, 'uploadedBytes' | 'size'>): number =>
  size === 0 ? 0 : uploadedBytes / size;

export const isForever = ({ ratio, seconds }: SeedingGoal): boolean => ratio === null && seconds === null;

/** Which part of the goal is reached; null while seeding goes on. */
export const reachedGoal = (goal: SeedingGoal, facts: SeedingFacts): 'ratio' | 'time' | null => {
  if (goal.ratio !== null && facts.size > 0 && ratioOf(facts) >= goal.ratio) return 'ratio';
  if (goal.seconds !== null && facts.seededSeconds >= goal.seconds) return 'time';
  return null;
};
