/** How a command finds its node: the configuration, and the daemon that runs on it or one inside the command. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { loadConfig } from '../config/load.ts';
import type { NodeConfig } from '../config/types.ts';
import { ApiClient } from '../gateways/api/client.ts';
import type { ApiCallName, ApiCalls } from '../protocol/api.ts';
import { fail, type Result } from '../protocol/result.ts';
import type { Context } from './command.ts';
import { give, stopWith } from './exit.ts';
import { asTyped, commandLine } from './hints.ts';

/** Asks a node, wherever it runs. */
export interface NodeAccess {
  call<K extends ApiCallName>(call: K, args: ApiCalls[K]['args']): Promise<Result<ApiCalls[K]['result']>>;
  close(): Promise<void>;
}

/** Where `shoal join` puts a node without `--dir`. */
export const userConfigFolder = (env: Context['env']): string => join(env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'shoal');

/** `--config`, else `$SHOAL_CONFIG`, else `./node.json`, else the user's. */
export const findNodeConfig = (context: Context): string => {
  const named = context.configFile ?? context.env['SHOAL_CONFIG'];
  if (named !== undefined && named !== null && named !== '') return resolve(named);
  const usual = [resolve('node.json'), join(userConfigFolder(context.env), 'node.json')];
  return (
    usual.find((path) => existsSync(path)) ??
    stopWith(
      'config-missing',
      `No node is set up: there is no ${usual.join(' and no ')}. Set one up with "${commandLine(context, 'join', ['CODE'])}", or name its file with --config.`,
    )
  );
};

export const loadNodeConfig = (context: Context): NodeConfig => {
  const path = findNodeConfig(context);
  const config = give(loadConfig(path));
  return config.role === 'node'
    ? config
    : stopWith('config-invalid', `${path} is the configuration of a ${config.role}; this command needs a node's.`);
};

/** What a node says of commands is what this user would type. */
const typed = <T>(context: Context, result: Result<T>): Result<T> =>
  result.ok ? result : fail(result.error.code, asTyped(context, result.error.message));

/** The node daemon that runs on the configuration; ends the command with status 69 where none does. */
export const runningNode = (context: Context): NodeAccess => {
  const client = give(typed(context, ApiClient.open(loadNodeConfig(context).dataFolder)));
  return {
    call: async (call, args) => typed(context, await client.call(call, args)),
    close: async () => client.close(),
  };
};

/** Runs `use` with the node daemon. */
export const withNode = async <T>(context: Context, use: (node: NodeAccess) => Promise<T>): Promise<T> => {
  const node = runningNode(context);
  try {
    return await use(node);
  } finally {
    await node.close();
  }
};

/** Asks the node daemon one thing. */
export const askNode = <K extends ApiCallName>(context: Context, call: K, args: ApiCalls[K]['args']): Promise<ApiCalls[K]['result']> =>
  withNode(context, async (node) => give(await node.call(call, args)));

export interface OwnableNode extends NodeAccess {
  /** Whether the node runs inside this command, and ends with it. */
  readonly own: boolean;
}

/** The node daemon where one runs; else a node inside this command, on the same data. */
export const runningOrOwnNode = async (context: Context): Promise<OwnableNode> => {
  const config = loadNodeConfig(context);
  const client = ApiClient.open(config.dataFolder);
  if (client.ok) {
    const { value } = client;
    const alive = await value.call('status', {});
    if (alive.ok || alive.error.code !== 'no-node')
      return { own: false, call: async (call, args) => typed(context, await value.call(call, args)), close: async () => value.close() };
    value.close();
  }
  const { createDaemon } = await import('../roles/daemon.ts');
  const daemon = createDaemon(config, { api: true });
  give(typed(context, await daemon.start()));
  return { own: true, call: async (call, args) => typed(context, await daemon.call(call, args)), close: () => daemon.stop() };
};
