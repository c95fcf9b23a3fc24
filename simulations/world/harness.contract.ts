import assert from 'node:assert/strict';
import { seconds } from '../../src/ports/clock.ts';
import type { Harness } from '../../src/ports/harness.contract.ts';
import { type Incarnation, ProcessFault, type ProcessOptions, World } from './index.ts';

const PATIENCE = seconds(60);

/** A process over virtual time: waiting is running the world. */
export const simulatedHarness = (options: ProcessOptions = {}): Harness & { readonly world: World; readonly incarnation: Incarnation } => {
  const world = new World({ seed: 1 });
  const incarnation = world.process('subject', options).start();
  return {
    world,
    incarnation,
    reactor: incarnation.reactor,
    inStep: (body) => incarnation.step(body),
    until: async (happened) => assert.ok(world.runUntil(happened, PATIENCE), 'It did not happen within a virtual minute'),
    faultOf: async (body) => {
      incarnation.step(body);
      try {
        world.runFor(PATIENCE);
      } catch (error) {
        if (error instanceof ProcessFault) return error.message;
        throw error;
      }
      return assert.fail('The process did not fail within a virtual minute');
    },
    close: async () => incarnation.process.kill(),
  };
};
