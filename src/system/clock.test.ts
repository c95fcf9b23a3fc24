import { clockContract } from '../ports/clock.contract.ts';
import { createClock } from './clock.ts';
import { systemHarness } from './harness.contract.ts';

clockContract('system', () => {
  const harness = systemHarness(() => clock.close());
  const clock = createClock(harness.reactor);
  return { ...harness, clock };
});
