/** All mutants: each must be found by the fuzzer (`npm run mutants`). */
import type { Mutant } from './mutant.ts';
import { livenessMutants, primaryMutants, replicationMutants } from './replication-mutants.ts';
import { dataMutants, leftoverMutants, requestMutants, swarmMutants } from './service-mutants.ts';

export const mutants: readonly Mutant[] = [
  ...replicationMutants,
  ...primaryMutants,
  ...livenessMutants,
  ...requestMutants,
  ...swarmMutants,
  ...dataMutants,
  ...leftoverMutants,
];
