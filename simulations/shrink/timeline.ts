/** A plan's faults and operations as one list in the order of time: what is taken away, moved and made simpler. */
import type { Fault, Operation, Plan } from '../plan/types.ts';

export type Item = { readonly is: 'fault'; readonly of: Fault } | { readonly is: 'operation'; readonly of: Operation };

/** Faults before operations of the same millisecond; each in the order of the plan. */
export const itemsOf = (plan: Plan): readonly Item[] =>
  [...plan.faults.map((of): Item => ({ is: 'fault', of })), ...plan.operations.map((of): Item => ({ is: 'operation', of }))].sort(
    (a, b) => a.of.atMs - b.of.atMs,
  );

export const withItems = (plan: Plan, items: readonly Item[]): Plan => {
  const faults: Fault[] = [];
  const operations: Operation[] = [];
  for (const item of items) {
    if (item.is === 'fault') faults.push(item.of);
    else operations.push(item.of);
  }
  const inTime = (a: { readonly atMs: number }, b: { readonly atMs: number }): number => a.atMs - b.atMs;
  return { ...plan, faults: faults.sort(inTime), operations: operations.sort(inTime) };
};

/** When the last item is over: an operation at once. */
export const endOf = (items: readonly Item[]): number =>
  Math.max(0, ...items.map((item) => item.of.atMs + ('forMs' in item.of ? item.of.forMs : 0)));

/** Moves every item from `index` on so much earlier. */
export const pulledBack = (items: readonly Item[], index: number, byMs: number): readonly Item[] =>
  items.map((item, at) => (at < index ? item : movedTo(item, item.of.atMs - byMs)));

export const movedTo = (item: Item, atMs: number): Item =>
  item.is === 'fault' ? { is: 'fault', of: { ...item.of, atMs } } : { is: 'operation', of: { ...item.of, atMs } };
