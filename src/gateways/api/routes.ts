/**
 * The one table of the node's HTTP API: the server dispatches by it, the client calls by it, and its documentation is
 * generated from it.
 */
import { z } from 'zod';
import { ANNOUNCE_URLS_MAX, NODES_PAGE_MAX, STATISTICS_PAGE_MAX, TORRENT_BYTES_MAX } from '../../protocol/control/limits.ts';
import type { ApiCallName, ApiCalls } from '../../protocol/api.ts';
import { clusterReport } from '../../protocol/control/schemas.ts';
import { everydayRoutes, terms } from './everyday-routes.ts';

export interface Route<K extends ApiCallName = ApiCallName> {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Of the body of a POST; a GET has none. */
  readonly args: z.ZodType<ApiCalls[K]['args']>;
  readonly result: z.ZodType<ApiCalls[K]['result']>;
  readonly about: string;
  /** What a body may be long where a torrent file is in it; else `server.ts` says. */
  readonly bodyBytesMax?: number;
}

const none = z.strictObject({});
const nothing = z.object({});
const text = (lengthMax: number): z.ZodString => z.string().max(lengthMax);
const id = z.strictObject({ id: text(256) });
/** Longer than any name may be, so that the answer says what is wrong with it. */
const name = text(512);
const password = text(1024);
const whole = z.number().min(0);

const content = z.object({
  id: z.string(),
  v1: z.string().nullable(),
  v2: z.string().nullable(),
  name: z.string(),
  tags: z.array(z.string()),
  size: whole,
  files: whole,
  pieceLength: whole,
});

const owner = z.object({ account: z.string(), node: z.string(), uploadedBytes: whole, online: z.boolean() });
/** Answers of a follower: newer changes may be missing. */
const staleness = { stale: z.literal(true).exactOptional() };
const hit = content.extend({ owners: z.array(owner), ownerCount: whole, onlineCount: whole, seeders: whole });
const account = z.object({ account: z.string(), admin: z.boolean() });
/** How a change is kept, and what may be demanded of it. */
const kept = { durability: z.enum(['replicated', 'local', 'none']) };
const demand = { require: z.enum(['any', 'replicated']).exactOptional() };

const status = z.object({
  node: z.string(),
  name: z.string(),
  network: z.string(),
  version: z.string(),
  account: z.string().nullable(),
  session: z.string(),
  proxy: z.string().nullable(),
  epoch: whole,
  primary: z.string().nullable(),
  peerPort: z.number().nullable(),
  gates: z.array(z.string()),
  folder: z.string(),
  downRate: whole,
  upRate: whole,
  transfers: whole,
});

const transfer = z.object({
  terms: terms.exactOptional(),
  id: z.string(),
  name: z.string(),
  state: z.enum(['metadata', 'checking', 'waiting', 'downloading', 'seeding', 'moving', 'paused', 'failed']),
  reason: z.string().nullable(),
  size: whole,
  doneBytes: whole,
  downRate: whole,
  upRate: whole,
  uploadedBytes: whole,
  downloadedBytes: whole,
  secondsLeft: whole.nullable(),
  peers: whole,
  seeders: whole,
  sources: z.array(z.object({ node: z.string(), name: z.string(), bytes: whole, client: z.string().exactOptional() })),
  piecesBad: whole,
  folder: z.string(),
  owned: z.boolean(),
  swarm: z.enum(['catalog', 'trackers', 'both']),
});

const peer = z.object({
  node: z.string(),
  name: z.string(),
  address: z.string(),
  client: z.string(),
  downRate: whole,
  upRate: whole,
  downloadedBytes: whole,
  uploadedBytes: whole,
  has: z.number(),
  choking: z.boolean(),
  choked: z.boolean(),
  interested: z.boolean(),
  wanted: z.boolean(),
});

const member = z.object({
  node: z.string(),
  name: z.string(),
  account: z.string(),
  addresses: z.array(z.object({ host: z.string(), port: whole })),
  silentSeconds: whole,
  uploadedBytes: whole,
  shares: z.array(z.object({ id: z.string(), name: z.string() })),
  guest: z.literal(true).exactOptional(),
});

const summary = z.object({ name: z.string(), admin: z.boolean(), disabled: z.boolean(), createdMs: z.number() });

const passkey = z.object({ id: z.string(), device: z.string(), createdMs: whole, expiresMs: whole.nullable() });

const newPasskey = z.object({
  passkey: z.string(),
  id: z.string(),
  device: z.string(),
  replacedUntilMs: whole.nullable(),
  announce: z.array(z.object({ proxy: z.string(), http: z.string(), udp: z.string() })),
  ...kept,
});

const transferred = { uploadedBytes: whole, downloadedBytes: whole, completed: whole };
const statistics = z.object({
  account: z.string(),
  ...transferred,
  total: whole,
  contents: z.array(z.object({ content: z.string(), name: z.string().nullable(), ...transferred, lastMs: whole })),
  ...staleness,
});

const shareArgs = z.strictObject({
  paths: z.array(text(4096)).min(1).max(1000),
  name: text(4096).nullable(),
  tags: z.array(text(1024)).max(256),
  v1: z.boolean(),
  pieceLength: z.int().nullable(),
  ...demand,
});

const shareState = z.object({
  state: z.enum(['hashing', 'registering', 'done', 'failed']),
  doneBytes: whole,
  size: whole,
  skipped: whole,
  id: z.string().nullable(),
  kept: z.boolean(),
  code: z.string().nullable(),
  message: z.string().nullable(),
  already: z.string().exactOptional(),
  ...kept,
});

/** A torrent file of the largest size in base64, and something beside it. */
const TORRENT_BODY_BYTES_MAX = Math.ceil((TORRENT_BYTES_MAX * 4) / 3) + 65_536;
const torrentFile = z.base64().max(TORRENT_BODY_BYTES_MAX);

const announce = z.array(text(2048)).max(ANNOUNCE_URLS_MAX).exactOptional();

const tracker = z.object({
  url: z.string(),
  tier: whole,
  state: z.enum(['idle', 'asking', 'working', 'failed']),
  seeders: whole.nullable(),
  leechers: whole.nullable(),
  message: z.string().nullable(),
  nextInSeconds: whole.nullable(),
});

const webSeed = z.object({
  url: z.string(),
  state: z.enum(['idle', 'working', 'failed', 'lacking', 'banned']),
  message: z.string().nullable(),
  connections: whole,
  downRate: whole,
  downloadedBytes: whole,
  has: z.number(),
});

const publishArgs = z.strictObject({
  torrent: torrentFile.nullable(),
  id: text(256).nullable(),
  data: text(4096).nullable(),
  beside: text(4096).nullable(),
  tags: z.array(text(1024)).max(256),
  ...demand,
});

const getArgs = z.strictObject({
  // A magnet link may be long.
  what: text(16_384),
  to: text(4096).nullable(),
  files: z.array(text(1024)).max(1000),
  sequential: z.boolean(),
  torrent: torrentFile.exactOptional(),
});

const get = <K extends ApiCallName>(path: string, about: string, result: Route<K>['result']): Route<K> => ({
  method: 'GET',
  path: `/v1/${path}`,
  args: none as unknown as Route<K>['args'],
  result,
  about,
});

const post = <K extends ApiCallName>(
  path: string,
  about: string,
  args: Route<K>['args'],
  result: Route<K>['result'],
  bodyBytesMax?: number,
): Route<K> => ({
  method: 'POST',
  path: `/v1/${path}`,
  args,
  result,
  about,
  ...(bodyBytesMax === undefined ? {} : { bodyBytesMax }),
});

export const routes: { readonly [K in ApiCallName]: Route<K> } = {
  status: get('status', 'How the node stands to the network.', status),
  register: post(
    'account/register',
    'Creates an account.',
    z.strictObject({ name, password, code: text(256).nullable(), ...demand }),
    account.extend(kept),
  ),
  login: post(
    'account/login',
    'Signs the node in. The node keeps the token.',
    z.strictObject({ name, password, ...demand }),
    account.extend(kept),
  ),
  logout: post('account/logout', 'Signs the node out.', z.strictObject(demand), z.object(kept)),
  whoami: get('account', 'The account that is signed in.', account.extend({ expiresMs: z.number(), ...staleness })),
  passwd: post(
    'account/password',
    'Changes the password of the account that is signed in.',
    z.strictObject({ oldPassword: password, newPassword: password, ...demand }),
    z.object(kept),
  ),
  invite: post(
    'invitations',
    'Makes a code with which one account can register.',
    z.strictObject({ admin: z.boolean(), ...demand }),
    z.object({ code: z.string(), expiresMs: z.number(), ...kept }),
  ),
  accounts: post(
    'accounts',
    'Accounts by name, a page at a time; for administrators.',
    z.strictObject({ after: name, limit: z.int().min(1).max(1000) }),
    z.object({ accounts: z.array(summary), ...staleness }),
  ),
  'account.disable': post(
    'accounts/disable',
    'Disables or enables an account; for administrators.',
    z.strictObject({ name, disabled: z.boolean(), ...demand }),
    z.object(kept),
  ),
  'account.reset': post(
    'accounts/reset',
    'Gives an account a new password; for administrators.',
    z.strictObject({ name, newPassword: password, ...demand }),
    z.object(kept),
  ),
  'passkey.new': post(
    'passkeys/new',
    'Makes a passkey for a device, for clients of other makes; it is told this once.',
    z.strictObject({ device: name, ...demand }),
    newPasskey,
  ),
  passkeys: get('passkeys', 'The passkeys of the account that is signed in.', z.object({ passkeys: z.array(passkey), ...staleness })),
  'passkey.revoke': post(
    'passkeys/revoke',
    'Ends the passkeys of a device, or the one of an id, at once.',
    z.strictObject({ passkey: name, ...demand }),
    z.object({ device: z.string(), revoked: whole, ...kept }),
  ),
  statistics: post(
    'statistics',
    'What an account has transferred, a page at a time; that of others for administrators.',
    z.strictObject({ account: name.nullable(), offset: z.int().min(0), limit: z.int().min(1).max(STATISTICS_PAGE_MAX) }),
    statistics,
  ),
  share: post('shares', 'Starts to share files or folders as one content; answers with a job.', shareArgs, z.object({ job: z.number() })),
  shareJob: post('shares/job', 'How far a share is.', z.strictObject({ job: z.int() }), shareState),
  publish: post(
    'shares/publish',
    'Takes a torrent that is there already into the catalog, once its data is found and checked; answers with a job.',
    publishArgs,
    z.object({ job: z.number() }),
    TORRENT_BODY_BYTES_MAX,
  ),
  search: post(
    'search',
    'Searches the catalog; no words find everything.',
    z.strictObject({ words: text(256), offset: z.int().min(0), limit: z.int().min(1).max(100) }),
    z.object({ hits: z.array(hit), total: whole, ...staleness }),
  ),
  get: post(
    'downloads',
    'Starts a download, by id, by words that match one content, by magnet link or by torrent file. What is there already goes on, with more of its files.',
    getArgs,
    z.object({ id: z.string(), content: content.nullable() }),
    TORRENT_BODY_BYTES_MAX,
  ),
  torrent: post(
    'torrents/file',
    "The torrent file of a content; of the catalog's with announce URLs that are this node's own, or those that are given.",
    z.strictObject({ what: text(256), announce }),
    z.object({ id: z.string(), name: z.string(), torrent: z.string(), personal: z.boolean() }),
  ),
  magnet: post(
    'torrents/magnet',
    'The magnet link of a content, with the same announce URLs.',
    z.strictObject({ what: text(256), bare: z.boolean(), announce }),
    z.object({ id: z.string(), name: z.string(), magnet: z.string(), personal: z.boolean() }),
  ),
  transfers: post(
    'transfers',
    'What is downloaded and seeded: all, or one by id.',
    z.strictObject({ id: text(256).nullable() }),
    z.object({ transfers: z.array(transfer) }),
  ),
  peers: post(
    'transfers/peers',
    'The peers of a transfer, and the trackers and web seeds that its torrent names.',
    id,
    z.object({ peers: z.array(peer), trackers: z.array(tracker), webSeeds: z.array(webSeed) }),
  ),
  pause: post('transfers/pause', 'Pauses a transfer.', id, nothing),
  resume: post('transfers/resume', 'Resumes a transfer.', id, nothing),
  remove: post(
    'transfers/remove',
    'Forgets a transfer; with `data` its files are deleted too.',
    z.strictObject({ id: text(256), data: z.boolean() }),
    nothing,
  ),
  recheck: post('transfers/recheck', 'Verifies what is on disk again.', id, nothing),
  unshare: post(
    'transfers/unshare',
    'Takes this node from the owners of a content and stops seeding it.',
    id.extend(demand),
    z.object(kept),
  ),
  ...everydayRoutes(post),
  nodes: post(
    'nodes',
    'The nodes of the network and what they share, a page at a time.',
    z.strictObject({ offset: z.int().min(0).exactOptional(), limit: z.int().min(1).max(NODES_PAGE_MAX).exactOptional() }),
    z.object({ nodes: z.array(member), total: whole, ...staleness }),
  ),
  ping: post(
    'nodes/ping',
    'Measures the way to a node, by its id, the first digits of one, or its name.',
    z.strictObject({ node: text(256) }),
    z.object({ node: z.string(), roundTripMicros: whole }),
  ),
  cluster: get('cluster', 'The trackers and voters of the network, as the proxy of this node sees them.', clusterReport),
  stop: post('stop', 'Stops the node cleanly.', none, nothing),
};

/** The call that a request asks for. */
export const routeOf = (method: string, path: string): ApiCallName | null => {
  for (const [call, route] of Object.entries(routes)) if (route.method === method && route.path === path) return call as ApiCallName;
  return null;
};

/** Which files in a node's data folder tell its user's commands how to reach it. */
export const apiFiles = { token: 'api-token', address: 'api.json' } as const;

/** `api.json`. */
export const apiFileSchema = z.object({ host: z.string(), port: z.int(), pid: z.int(), version: z.string() });
