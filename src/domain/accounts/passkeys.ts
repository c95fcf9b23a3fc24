/** Passkeys: what ordinary BitTorrent clients show instead of a session. They open the tracker to announces, and nothing else. */
import type { AnnounceUrls } from '../../protocol/api.ts';
import { ANNOUNCE_URLS_MAX } from '../../protocol/control/limits.ts';
import { isLoopbackHost } from '../../protocol/bittorrent/web-seed.ts';
import { printTrackerUrl, readTrackerUrl } from '../../protocol/tracker/tracker-url.ts';
import { hmacSha256, sha256, toHex } from '../../protocol/digest.ts';
import { fail, ok, type Failure, type Result } from '../../protocol/result.ts';
import { foldName } from './names.ts';

/** 128 bits. */
const PASSKEY = /^[0-9a-f]{32}$/u;
const ID_DIGITS = 12;
const ID = new RegExp(`^[0-9a-f]{${ID_DIGITS}}$`, 'u');

/** How long a passkey goes on that another one of the same device has replaced. */
export const PASSKEY_GRACE_DAYS = 7;

/** As of a node's name, which is the device of the node's own passkey. */
const DEVICE = /^[^\p{C}\p{Zl}\p{Zp}]{1,64}$/u;

/** The shape of a request id; see `domain/replication/types.ts`. */
interface RequestId {
  readonly client: string;
  readonly n: number;
}

/**
 * The passkey that a request gets: 32 hexadecimal digits. Derived from the request as a session token is, so that a
 * repeated request has the same from whichever replica answers it, while the ledger keeps its SHA-256 only.
 */
export const passkeyFor = (tokenKey: Uint8Array, requestId: RequestId, folded: string, deviceFolded: string): string =>
  toHex(hmacSha256(tokenKey, JSON.stringify(['passkey', requestId.client, requestId.n, folded, deviceFolded]))).slice(0, 32);

export const isPasskey = (text: string): boolean => PASSKEY.test(text);

/** What the ledger, and whoever asks it, knows of a passkey: SHA-256 of its digits; hex. */
export const passkeyHash = (passkey: string): string => toHex(sha256(passkey));

/** What people call a passkey by, and may see: the first digits of its hash. */
export const passkeyIdOf = (hash: string): string => hash.slice(0, ID_DIGITS);

/** Whom a passkey stands for. */
export interface PasskeyHolder {
  readonly account: string;
  readonly folded: string;
  readonly device: string;
  /** The passkey's id. */
  readonly id: string;
}

/** Whether the grace period of a passkey that was replaced is over. */
export const isLapsed = (expiresMs: number | null, nowMs: number): boolean => expiresMs !== null && expiresMs <= nowMs;

export interface Device {
  /** NFC. */
  readonly device: string;
  /** NFKC, case-folded: what must be unique among the devices of an account. */
  readonly deviceFolded: string;
}

/** Whether a device may be called so: 1 to 64 characters, none of them invisible, and no passkey by mistake. */
export const checkDevice = (raw: string): Result<Device, Failure<'bad-request'>> => {
  const device = raw.isWellFormed() ? raw.normalize('NFC').trim() : '';
  if (!DEVICE.test(device)) return fail('bad-request', 'The name of a device has 1 to 64 characters, none of them invisible');
  if (isPasskey(device.toLowerCase())) return fail('bad-request', 'A device must not be called by a passkey, which is a secret');
  return ok({ device, deviceFolded: foldName(device) });
};

/**
 * What somebody may mean who names a passkey to be revoked: a device, the id of a passkey, or (pasted) the passkey
 * itself, of which only the id goes on.
 */
export const namedPasskey = (what: string): { readonly deviceFolded: string; readonly id: string } => {
  const typed = what.isWellFormed() ? what.normalize('NFC').trim() : '';
  const plain = typed.toLowerCase();
  if (isPasskey(plain)) return { deviceFolded: '', id: passkeyIdOf(passkeyHash(plain)) };
  return { deviceFolded: foldName(typed.slice(0, 256)), id: ID.test(plain) ? plain : '' };
};

/** The personal announce URLs of each proxy that has a gate, in the order of the network. The scrape URLs follow from them. */
export const announceUrls = (
  proxies: readonly { readonly name: string; readonly announce?: { readonly host: string; readonly port: number } | null }[],
  passkey: string,
): AnnounceUrls[] =>
  proxies.flatMap(({ name, announce }) => {
    if (announce === undefined || announce === null) return [];
    const host = announce.host.includes(':') ? `[${announce.host}]` : announce.host;
    const rest = `${host}:${announce.port}/${passkey}/announce`;
    return [{ proxy: name, http: `http://${rest}`, udp: `udp://${rest}` }];
  });

/**
 * What stands in a member's torrents and links: a tier for each proxy (BEP 12), with HTTP, which carries a passkey in every
 * client. At a loopback address UDP stands after it: libtorrent announces to none there over HTTP whose path does not begin
 * with /announce (its `ssrf_mitigation`).
 */
export const announceTiers = (urls: readonly AnnounceUrls[]): string[][] =>
  urls.map(({ http, udp }) => (isLoopbackHost(new URL(http).hostname.replace(/^\[|\]$/gu, '')) ? [http, udp] : [http]));

/**
 * Announce URLs as somebody gives them who has a passkey of elsewhere, by tier: those of one host and port are one tier, in
 * their order, and at a loopback address HTTP has UDP after it, as in `announceTiers`. Error: `bad-request`.
 */
export const givenTiers = (given: readonly string[]): Result<string[][], Failure<'bad-request'>> => {
  if (given.length > ANNOUNCE_URLS_MAX) return fail('bad-request', `At most ${ANNOUNCE_URLS_MAX} announce URLs may be given`);
  const tiers = new Map<string, Set<string>>();
  for (const text of given) {
    const read = readTrackerUrl(text);
    if (!read.ok) return fail('bad-request', `This is no announce URL: ${read.error.message}`);
    const { host, port, scheme, target } = read.value;
    if (!/^[^?]*\/announce$/u.test(target))
      return fail('bad-request', 'An announce URL ends in /announce, as "shoal passkey new" prints it');
    const tier = tiers.get(`${host} ${port}`) ?? new Set();
    tiers.set(`${host} ${port}`, tier.add(text.trim()));
    if (scheme === 'http' && isLoopbackHost(host)) tier.add(printTrackerUrl({ ...read.value, scheme: 'udp' }));
  }
  return ok([...tiers.values()].map((tier) => [...tier]));
};
