/** Reads the files of a process and puts together its effective configuration. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import type { z } from 'zod';
import { fromHex } from '../protocol/digest.ts';
import type { Failure, Result } from '../protocol/result.ts';
import { parseAddress } from './address.ts';
import { everydayConfig } from './node-schema.ts';
import { checkProcessFile, checkShape, formatProblem, parseJson, type Parsed, type Problem } from './parse.ts';
import { type NetworkFile, networkSchema, type ProcessFile, type SecretsFile, secretsSchema } from './schema.ts';
import type { AnyConfig, HostPort, NetworkConfig, Secrets } from './types.ts';

/** Bytes of the largest file that is read as configuration. */
const FILE_BYTES_MAX = 1024 * 1024;

export interface ConfigFailure extends Failure<'config-missing' | 'config-invalid'> {
  readonly problems: readonly Problem[];
}

const shown = (path: string): string => {
  const here = relative('.', path);
  return here === '' || here.startsWith('..') || isAbsolute(here) ? path : here;
};

const read = (path: string): Parsed<unknown> => {
  const file = shown(path);
  try {
    if (statSync(path).size > FILE_BYTES_MAX)
      return { ok: false, problems: [{ file, path: '', message: 'is too large for a configuration file' }] };
    return parseJson(readFileSync(path, 'utf8'), file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT'
        ? 'does not exist'
        : code === 'EACCES'
          ? 'may not be read by this user'
          : code === 'EISDIR'
            ? 'is a folder'
            : `cannot be read (${code})`;
    return { ok: false, problems: [{ file, path: '', message: why }] };
  }
};

const readAs = <S extends z.ZodType>(schema: S, path: string): Parsed<z.infer<S>> => {
  const json = read(path);
  return json.ok ? checkShape(schema, json.value, shown(path)) : json;
};

/** Secrets that others can read are not secret: refused, as ssh does. */
const modeProblems = (path: string): Problem[] => {
  if (process.platform === 'win32') return [];
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
  return (mode & 0o077) === 0
    ? []
    : [{ file: shown(path), path: '', message: `can be read by other users; run: chmod 600 ${shown(path)}` }];
};

const hostPort = (text: string): HostPort => parseAddress(text) ?? { host: text, port: 0 };

const networkConfig = (file: NetworkFile): NetworkConfig => ({
  networkId: file.networkId,
  name: file.name,
  replicas: file.replicas.map(({ name, address }) => ({ name, address: hostPort(address) })),
  proxies: file.proxies.map(({ name, address, announce }) => ({
    name,
    address: hostPort(address),
    ...(announce === undefined ? {} : { announce: hostPort(announce) }),
  })),
  witnesses: file.witnesses,
  registration: file.registration,
  announceIntervalSeconds: file.announceIntervalSeconds,
  aliveSeconds: file.aliveSeconds,
  removeSeconds: file.removeSeconds,
  sessionDays: file.sessionDays,
  announce: file.announce,
  timing: file.timing,
});

const keyBytes = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array();

const secretsOf = (file: SecretsFile, networkId: string): Secrets => ({
  networkKey: { identity: `member:${networkId}`, key: keyBytes(file.networkKey) },
  clusterKey: file.clusterKey === undefined ? null : { identity: `cluster:${networkId}`, key: keyBytes(file.clusterKey) },
  tokenKey: file.tokenKey === undefined ? null : keyBytes(file.tokenKey),
  adminCodeHash: file.adminCodeHash ?? null,
});

/** What no file shows alone. */
const crossCheck = (file: ProcessFile, network: NetworkFile, secrets: SecretsFile, paths: Paths): Problem[] => {
  const problems: Problem[] = [];
  const say = (at: string, path: string, message: string): void => void problems.push({ file: shown(at), path, message });
  if (network.removeSeconds < 2 * network.aliveSeconds)
    say(paths.network, 'removeSeconds', 'must be at least twice aliveSeconds, or healthy nodes are removed');
  const names = [...network.replicas, ...network.proxies].map(({ name }) => name);
  for (const name of new Set(names.filter((each, at) => names.indexOf(each) !== at)))
    say(paths.network, '', `has two processes named "${name}"`);
  if (file.role === 'node') return problems;
  if (network.replicas.length !== 2) say(paths.network, 'replicas', 'must name the tracker and the backup');
  const known = (file.role === 'proxy' ? network.proxies : network.replicas).map(({ name }) => name);
  if (!known.includes(file.name)) say(paths.file, 'name', `must be one of those in ${shown(paths.network)}: ${known.join(', ')}`);
  const gate = network.proxies.find(({ name }) => name === file.name)?.announce;
  if (file.role === 'proxy' && file.announce.listen === null && gate !== undefined)
    say(paths.file, 'announce.listen', `must not be null: ${shown(paths.network)} says that clients announce at ${gate}`);
  if (secrets.clusterKey === undefined) say(paths.secrets, 'clusterKey', `is missing, and a ${file.role} needs it`);
  if (file.role !== 'proxy' && secrets.tokenKey === undefined) say(paths.secrets, 'tokenKey', `is missing, and a ${file.role} needs it`);
  return problems;
};

interface Paths {
  readonly file: string;
  readonly network: string;
  readonly secrets: string;
}

/** What the three files say together. Relative paths are relative to `folder`, which is absolute. */
export const assemble = (file: ProcessFile, network: NetworkFile, secrets: SecretsFile, folder: string): AnyConfig => {
  const common = {
    name: file.name,
    network: networkConfig(network),
    secrets: secretsOf(secrets, network.networkId),
    dataFolder: resolve(folder, file.dataFolder),
    log: { ...file.log, folder: resolve(folder, file.log.folder) },
  };
  if (file.role === 'node') {
    const peer = {
      listen: hostPort(file.peer.listen),
      advertise: file.peer.advertise.map(hostPort),
      bind: file.peer.bind,
      encryption: file.peer.encryption,
    };
    return {
      ...common,
      role: 'node',
      peer,
      api: hostPort(file.api),
      downloadFolder: resolve(folder, file.downloadFolder),
      completedFolder: file.completedFolder === undefined ? null : resolve(folder, file.completedFolder),
      limits: file.limits,
      ...everydayConfig(file, (path) => resolve(folder, path)),
    };
  }
  const listen = hostPort(file.listen);
  if (file.role === 'proxy') {
    const announce = { ...file.announce, listen: file.announce.listen === null ? null : hostPort(file.announce.listen) };
    return { ...common, role: 'proxy', listen, limits: file.limits, spreadMs: file.spreadMs, announce };
  }
  return { ...common, role: file.role, listen, limits: file.limits };
};

const freeze = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const each of Object.values(value)) freeze(each);
  }
  return value;
};

const failure = (path: string, problems: readonly Problem[]): { readonly ok: false; readonly error: ConfigFailure } => {
  const missing = problems.length === 1 && problems[0]?.file === shown(path) && problems[0].message === 'does not exist';
  return {
    ok: false,
    error: { code: missing ? 'config-missing' : 'config-invalid', message: problems.map(formatProblem).join('\n'), problems },
  };
};

/**
 * The effective configuration of the process whose file is at `path`, with its network and its secrets: deeply frozen.
 * Relative paths in a file are relative to the file. A failure has every problem of all three files.
 */
export const loadConfig = (path: string): Result<AnyConfig, ConfigFailure> => {
  const absolute = resolve(path);
  const json = read(absolute);
  if (!json.ok) return failure(absolute, json.problems);
  const file = checkProcessFile(json.value, shown(absolute));
  const folder = dirname(absolute);
  const written = json.value as { network?: unknown; secrets?: unknown };
  const paths: Paths = {
    file: absolute,
    network: resolve(folder, typeof written.network === 'string' ? written.network : 'network.json'),
    secrets: resolve(folder, typeof written.secrets === 'string' ? written.secrets : ''),
  };
  const network = readAs(networkSchema, paths.network);
  const secrets = typeof written.secrets === 'string' ? readAs(secretsSchema, paths.secrets) : null;
  const problems = [file, network, secrets].flatMap((part) => (part === null || part.ok ? [] : part.problems));
  if (secrets?.ok) problems.push(...modeProblems(paths.secrets));
  if (!file.ok || !network.ok || !secrets?.ok) return failure(absolute, problems);
  problems.push(...crossCheck(file.value, network.value, secrets.value, paths));
  if (problems.length > 0) return failure(absolute, problems);
  return { ok: true, value: freeze(assemble(file.value, network.value, secrets.value, folder)) };
};

/** For people: keys are left out. */
export const redacted = (config: AnyConfig): object => ({
  ...config,
  secrets: Object.fromEntries(Object.entries(config.secrets).map(([name, value]) => [name, value === null ? null : '[redacted]'])),
});
