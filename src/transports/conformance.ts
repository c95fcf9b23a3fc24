/** What every stream transport must do, as one suite: TCP, TCP secured, memory. A test calls `transportConformance`. */
import { test } from 'node:test';
import { bench, type Cases, type ConformanceSetup } from './conformance/bench.test-kit.ts';
import { flow, lending } from './conformance/flow.test-kit.ts';
import { lifecycle } from './conformance/lifecycle.test-kit.ts';
import { security } from './conformance/security.test-kit.ts';

export type { ConformanceWorld } from './conformance/bench.test-kit.ts';

const CASE_TIMEOUT_MS = 20_000;

/** Every case, under the transport's name. */
export const transportConformance = (name: string, setup: ConformanceSetup): void => {
  const cases: Cases = { ...lifecycle, ...flow, ...(setup.poisons ? lending : {}) };
  for (const [title, run] of Object.entries({ ...cases, ...(setup.security === undefined ? {} : security(setup.security)) })) {
    test(`${name}: ${title}`, { timeout: CASE_TIMEOUT_MS }, async () => {
      const world = setup.create();
      try {
        await run(bench(world, setup));
      } finally {
        await world.close();
      }
    });
  }
};
