/** How a change is kept, in words, and the option that demands that both trackers keep it. */
import type { Demand, Kept } from '../protocol/api.ts';

const words: Readonly<Record<Kept['durability'], string>> = {
  replicated: ' (kept on both trackers)',
  local: ' (kept on one tracker: the other is down)',
  none: '',
};

/** To stand at the end of a sentence, before its period. */
export const keptWords = ({ durability }: Kept): string => words[durability];

export interface DemandOptions {
  readonly requireReplicated?: boolean;
}

export const requireOption = [
  '--require-replicated',
  'only where both trackers keep the change; else it is refused, with status 75',
] as const;

/** The part of a call's arguments that the option stands for. */
export const demandOf = ({ requireReplicated }: DemandOptions): Demand => (requireReplicated === true ? { require: 'replicated' } : {});
