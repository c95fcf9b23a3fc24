/**
 * The documented schema of every file that a process reads: `network.json`, a file per process, and a secrets file. The
 * defaults stand here and nowhere else; JSON schemas for editors are generated from it (`jsonSchema`).
 */
import { z } from 'zod';
import { parseNetwork } from '../protocol/tracker/forwarders.ts';
import { isLoopback, parseAddress } from './address.ts';
import { everydayFields, seedingLimits } from './node-schema.ts';

const NAME = /^[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?$/u;

const address = (options: { readonly anyPort: boolean; readonly description: string }) =>
  z
    .string()
    .refine((text) => parseAddress(text) !== null, { error: 'must be HOST:PORT, for example 192.168.1.5:7401 or [::1]:7401' })
    .refine((text) => options.anyPort || parseAddress(text)?.port !== 0, { error: 'must name a port from 1 to 65535' })
    .meta({ description: options.description });

const name = (description: string) =>
  z
    .string()
    .regex(NAME, { error: 'must be 1 to 64 of a-z, 0-9, "-" and "_", beginning and ending with a letter or digit' })
    .meta({ description });

const count = (low: number, high: number, preset: number, description: string) =>
  z
    .int({ error: (issue) => (issue.input === undefined ? undefined : 'must be a whole number') })
    .min(low)
    .max(high)
    .default(preset)
    .meta({ description });

const path = (description: string) =>
  z
    .string()
    .min(1)
    .max(4096)
    .meta({ description: `${description} Relative to this file.` });

const schemaKey = z.string().max(4096).optional().meta({ description: 'Where an editor finds the schema of this file.' });

const place = (what: string, reach: string) =>
  z.strictObject({
    name: name(`The name of the ${what}, as in its own file.`),
    address: address({ anyPort: false, description: `Where ${reach} reach it: HOST:PORT.` }),
  });

const timing = z
  .strictObject({
    heartbeatMs: count(10, 10_000, 150, 'Milliseconds between two heartbeats of a primary.'),
    suspectMinMs: count(50, 60_000, 900, 'A primary is suspected after at least this many milliseconds of silence.'),
    suspectMaxMs: count(50, 60_000, 1100, 'And at most this many; the moment is drawn at random between the two.'),
    degradeAfterMs: count(50, 60_000, 1000, 'Milliseconds that a change waits for the other replica before the primary goes on alone.'),
  })
  .prefault({});

export const networkSchema = z
  .strictObject({
    $schema: schemaKey,
    networkId: z
      .string()
      .regex(/^[0-9a-f]{32}$/u, { error: 'must be 32 hexadecimal digits' })
      .meta({ description: 'Tells networks apart: 32 hexadecimal digits, made by `shoal init`.' }),
    name: z.string().min(1).max(64).meta({ description: 'What people call the network.' }),
    replicas: z
      .array(place('replica', 'proxies and the other replica'))
      .max(2)
      .default([])
      .meta({ description: 'The tracker, then the backup. Members need not know them.' }),
    proxies: z
      .array(
        place('proxy', 'nodes').extend({
          announce: address({
            anyPort: false,
            description:
              'Where BitTorrent clients of other makes announce to it, by HTTP and UDP: HOST:PORT. Left out: it has no gate for them. Every member gets an announce URL with this address (`shoal passkey new`).',
          }).optional(),
        }),
      )
      .min(1)
      .max(16)
      .meta({ description: 'The proxies, in the order in which nodes try them. The first ones are also witnesses: see `witnesses`.' }),
    witnesses: z
      .union([z.literal(1), z.literal(3)], { error: 'must be 1 or 3' })
      .default(1)
      .meta({
        description:
          'How many proxies vote, the first ones: with tracker and backup they elect the primary. 1: any one of three voters may fail; 3: any two of five.',
      }),
    registration: z
      .enum(['open', 'invite', 'closed'])
      .default('open')
      .meta({ description: 'Who may register: anybody with the network key, who has a code of an invitation, or nobody.' }),
    announceIntervalSeconds: count(1, 3600, 30, 'Seconds between two announces of a node for a content.'),
    aliveSeconds: count(1, 3600, 10, 'Seconds between two signs of life of a node.'),
    removeSeconds: count(2, 86_400, 60, 'A node that has been silent for this many seconds is removed from the swarms.'),
    sessionDays: count(1, 3650, 30, 'Days after which a login ends.'),
    announce: z
      .strictObject({
        passkeys: z.enum(['required', 'open']).default('required').meta({
          description:
            'Who may announce with a client of another make: those with a passkey (the personal announce URL), or, with "open", anybody who reaches the gate, under no account.',
        }),
        intervalSeconds: count(60, 86_400, 300, 'Seconds between two announces of such a client for a content.'),
      })
      .prefault({})
      .meta({ description: 'BitTorrent clients of other makes.' }),
    timing: timing.meta({ description: 'How failures are found, by all voters alike. Multiply by four across a wide-area network.' }),
  })
  .refine((file) => file.witnesses <= file.proxies.length, {
    path: ['witnesses'],
    error: 'must not be more than there are proxies',
  })
  .refine((file) => file.timing.suspectMinMs <= file.timing.suspectMaxMs, {
    path: ['timing', 'suspectMinMs'],
    error: 'must not be above suspectMaxMs',
  })
  .refine((file) => file.timing.suspectMinMs >= 2 * file.timing.heartbeatMs, {
    path: ['timing', 'suspectMinMs'],
    error: 'must be at least twice heartbeatMs, or a healthy primary is suspected',
  })
  .meta({ title: 'Shoal: network.json', description: 'What must be the same for every process of a network.' });

const log = z
  .strictObject({
    folder: path('The folder for log files.').default('logs'),
    level: z.enum(['debug', 'info', 'warn', 'error']).default('info').meta({ description: 'The least serious lines that are kept.' }),
    fileMegabytesMax: count(1, 10_000, 10, 'A log file is rotated when it has grown to this many megabytes.'),
    filesMax: count(1, 1000, 5, 'How many rotated log files are kept.'),
  })
  .prefault({})
  .meta({ description: 'Logging.' });

const common = (example: string) => ({
  $schema: schemaKey,
  name: name(`The name of this process in the network, for example "${example}".`),
  network: path('The file that all processes of the network share.').default('network.json'),
  secrets: path('The keys of this process; readable by its user alone (mode 0600).'),
  dataFolder: path('Where this process keeps its state.').default('data'),
  log,
});

const MIB = 1024 * 1024;

const replica = <R extends 'tracker' | 'backup'>(role: R, example: string) =>
  z
    .strictObject({
      role: z.literal(role).meta({ description: 'Which role this file is for.' }),
      ...common(example),
      listen: address({ anyPort: true, description: 'Where proxies and the other replica connect: HOST:PORT.' }),
      limits: z
        .strictObject({
          torrentBytesMax: count(1024, 8 * MIB, 8 * MIB, 'Bytes of the largest torrent file in the catalog.'),
          linksMax: count(4, 10_000, 256, 'Connections from proxies and the other replica at one time.'),
          passwordQueueMax: count(1, 10_000, 64, 'Passwords that wait to be hashed; more are answered with "busy".'),
          logEntriesKept: count(
            2,
            10_000_000,
            100_000,
            'Applied changes that stay in the log for the other replica; where it lacks older ones, it gets the whole state.',
          ),
        })
        .prefault({})
        .meta({ description: 'Limits.' }),
    })
    .meta({ title: `Shoal: ${role}`, description: role === 'tracker' ? 'The main tracker.' : 'The backup tracker.' });

export const trackerSchema = replica('tracker', 'main');
export const backupSchema = replica('backup', 'backup');

export const proxySchema = z
  .strictObject({
    role: z.literal('proxy').meta({ description: 'Which role this file is for.' }),
    ...common('proxy'),
    listen: address({ anyPort: true, description: 'Where nodes connect: HOST:PORT.' }),
    limits: z
      .strictObject({
        membersMax: count(1, 1_000_000, 10_000, 'Nodes connected at one time.'),
        requestsUnderWayMax: count(1, 1_000_000, 10_000, 'Requests that wait for a reply; more are answered with "busy".'),
        requestDeadlineMs: count(100, 600_000, 10_000, 'Milliseconds after which a request that has no reply is given up.'),
      })
      .prefault({})
      .meta({ description: 'Limits.' }),
    spreadMs: count(0, 60_000, 2000, 'After a failover, nodes announce again at random within this many milliseconds.'),
    announce: z
      .strictObject({
        listen: address({ anyPort: true, description: '' }).nullable().default(null).meta({
          description:
            'Where BitTorrent clients of other makes announce: HOST:PORT, for HTTP and UDP. null: the proxy has no gate for them. 0.0.0.0 is all of IPv4, [::] is IPv6 and IPv4.',
        }),
        http: z.boolean().default(true).meta({ description: 'Whether HTTP is spoken there.' }),
        udp: z.boolean().default(true).meta({ description: 'Whether UDP is spoken there (BEP 15; the passkey comes by BEP 41).' }),
        trustedForwarders: z
          .array(
            z.string().refine((text) => parseNetwork(text) !== null, { error: 'must be an IP address, or a network such as 10.0.0.0/8' }),
          )
          .max(64)
          .default([])
          .meta({
            description:
              'HTTP proxies before the gate whose X-Forwarded-For is believed: addresses, or networks such as 10.0.0.0/8. From anybody else it is ignored.',
          }),
        limits: z
          .strictObject({
            connectionsMax: count(1, 1_000_000, 4096, 'HTTP connections at one time.'),
            connectionsPerAddressMax: count(1, 1_000_000, 256, 'HTTP connections of one address at one time.'),
            requestBytesMax: count(1024, 65_536, 8192, 'Bytes of one HTTP request.'),
            requestsUnderWayMax: count(
              1,
              1_000_000,
              10_000,
              'Announces and scrapes that wait for a tracker; more are answered from memory.',
            ),
            requestsPerSecond: count(1, 1_000_000, 200, 'Requests a second of one address, on average; ten times as many at once.'),
            failuresPerMinute: count(1, 1_000_000, 30, 'Wrong passkeys a minute of one address; more are refused without a look.'),
            rememberedMax: count(
              1,
              10_000_000,
              100_000,
              'Announces kept to be repeated to the next primary; beyond, the oldest are forgotten.',
            ),
          })
          .prefault({})
          .meta({ description: 'Limits.' }),
      })
      .prefault({})
      .meta({ description: 'The gate for BitTorrent clients of other makes.' }),
  })
  .meta({ title: 'Shoal: proxy', description: 'A proxy.' });

export const nodeSchema = z
  .strictObject({
    role: z.literal('node').meta({ description: 'Which role this file is for.' }),
    ...common('alice'),
    peer: z
      .strictObject({
        listen: address({ anyPort: true, description: 'Where other nodes connect: HOST:PORT. Port 0 lets the system choose.' }).default(
          '0.0.0.0:0',
        ),
        advertise: z
          .array(address({ anyPort: true, description: 'HOST:PORT; port 0 stands for the port listened on.' }))
          .max(8)
          .default([])
          .meta({ description: 'Addresses to give to other nodes. Empty: found out by the node.' }),
        bind: everydayFields.bind,
        encryption: everydayFields.encryption,
      })
      .prefault({})
      .meta({ description: 'The exchange of pieces with other nodes.' }),
    api: address({
      anyPort: true,
      description: 'Where the commands reach this node, on this machine alone: HOST:PORT. Port 0 lets the system choose.',
    })
      .refine((text) => isLoopback(parseAddress(text)?.host ?? ''), { error: 'must be on this machine alone, for example 127.0.0.1:0' })
      .default('127.0.0.1:0'),
    downloadFolder: path('Where downloads go; until they are complete they are hidden there.').default('downloads'),
    completedFolder: path(
      'Where downloads are moved once they are complete, unless another folder was given. Not given: they stay.',
    ).optional(),
    limits: z
      .strictObject({
        uploadRate: count(0, 100_000_000_000, 0, 'Bytes a second that this node uploads at most; 0 for no limit.'),
        downloadRate: count(0, 100_000_000_000, 0, 'Bytes a second that this node downloads at most; 0 for no limit.'),
        peersMax: count(1, 10_000, 200, 'Connections to peers at one time.'),
        peersPerTransferMax: count(1, 1000, 50, 'Connections to peers for one content.'),
        uploadSlots: count(1, 1000, 4, 'Peers that are uploaded to at one time, for each content.'),
        activeTransfersMax: count(1, 10_000, 100, 'Contents that are downloaded at one time; those that are only seeded do not count.'),
        ...seedingLimits,
        pieceBufferBytesMax: count(
          16 * MIB,
          65_536 * MIB,
          16 * MIB,
          'Bytes of memory for pieces on their way to the disk; one piece fits in any case.',
        ),
      })
      .prefault({})
      .meta({ description: 'Limits.' }),
    seeding: everydayFields.seeding,
    schedule: everydayFields.schedule,
    watch: everydayFields.watch,
    onComplete: everydayFields.onComplete,
  })
  .meta({ title: 'Shoal: node', description: 'A node.' });

const secretKey = (description: string) =>
  z
    .string()
    .regex(/^[0-9a-f]{64}$/u, { error: 'must be 64 hexadecimal digits' })
    .meta({ description });

export const secretsSchema = z
  .strictObject({
    $schema: schemaKey,
    networkKey: secretKey('For every member: the key of the links between nodes and proxies. 64 hexadecimal digits.'),
    clusterKey: secretKey('The key of the links among tracker, backup and proxies. 64 hexadecimal digits.').optional(),
    tokenKey: secretKey('From which session tokens are derived; on tracker and backup only. 64 hexadecimal digits.').optional(),
    adminCodeHash: secretKey('SHA-256 of the one-time code for the first administrator; on tracker and backup only.').optional(),
  })
  .meta({ title: 'Shoal: secrets', description: 'Keys. Readable by its user alone (mode 0600).' });

export const processSchemas = { tracker: trackerSchema, backup: backupSchema, proxy: proxySchema, node: nodeSchema } as const;

export type RoleName = keyof typeof processSchemas;
export type NetworkFile = z.infer<typeof networkSchema>;
export type SecretsFile = z.infer<typeof secretsSchema>;
export type ProcessFile = z.infer<(typeof processSchemas)[RoleName]>;

/** A JSON schema (draft 2020-12) of what may be written in such a file. */
export const jsonSchema = (schema: z.ZodType): object => z.toJSONSchema(schema, { io: 'input' });
