import { clockContract } from '../../src/ports/clock.contract.ts';
import { cryptoContract } from '../../src/ports/crypto.contract.ts';
import { bankTransactions, databaseContract } from '../../src/ports/database.contract.ts';
import { diskContract } from '../../src/ports/disk.contract.ts';
import { randomContract } from '../../src/ports/random.contract.ts';
import { simulatedHarness } from './harness.contract.ts';
import { World } from './index.ts';

for (const [name, clock] of [
  ['simulated', {}],
  ['simulated, fast', { rate: 1.01, wallSkewMs: 90_000 }],
  ['simulated, slow', { rate: 0.97 }],
] as const) {
  clockContract(name, () => {
    const harness = simulatedHarness({ clock });
    return { ...harness, clock: harness.incarnation.ports.clock };
  });
}

randomContract('simulated', (seed) => new World({ seed }).process('subject').start().ports.random);

diskContract('simulated', () => {
  const harness = simulatedHarness();
  harness.incarnation.process.disk.makeFolder('/data/root');
  return { ...harness, disk: harness.incarnation.ports.disk, root: '/data/root' };
});

databaseContract('simulated', () => {
  const harness = simulatedHarness();
  return { ...harness, database: harness.incarnation.database('bank', bankTransactions) };
});

cryptoContract('simulated', () => {
  const harness = simulatedHarness({ crypto: { passwordsUnderWayMax: 2, passwordQueueMax: 6 } });
  return { ...harness, crypto: harness.incarnation.ports.crypto, passwordsMax: 8 };
});
