/** The files of a new network, and of a node that joins one. Pure: secrets come in, texts go out. */
import type { z } from 'zod';
import { formatAddress, isLoopback } from './address.ts';
import { encodeJoinCode, type JoinCode } from './join-code.ts';
import { jsonSchema, type NetworkFile, networkSchema, processSchemas, secretsSchema } from './schema.ts';
import type { Registration } from './types.ts';
import { votersOf } from './voters.ts';

export interface NewFile {
  /** Relative to the folder that is set up. */
  readonly path: string;
  readonly text: string;
  /** Readable by its user alone. */
  readonly secret: boolean;
}

export interface NetworkPlan {
  readonly name: string;
  readonly registration: Registration;
  readonly tracker: { readonly host: string; readonly port: number };
  readonly backup: { readonly host: string; readonly port: number };
  /** In the order in which nodes try them; 1 to 16. `announcePort`: of the gate for clients of other makes; left out: it has none. */
  readonly proxies: readonly { readonly host: string; readonly port: number; readonly announcePort?: number }[];
  /** Who may announce there. Default: those with a passkey. */
  readonly passkeys?: NetworkFile['announce']['passkeys'];
  /** So many of them vote; not more than there are. */
  readonly witnesses: NetworkFile['witnesses'];
  readonly nodes: readonly string[];
  /** For the limits of the nodes: bytes a second, 0 for none. */
  readonly rate: number;
  /** Other settings that all processes share, for `network.json`. */
  readonly timing: Partial<Pick<NetworkFile, 'announceIntervalSeconds' | 'aliveSeconds' | 'removeSeconds'>>;
}

/** Hexadecimal digits from a secure source. */
export interface FreshSecrets {
  readonly networkId: string;
  readonly networkKey: string;
  readonly clusterKey: string;
  readonly tokenKey: string;
  /** SHA-256 of the one-time code for the first administrator. */
  readonly adminCodeHash: string;
}

const json = (path: string, value: object, secret = false): NewFile => ({ path, text: `${JSON.stringify(value, null, 2)}\n`, secret });

const schemaFile = (name: string, schema: z.ZodType): NewFile => json(`schema/${name}.json`, jsonSchema(schema));

/** Where a process listens that others reach at `host`: everywhere, unless that is this machine alone. */
const listenAt = ({ host, port }: { host: string; port: number }): string =>
  formatAddress({ host: isLoopback(host) ? host : host.includes(':') ? '::' : '0.0.0.0', port });

const processFile = (role: keyof typeof processSchemas, name: string, secrets: string, rest: object): NewFile =>
  json(`${role === 'node' || role === 'proxy' ? name : role}.json`, {
    $schema: `./schema/${role}.json`,
    role,
    name,
    network: 'network.json',
    secrets: `secrets/${secrets}.json`,
    dataFolder: `data/${name}`,
    log: { folder: 'logs', level: 'info' },
    ...rest,
  });

const nodeFile = (name: string, rate: number, local: boolean): NewFile =>
  processFile('node', name, 'member', {
    peer: { listen: local ? '127.0.0.1:0' : '0.0.0.0:0' },
    downloadFolder: `downloads/${name}`,
    limits: { uploadRate: rate, downloadRate: rate },
  });

/** Names of the proxies of a new network, and of their files. */
export const proxyNameAt = (index: number): string => (index === 0 ? 'proxy' : `proxy${index + 1}`);

const proxyPlaces = ({ proxies }: NetworkPlan): JoinCode['proxies'] =>
  proxies.map(({ host, port, announcePort }, index) => ({
    name: proxyNameAt(index),
    address: formatAddress({ host, port }),
    ...(announcePort === undefined ? {} : { announce: formatAddress({ host, port: announcePort }) }),
  }));

const proxyFile = (proxy: NetworkPlan['proxies'][number], name: string): NewFile => {
  const { host, port, announcePort } = proxy;
  const gate = announcePort === undefined ? null : listenAt({ host, port: announcePort });
  return processFile('proxy', name, 'proxy', { listen: listenAt({ host, port }), announce: { listen: gate } });
};

/** Names of the voters: their data folders get the mark of a fresh network. */
export const voterNames = (plan: NetworkPlan): string[] =>
  votersOf({ replicas: [{ name: 'main' }, { name: 'backup' }], proxies: proxyPlaces(plan), witnesses: plan.witnesses });

export const joinCodeOf = (plan: NetworkPlan, secrets: FreshSecrets): string =>
  encodeJoinCode({
    networkId: secrets.networkId,
    networkKey: secrets.networkKey,
    name: plan.name,
    proxies: proxyPlaces(plan),
  });

/** All files of a new network; every process can be moved to another machine with this folder. */
export const networkFiles = (plan: NetworkPlan, secrets: FreshSecrets): NewFile[] => {
  const { networkKey, clusterKey, tokenKey, adminCodeHash } = secrets;
  const local = plan.proxies.every(({ host }) => isLoopback(host));
  return [
    json('network.json', {
      $schema: './schema/network.json',
      networkId: secrets.networkId,
      name: plan.name,
      replicas: [
        { name: 'main', address: formatAddress(plan.tracker) },
        { name: 'backup', address: formatAddress(plan.backup) },
      ],
      proxies: proxyPlaces(plan),
      witnesses: plan.witnesses,
      registration: plan.registration,
      ...(plan.passkeys === undefined ? {} : { announce: { passkeys: plan.passkeys } }),
      ...plan.timing,
    }),
    processFile('tracker', 'main', 'replica', { listen: listenAt(plan.tracker) }),
    processFile('backup', 'backup', 'replica', { listen: listenAt(plan.backup) }),
    ...plan.proxies.map((proxy, index) => proxyFile(proxy, proxyNameAt(index))),
    ...plan.nodes.map((name) => nodeFile(name, plan.rate, local)),
    json('secrets/replica.json', { $schema: '../schema/secrets.json', networkKey, clusterKey, tokenKey, adminCodeHash }, true),
    json('secrets/proxy.json', { $schema: '../schema/secrets.json', networkKey, clusterKey }, true),
    json('secrets/member.json', { $schema: '../schema/secrets.json', networkKey }, true),
    { path: 'secrets/join-code', text: `${joinCodeOf(plan, secrets)}\n`, secret: true },
    schemaFile('network', networkSchema),
    schemaFile('secrets', secretsSchema),
    ...Object.entries(processSchemas).map(([role, schema]) => schemaFile(role, schema)),
  ];
};

export interface MemberPlan {
  readonly name: string;
  /** Absolute, or relative to the folder that is set up. */
  readonly dataFolder: string;
  readonly downloadFolder: string;
  readonly logFolder: string;
}

/** The files of a node that joins by code. */
export const memberFiles = (code: JoinCode, plan: MemberPlan): NewFile[] => [
  json('network.json', { $schema: './schema/network.json', networkId: code.networkId, name: code.name, proxies: code.proxies }),
  json('node.json', {
    $schema: './schema/node.json',
    role: 'node',
    name: plan.name,
    network: 'network.json',
    secrets: 'secrets/member.json',
    dataFolder: plan.dataFolder,
    downloadFolder: plan.downloadFolder,
    log: { folder: plan.logFolder, level: 'info' },
    limits: { uploadRate: 0, downloadRate: 0 },
  }),
  json('secrets/member.json', { $schema: '../schema/secrets.json', networkKey: code.networkKey }, true),
  schemaFile('network', networkSchema),
  schemaFile('secrets', secretsSchema),
  schemaFile('node', processSchemas.node),
];
