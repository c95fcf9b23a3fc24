/** The end of a run: everything is stopped politely, and must leave nothing behind. */
import { seconds } from '../../src/ports/clock.ts';
import type { World } from '../world/index.ts';
import type { Incarnation } from '../world/index.ts';
import { act, type RunningRole } from './people.ts';

/** A process that was stopped left something behind, or did not stop. */
export class Leftover extends Error {
  override readonly name = 'Leftover';
}

/** Who is asked to stop has this long. */
const STOP_WITHIN = seconds(30);
/** What is on its way then may still arrive. */
const SETTLE_WITHIN = seconds(30);

/** Stops all that run, at the same time. @throws Leftover */
export const stopAll = (world: World, running: readonly (RunningRole & { readonly name: string })[], eventsMax: number): void => {
  const stopping = new Set(running.map(({ name }) => name));
  for (const { name, role, incarnation } of running) act(incarnation, () => role.stop(() => void stopping.delete(name)));
  world.run({ until: world.now() + STOP_WITHIN, eventsMax });
  if (stopping.size > 0) throw new Leftover(`did not stop within 30 s: ${[...stopping].join(', ')}`);
  world.run({ until: world.now() + SETTLE_WITHIN, eventsMax });
  const left = running.flatMap(({ name, incarnation }) => leftBy(name, incarnation));
  if (left.length > 0) throw new Leftover(left.join('; '));
};

const leftBy = (name: string, { timers, connections }: Incarnation): readonly string[] => {
  const left: string[] = [];
  if (timers > 0) left.push(`${name} stopped and left ${timers} timers`);
  if (connections > 0) left.push(`${name} stopped and left ${connections} connections`);
  return left;
};
