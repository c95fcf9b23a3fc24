import type { ReplicaConfig } from '../config/types.ts';
import type { Environment } from './container.ts';
import { createReplica } from './replica.ts';
import type { Role } from './role.ts';

/** The backup tracker: the same replica, which follows the main one and takes over when that fails. */
export const createBackup = (environment: Environment, config: ReplicaConfig, ended: (error: Error) => void): Role =>
  createReplica(environment, config, ended);
