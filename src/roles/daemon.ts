import type { AnyConfig, NodeConfig } from '../config/types.ts';
import { type ApiServer, openApi } from '../gateways/api/server.ts';
import type { ApiCallName, ApiCalls } from '../protocol/api.ts';
import { type Done, fail, ok, type Result } from '../protocol/result.ts';
import { type FolderLock, lockFolder } from '../system/lock.ts';
import { makeFolders } from '../system/make-folders.ts';
import { openLog, type OpenLog } from '../telemetry/log.ts';
import type { Environment } from './container.ts';
import type { Daemon, NodeRole, Role } from './role.ts';
import { systemEnvironment } from './system-environment.ts';
import { version } from '../system/version.ts';

export interface DaemonOptions {
  /** False leaves a node's HTTP API out: a command that runs a node for itself. */
  readonly api: boolean;
  /** Log lines for people on standard error as well; the log file is written in any case. */
  readonly terminal?: boolean;
}

/** Each process loads the program of its own role alone. */
const compose = async (environment: Environment, config: AnyConfig, ended: (error: Error) => void): Promise<Role | NodeRole> => {
  switch (config.role) {
    case 'tracker':
      return (await import('./tracker.ts')).createTracker(environment, config, ended);
    case 'backup':
      return (await import('./backup.ts')).createBackup(environment, config, ended);
    case 'proxy':
      return (await import('./proxy.ts')).createProxy(environment, config);
    case 'node':
      return (await import('./node.ts')).createNode(environment, config);
  }
};

const isNode = (role: Role | NodeRole): role is NodeRole => 'call' in role;

/** A role over system ports. */
class SystemDaemon implements Daemon {
  readonly ended: Promise<Error | null>;
  readonly addresses: Record<string, string> = {};
  readonly #config: AnyConfig;
  readonly #options: DaemonOptions;
  #end: (error: Error | null) => void = () => {};
  #lock: FolderLock | null = null;
  #log: OpenLog | null = null;
  #role: Role | NodeRole | null = null;
  #environment: Environment | null = null;
  #closeEnvironment: () => void = () => {};
  #api: ApiServer | null = null;
  #stopping: Promise<void> | null = null;

  constructor(config: AnyConfig, options: DaemonOptions) {
    this.#config = config;
    this.#options = options;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  async start(): Promise<Result<void>> {
    const started = await this.#start();
    if (!started.ok) {
      this.#log?.log.error({ code: started.error.code, reason: started.error.message }, 'could not start');
      await this.stop();
    }
    return started;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  status(): object {
    return this.#role?.status() ?? {};
  }

  call<K extends ApiCallName>(name: K, args: ApiCalls[K]['args']): Promise<Result<ApiCalls[K]['result']>> {
    return new Promise((resolve) => {
      this.#inStep(name, () => this.#handle(name, args, resolve));
    });
  }

  async #start(): Promise<Result<void>> {
    const config = this.#config;
    try {
      makeFolders(config.dataFolder, 0o700);
    } catch (error) {
      return fail('cannot-create', `The data folder ${config.dataFolder} cannot be made: ${(error as Error).message}.`);
    }
    const lock = lockFolder(config.dataFolder);
    if (!lock.ok) return lock;
    this.#lock = lock.value;
    try {
      const colors = process.stderr.isTTY;
      const terminal = this.#options.terminal === true ? { write: (line: string) => process.stderr.write(line), colors } : null;
      makeFolders(config.log.folder);
      this.#log = openLog(config.role, config.name, config.log, terminal);
    } catch (error) {
      return fail('cannot-create', `The log in ${config.log.folder} cannot be written: ${(error as Error).message}.`);
    }
    const log = this.#log.log;
    const fault = (error: unknown): void => {
      const found = error instanceof Error ? error : new Error(String(error));
      log.error({ err: { message: found.message, stack: found.stack } }, 'a mistake in the program ended the process');
      this.#end(found);
    };
    const { environment, close } = systemEnvironment(
      log,
      'passwordQueueMax' in config.limits ? { passwordQueueMax: config.limits.passwordQueueMax } : {},
      fault,
    );
    this.#environment = environment;
    this.#closeEnvironment = close;
    const role = await compose(environment, config, (error) => this.#end(error));
    this.#role = role;
    log.info({ version, dataFolder: config.dataFolder }, 'starting');
    const failed = this.ended.then((error) =>
      fail('internal', `The ${config.role} could not start: ${error?.message ?? 'it was stopped'}`),
    );
    const started = await Promise.race([failed, new Promise<Result<void>>((resolve) => this.#inStep('start', () => role.start(resolve)))]);
    if (!started.ok) return started;
    Object.assign(this.addresses, (role.status() as { addresses?: Record<string, string> }).addresses);
    if (config.role === 'node' && this.#options.api) {
      const opened = await this.#openApi(config, environment);
      if (!opened.ok) return opened;
    }
    log.info({ addresses: this.addresses }, 'serving');
    return ok(undefined);
  }

  async #openApi(config: NodeConfig, { reactor }: Environment): Promise<Result<void>> {
    const opened = await openApi({
      listen: config.api,
      dataFolder: config.dataFolder,
      version,
      reactor,
      handle: (name, args, done) => this.#handle(name, args, done),
    });
    if (!opened.ok) return opened;
    this.#api = opened.value;
    this.addresses['api'] = `${opened.value.address.host}:${opened.value.address.port}`;
    return ok(undefined);
  }

  #handle<K extends ApiCallName>(name: K, args: ApiCalls[K]['args'], done: Done<ApiCalls[K]['result']>): void {
    const role = this.#role;
    if (role === null || !isNode(role)) return done(fail('unavailable', 'This process is no node.'));
    if (name === 'stop') {
      done(ok({} as ApiCalls[K]['result']));
      return this.#end(null);
    }
    role.call(name, args, done);
  }

  #inStep(kind: string, handle: () => void): void {
    this.#environment?.reactor.step({ port: 'process', id: 0, kind }, handle);
  }

  async #stop(): Promise<void> {
    await this.#api?.close();
    const role = this.#role;
    if (role && this.#environment?.reactor.failed === null)
      await new Promise<void>((resolve) => this.#inStep('stop', () => role.stop(resolve)));
    this.#closeEnvironment();
    this.#log?.log.info({}, 'stopped');
    this.#log?.close();
    this.#lock?.release();
    this.#end(null);
  }
}

/** Composes the role that `config` describes over system ports. Nothing happens before `start`. */
export const createDaemon = (config: AnyConfig, options: DaemonOptions): Daemon => new SystemDaemon(config, options);
