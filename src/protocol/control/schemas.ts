/** What the JSON heads may hold. Generous where a tracker gives a better answer than a broken link, but always bounded. */
import { z } from 'zod';
import { describeIssue } from '../issue.ts';
import { NODES_PAGE_MAX, STATISTICS_PAGE_MAX } from './limits.ts';
import { FAILOVER_WHY_CHARACTERS_MAX } from './report.ts';
import type {
  ClusterReport,
  ErrorCode,
  Operation,
  OperationName,
  OperationResults,
  Order,
  OrderErrorCode,
  OrderName,
  OrderResults,
  ServerReport,
} from './messages.ts';

const count = z.int().min(0);
const epoch = count;
const flag = z.boolean();
/** Longer than any name that is allowed (64 characters), so that the tracker can say what is wrong with it. */
const name = z.string().max(512);
const voter = z.string().min(1).max(64);
/** Its UTF-8 fits the strings of binary bodies (255 bytes), as a voter's name does. */
const id = z.string().min(1).max(64);
const secret = z.string().max(1_024);
const message = z.string().max(4_096);
const hash = z.string().regex(/^[0-9a-f]{64}$/u);
const infoHash = (digits: number) =>
  z
    .string()
    .regex(new RegExp(`^[0-9a-f]{${digits}}$`, 'u'))
    .nullable();

const address = z.strictObject({ host: z.string().regex(/^[\x21-\x7e]{1,255}$/u), port: z.int().min(0).max(65_535) });
const requestId = z.strictObject({ client: z.string().min(1).max(64), n: count });

const contentFields = {
  id,
  v1: infoHash(40),
  v2: infoHash(64),
  name: z.string().max(1_024),
  tags: z.array(z.string().max(256)).max(64),
  size: count,
  files: count,
  pieceLength: count,
};
const content = z.strictObject(contentFields);

/** Every operation, told apart by `op`. */
export const operation = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('register'), name, password: secret, code: secret.nullable() }),
  z.strictObject({ op: z.literal('login'), name, password: secret }),
  z.strictObject({ op: z.literal('logout') }),
  z.strictObject({ op: z.literal('whoami') }),
  z.strictObject({ op: z.literal('passwd'), oldPassword: secret, newPassword: secret }),
  z.strictObject({ op: z.literal('invite'), admin: flag }),
  z.strictObject({ op: z.literal('accounts'), after: name, limit: z.int().min(1).max(1_000) }),
  z.strictObject({ op: z.literal('account.disable'), name, disabled: flag }),
  z.strictObject({ op: z.literal('account.reset'), name, newPassword: secret }),
  z.strictObject({ op: z.literal('passkey.new'), device: name }),
  z.strictObject({ op: z.literal('passkeys') }),
  z.strictObject({ op: z.literal('passkey.revoke'), passkey: name }),
  z.strictObject({
    op: z.literal('statistics'),
    account: name.nullable(),
    offset: count,
    limit: z.int().min(1).max(STATISTICS_PAGE_MAX),
  }),
  z.strictObject({ op: z.literal('enter'), node: id, name, incarnation: id, addresses: z.array(address).max(16) }),
  z.strictObject({ op: z.literal('exit'), node: id, incarnation: id }),
  z.strictObject({ op: z.literal('alive'), node: id, incarnation: id, uploadedBytes: count }),
  z.strictObject({ op: z.literal('own'), content, node: id }),
  z.strictObject({ op: z.literal('disown'), content: id, node: id }),
  z.strictObject({ op: z.literal('need'), words: z.string().max(1_024), offset: count, limit: z.int().min(0).max(200) }),
  z.strictObject({ op: z.literal('content'), id }),
  z.strictObject({ op: z.literal('torrent'), id }),
  z.strictObject({ op: z.literal('nodes'), offset: count, limit: z.int().min(0).max(NODES_PAGE_MAX) }),
  z.strictObject({ op: z.literal('ping'), node: name }),
  z.strictObject({ op: z.literal('cluster') }),
]) satisfies z.ZodType<Operation>;

const codes = [
  'bad-request',
  'name-invalid',
  'name-taken',
  'password-weak',
  'wrong-password',
  'password-changed',
  'disabled',
  'session-expired',
  'forbidden',
  'registration-closed',
  'invite-needed',
  'invite-invalid',
  'not-found',
  'ambiguous',
  'torrent-wanted',
  'torrent-invalid',
  'too-large',
  'not-entered',
  'busy',
  'not-primary',
  'unavailable',
  'degraded',
  'disk-full',
  'indeterminate',
  'internal',
] as const satisfies readonly ErrorCode[];

const replicaRole = z.enum(['booting', 'follower', 'candidate', 'primary', 'fenced', 'halted']);
const mode = z.enum(['SYNC', 'SOLO', 'NONE']);
const swarm = z.object({ phase: z.enum(['cold', 'warming', 'warm']), nodes: count, guests: count.exactOptional(), swarms: count });
const failover = z.object({
  wallMs: z.number(),
  epoch,
  from: voter.nullable(),
  to: voter,
  why: z.string().max(FAILOVER_WHY_CHARACTERS_MAX),
});
/** Fields that a newer replica adds are dropped. */
export const serverReport = z.object({
  name: voter,
  role: replicaRole,
  mode,
  epoch,
  generation: count,
  primary: voter.nullable(),
  waitsFor: voter.nullable(),
  lastSeq: count,
  commitSeq: count,
  appliedSeq: count,
  followers: z.array(z.object({ name: voter, state: z.string().max(64), lagEntries: count, lagBytes: count.nullable() })).max(16),
  voters: z.array(z.object({ name: voter, reachable: flag })).max(16),
  lastFailover: failover.nullable(),
  draining: flag,
  software: z.string().max(128),
  swarm,
  proxies: z.array(voter).max(64),
  requestsUnderWay: count,
}) satisfies z.ZodType<ServerReport>;

/** What a good answer to each order holds. */
export const orderResults: { readonly [K in OrderName]: z.ZodType<OrderResults[K]> } = {
  report: serverReport,
  handover: z.object({ from: voter, to: voter, epoch, heldMs: z.number().min(0) }),
  forcePromote: z.object({ epoch, generation: count }),
};

export const clusterReport = z.object({
  primary: voter.nullable(),
  mode,
  epoch,
  generation: count,
  waitsFor: voter.nullable(),
  draining: flag,
  swarm: swarm.nullable(),
  replicas: z.array(
    z.object({ name: voter, report: serverReport.nullable(), reason: z.string().nullable(), lagEntries: count.nullable() }),
  ),
  voters: z.array(z.object({ name: voter, witness: flag, answers: flag.nullable() })),
  lastFailover: failover.nullable(),
  proxy: z.object({ name: voter, state: z.string() }).nullable(),
}) satisfies z.ZodType<ClusterReport>;

const replyBody = z.discriminatedUnion('ok', [
  z.strictObject({ ok: z.literal(true), value: z.record(z.string(), z.unknown()) }),
  z.strictObject({ ok: z.literal(false), code: z.enum(codes), message, retryAfterMs: z.number().min(0).exactOptional() }),
]);

const empty = z.object({});
const account = z.object({ account: name, admin: flag });
const hit = z.object({
  ...contentFields,
  owners: z.array(z.object({ account: name, node: id, uploadedBytes: count, online: flag })),
  ownerCount: count,
  onlineCount: count,
  seeders: count,
});
const nodeSummary = z.object({
  node: id,
  name,
  account: name,
  addresses: z.array(address),
  silentSeconds: z.number(),
  uploadedBytes: count,
  shares: z.array(z.object({ id, name: z.string() })),
  guest: z.literal(true).exactOptional(),
});

/** What a good reply to each operation holds. Fields that a newer tracker adds are dropped. */
export const results: { readonly [K in OperationName]: z.ZodType<OperationResults[K]> } = {
  register: account,
  login: account.extend({ token: secret, expiresMs: count }),
  logout: empty,
  whoami: account.extend({ expiresMs: count }),
  passwd: empty,
  invite: z.object({ code: secret, expiresMs: count }),
  accounts: z.object({ accounts: z.array(z.object({ name, admin: flag, disabled: flag, createdMs: count })) }),
  'account.disable': empty,
  'account.reset': empty,
  'passkey.new': z.object({ passkey: z.string().regex(/^[0-9a-f]{32}$/u), id, device: name, replacedUntilMs: count.nullable() }),
  passkeys: z.object({ passkeys: z.array(z.object({ id, device: name, createdMs: count, expiresMs: count.nullable() })) }),
  'passkey.revoke': z.object({ device: name, revoked: count }),
  statistics: z.object({
    account: name,
    uploadedBytes: count,
    downloadedBytes: count,
    completed: count,
    total: count,
    contents: z.array(
      z.object({
        content: z.string().max(64),
        name: z.string().nullable(),
        uploadedBytes: count,
        downloadedBytes: count,
        completed: count,
        lastMs: count,
      }),
    ),
  }),
  enter: z.object({ aliveSeconds: z.number().positive(), removeSeconds: z.number().positive(), generation: count.exactOptional() }),
  exit: empty,
  alive: empty,
  own: z.object({ id, first: flag }),
  disown: z.object({ id }),
  need: z.object({ hits: z.array(hit), total: count }),
  content: hit,
  torrent: z.object({ id }),
  nodes: z.object({ nodes: z.array(nodeSummary), total: count }),
  ping: z.object({ node: name, roundTripMicros: count }),
  cluster: clusterReport,
};

const configuration = z.strictObject({
  e: epoch,
  v: count,
  primary: voter.nullable(),
  isr: z.array(voter).max(16),
  generation: count.exactOptional(),
});
const position = z.strictObject({ seq: count, epoch, hash });
const link = z.enum(['member', 'proxy', 'replica', 'swarm', 'operator']);

const order = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('report') }),
  z.strictObject({ do: z.literal('handover') }),
  z.strictObject({ do: z.literal('forcePromote') }),
]) satisfies z.ZodType<Order>;
const orderCodes = [
  'bad-request',
  'booting',
  'busy',
  'degraded',
  'disk',
  'eligible',
  'halted',
  'indeterminate',
  'internal',
  'is-primary',
  'no-majority',
  'no-peer',
  'not-primary',
  'primary-alive',
  'timed-out',
  'unavailable',
] as const satisfies readonly OrderErrorCode[];
const orderOutcome = z.discriminatedUnion('ok', [
  z.strictObject({ ok: z.literal(true), value: z.record(z.string(), z.unknown()) }),
  z.strictObject({ ok: z.literal(false), code: z.enum(orderCodes), message }),
]);

/** The heads, by kind of frame, without `kind` and tail. */
export const heads = {
  hello: z.strictObject({ version: count, link, networkId: id, name: voter, incarnation: id, software: z.string().max(128) }),
  welcome: z.strictObject({ version: count, name: voter, incarnation: id, observed: address, epoch }),
  refuse: z.strictObject({ code: z.enum(['version', 'network', 'name', 'full', 'bad-frame']), message }),
  request: z.strictObject({
    requestId,
    token: secret.nullable(),
    operation,
    minSeq: count,
    require: z.enum(['any', 'replicated']),
    deadlineMs: count,
    epoch,
    from: z.strictObject({ node: id, host: z.string().max(255) }).nullable(),
  }),
  reply: z.strictObject({
    requestId,
    epoch,
    seq: count,
    durability: z.enum(['replicated', 'local', 'none']),
    stale: z.literal(true).exactOptional(),
    body: replyBody,
  }),
  route: z.strictObject({
    epoch,
    primary: voter.nullable(),
    reader: voter.nullable(),
    waitsFor: voter.nullable(),
    spreadMs: z.int().min(0).max(600_000),
  }),
  status: z.strictObject({
    name: voter,
    role: replicaRole,
    epoch,
    primary: voter.nullable(),
    mode,
    appliedSeq: count,
    waitsFor: voter.nullable(),
    report: serverReport.exactOptional(),
  }),
  preVote: z.strictObject({ epoch, candidate: voter, ballot: z.strictObject({ e: epoch, v: count }) }),
  preVoteReply: z.strictObject({
    epoch,
    promised: epoch,
    accepted: configuration,
    refused: z.enum(['promised', 'primary-alive', 'ineligible', 'rejoining']).nullable(),
  }),
  vote: z.strictObject({ epoch, candidate: voter, handOver: flag }),
  promise: z.strictObject({ epoch, accepted: configuration }),
  voteDenied: z.strictObject({ epoch, promised: epoch, reason: z.enum(['promised', 'primary-alive', 'rejoining']) }),
  propose: z.strictObject({ configuration }),
  accepted: z.strictObject({ epoch, v: count }),
  proposeDenied: z.strictObject({ epoch, v: count, promised: epoch }),
  voterRead: z.strictObject({ id: count, reader: voter }),
  voterState: z.strictObject({ id: count, reader: voter, voter, promised: epoch, accepted: configuration }),
  probe: z.strictObject({ epoch, at: position, failover: failover.nullable(), generation: count.exactOptional() }),
  probed: z.strictObject({ epoch, matches: flag, last: position, appliedSeq: count, diverged: z.literal(true).exactOptional() }),
  appendNack: z.strictObject({ epoch, promised: epoch, last: position, appliedSeq: count }),
  snapshotChunk: z.strictObject({ epoch, position, index: count, done: flag }),
  snapshotAck: z.strictObject({ epoch, index: count }),
  timeoutNow: z.strictObject({ epoch, seq: count, why: z.string().max(512) }),
  order: z.strictObject({ id: count, order }),
  ordered: z.strictObject({ id: count, outcome: orderOutcome }),
} as const;

export type HeadKind = keyof typeof heads;

/** The first thing that is wrong, with its path, in one line. */
export const problemOf = (error: z.ZodError): string => {
  const issue = error.issues[0];
  if (issue === undefined) return 'not as it should be';
  const path = issue.path.map(String).join('.');
  return `${path === '' ? 'it' : path} ${describeIssue(issue)}`;
};

/**
 * Whether an operation can be sent at all, checked by the asker so that a user's mistake is answered and does not break
 * a link.
 */
export const checkOperation = (candidate: Operation): string | null => {
  const parsed = operation.safeParse(candidate);
  return parsed.success ? null : problemOf(parsed.error);
};
