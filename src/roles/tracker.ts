import type { ReplicaConfig } from '../config/types.ts';
import type { Environment } from './container.ts';
import { createReplica } from './replica.ts';
import type { Role } from './role.ts';

/**
 * The main tracker: accounts, catalog, swarms. It is the replica of the highest priority, which shows at a network's first
 * start only; afterwards either of the pair may be primary.
 */
export const createTracker = (environment: Environment, config: ReplicaConfig, ended: (error: Error) => void): Role =>
  createReplica(environment, config, ended);
