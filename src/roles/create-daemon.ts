import type { AnyConfig } from '../config/types.ts';
import type { Daemon } from './role.ts';

/** Composes the role that `config` describes over system ports. `api` false leaves a node's HTTP API out. */
export const createDaemon = (config: AnyConfig, options: { readonly api: boolean }): Daemon => {
  throw new Error(`The role ${config.role} is being composed (api: ${options.api})`);
};
