/**
 * How much of the machines a run has been through, with a denominator: every transition that exists, read from the same
 * definitions as the diagrams.
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { diagrams } from '../../scripts/diagram-sources.ts';
import type { Coverage } from '../run/outcome.ts';
import type { Observer } from '../world/observer.ts';
import type { RunView } from './checker.ts';
import { Marks } from './marks.ts';

const keyOf = (machine: string, from: string, event: string, to: string): string => `${machine}: ${from} ${event} ${to}`;

/** XState's names for what is no message: `after DELAY` without the state's own name, `always`. */
const eventName = (machine: string, event: string): string => {
  if (event === '') return 'always';
  if (!event.startsWith('xstate.after.')) return event;
  const rest = event.slice('xstate.after.'.length);
  const end = rest.lastIndexOf(`.${machine}`);
  return `after ${end < 0 ? rest : rest.slice(0, end)}`;
};

/** The state that a machine is in when it enters this one. */
const entered = (node: AnyStateNode): AnyStateNode => {
  const initial = node.initial?.target?.[0];
  return initial === undefined ? node : entered(initial);
};

const nameOf = (node: AnyStateNode): string => node.path.join('.');

const leaves = (node: AnyStateNode): AnyStateNode[] => {
  const inner = Object.values(node.states);
  return inner.length === 0 ? [node] : inner.flatMap(leaves);
};

/** What may happen in a state that has none inside: its own transitions, and those of the states around it that it does not take itself. */
const transitionsIn = (machine: string, leaf: AnyStateNode): string[] => {
  const keys: string[] = [];
  const taken = new Set<string>();
  for (let node: AnyStateNode | undefined = leaf; node !== undefined; node = node.parent) {
    const here = [...node.transitions.entries()].filter(([event]) => !taken.has(event));
    const always = (node.always ?? []).map((transition) => ['', [transition]] as const);
    for (const [event, candidates] of [...here, ...always]) {
      for (const { target, actions } of candidates) {
        // Neither a target nor an action: the state only keeps the event from the states around it.
        if (target === undefined && actions.length === 0) continue;
        const to = target?.[0] === undefined ? leaf : entered(target[0]);
        keys.push(keyOf(machine, nameOf(leaf), eventName(machine, event), nameOf(to)));
      }
      if (candidates.some(({ guard }) => guard === undefined)) taken.add(event);
    }
  }
  return keys;
};

/** Left again before anybody can tell an event: what a machine begins with, to choose its first state. */
const isPassedThrough = (leaf: AnyStateNode): boolean => (leaf.always ?? []).some(({ guard }) => guard === undefined);

const ofMachine = (machine: AnyStateMachine): string[] =>
  leaves(machine.root)
    .filter((leaf) => !isPassedThrough(leaf))
    .flatMap((leaf) => transitionsIn(machine.id, leaf));

const ofTable = (machine: string, table: Readonly<Record<string, Readonly<Record<string, string>>>>): string[] =>
  Object.entries(table).flatMap(([from, events]) => Object.entries(events).map(([event, to]) => keyOf(machine, from, event, to)));

/** Every transition of every machine that there is, as `machine: from event to`. */
export const allTransitions: readonly string[] = [
  ...new Set(diagrams.flatMap(({ file, source }) => ('machine' in source ? ofMachine(source.machine) : ofTable(file, source.table)))),
];

/** Counts, from the first fault of a run on, the transitions that its machines take, and all along the marks that it reaches. */
export class CoverageCollector {
  /** For the world. */
  readonly observer: Observer;
  readonly #transitions = new Map<string, number>();
  readonly #marks: Marks;

  constructor(run: RunView, underFaults: () => boolean) {
    this.#marks = new Marks(run);
    const { observer } = this.#marks;
    this.observer = {
      ...observer,
      transition: (process, machine, from, event, to) => {
        observer.transition?.(process, machine, from, event, to);
        if (!underFaults()) return;
        const key = keyOf(machine, from, eventName(machine, event), to);
        this.#transitions.set(key, (this.#transitions.get(key) ?? 0) + 1);
      },
    };
  }

  coverage(): Coverage {
    return { transitions: this.#transitions, marks: this.#marks.counts };
  }
}
