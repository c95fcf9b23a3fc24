/** How a command finds the trackers of a network: by the file of one of their processes, or through a node. */
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadConfig } from '../config/load.ts';
import type { NodeConfig, ProxyConfig, ReplicaConfig } from '../config/types.ts';
import type { Operator } from '../roles/operator.ts';
import type { Context } from './command.ts';
import { give, stopWith } from './exit.ts';
import { findNodeConfig } from './node-access.ts';

/** Files of processes that have the cluster key. The tracker's first: all of them lead to the same place. */
const SERVER_FILES = ['tracker.json', 'backup.json', 'proxy.json'] as const;
/** Where `shoal up` keeps its network. */
const LOCAL_NETWORK = join('.shoal', 'network');

const serverFileIn = (folder: string): string | null =>
  SERVER_FILES.map((file) => join(folder, file)).find((path) => existsSync(path)) ?? null;

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** `--config`, else `$SHOAL_CONFIG`: a file, or a folder with files of servers in it; null where neither is given. */
const namedFile = (context: Context): string | null => {
  const named = context.configFile ?? context.env['SHOAL_CONFIG'] ?? '';
  if (named === '') return null;
  const path = resolve(named);
  if (!isFolder(path)) return path;
  return serverFileIn(path) ?? stopWith('config-missing', `${path} has none of ${SERVER_FILES.join(', ')}.`);
};

export type ServerConfig = ReplicaConfig | ProxyConfig;

/** The file of a server, if there is one here; what else there may be is the node's. */
const findFile = (context: Context): string | null =>
  namedFile(context) ?? serverFileIn(resolve('.')) ?? serverFileIn(resolve(LOCAL_NETWORK));

/** Of a tracker, backup or proxy where there is one, else of the node. */
export const clusterConfig = (context: Context): ServerConfig | NodeConfig =>
  give(loadConfig(findFile(context) ?? findNodeConfig(context)));

/** For what a node cannot do: orders need the cluster key. */
export const serverConfig = (context: Context): { readonly path: string; readonly config: ServerConfig } => {
  const path = findFile(context);
  if (path === null)
    return stopWith(
      'config-missing',
      `There is no ${SERVER_FILES.join(', no ')} here. Name the file of a tracker, backup or proxy, or their folder, with --config.`,
    );
  const config = give(loadConfig(path));
  return config.role === 'node'
    ? stopWith('config-invalid', `${path} is the configuration of a node; this command needs that of a tracker, backup or proxy.`)
    : { path, config };
};

/** Runs `use` with an operator's links. */
export const withOperator = async <T>(config: ServerConfig, use: (operator: Operator) => Promise<T>): Promise<T> => {
  const { openOperator } = await import('../roles/operator.ts');
  const operator = openOperator(config);
  try {
    return await use(operator);
  } finally {
    operator.close();
  }
};
