/** Plainer versions of one fault or operation, and rounder numbers. */
import type { Fault, Operation } from '../plan/types.ts';
import { type Item, movedTo } from './timeline.ts';

/** The least of a file that still is one: a piece. */
const BYTES_PLAIN = 16_384;
/** Numbers people can keep in mind: multiples of the largest of these that serves. */
const GRAINS_MS = [10_000, 5_000, 1_000, 500, 100, 50, 10] as const;

/** Each plainer than the item in one way, the plainest first. Empty where nothing is left to leave out. */
export const plainerThan = (item: Item): readonly Item[] =>
  item.is === 'fault'
    ? plainerFaults(item.of).map((of): Item => ({ is: 'fault', of }))
    : plainerOperations(item.of).map((of): Item => ({ is: 'operation', of }));

const plainerFaults = (fault: Fault): Fault[] => {
  const plainer: Fault[] = [];
  switch (fault.kind) {
    case 'power':
    case 'kill': {
      const { id, atMs, forMs, process } = fault;
      if (fault.kind === 'power') plainer.push({ id, atMs, forMs, process, kind: 'kill', afterSteps: 0 });
      if (fault.afterSteps > 0) plainer.push({ ...fault, afterSteps: 0 });
      if (fault.kind === 'power' && fault.torn) plainer.push({ ...fault, torn: false });
      break;
    }
    case 'slowLink':
      if (fault.jitterMs > 0) plainer.push({ ...fault, jitterMs: 0 });
      break;
    case 'breakLinks':
      if (fault.silently) plainer.push({ ...fault, silently: false });
      break;
    case 'cut':
      for (const from of fewer(fault.from)) plainer.push({ ...fault, from });
      for (const to of fewer(fault.to)) plainer.push({ ...fault, to });
      if (fault.bothWays) plainer.push({ ...fault, bothWays: false });
      break;
    case 'forget':
      if (fault.what === 'all') plainer.push({ ...fault, what: 'ledger' }, { ...fault, what: 'voter' });
      break;
    default:
      break;
  }
  return plainer;
};

/** A list with one member, then with one less. */
const fewer = (names: readonly string[]): readonly (readonly string[])[] => {
  if (names.length < 2) return [];
  const singles = names.map((name) => [name]);
  return names.length === 2 ? singles : [...singles, ...names.map((gone) => names.filter((name) => name !== gone))];
};

const plainerOperations = (operation: Operation): Operation[] => {
  switch (operation.do) {
    case 'share':
      return operation.bytes > BYTES_PLAIN ? [{ ...operation, bytes: BYTES_PLAIN }] : [];
    case 'repeat':
      return operation.times > 2 ? [{ ...operation, times: 2 }] : [];
    case 'search':
      return operation.words === '' ? [] : [{ ...operation, words: '' }];
    default:
      return [];
  }
};

/** The same item at a rounder time and (a fault) of a rounder length; the roundest first. */
export const rounder = (item: Item): readonly Item[] => {
  const rounded: Item[] = [];
  for (const grain of GRAINS_MS) {
    const atMs = nearest(item.of.atMs, grain);
    if (atMs !== item.of.atMs && atMs > 0) rounded.push(movedTo(item, atMs));
  }
  return rounded;
};

export const rounderLengths = (item: Item): readonly Item[] => {
  if (item.is !== 'fault' || !('forMs' in item.of)) return [];
  const { of } = item;
  const lengths = GRAINS_MS.map((grain) => nearest(of.forMs, grain)).filter((forMs) => forMs > 0 && forMs !== of.forMs);
  return lengths.map((forMs) => ({ is: 'fault', of: { ...of, forMs } }));
};

const nearest = (value: number, grain: number): number => Math.round(value / grain) * grain;
