import type { WireAddress } from '../../protocol/control/messages.ts';

/** What kind of place a host is. `name` is a host name, which the asker resolves. */
type HostKind = 'loopback' | 'any' | 'v4' | 'v6' | 'name' | 'useless';

interface Host {
  readonly kind: HostKind;
  readonly host: string;
  /** /24 of IPv4, /64 of IPv6; null where there is none. */
  readonly subnet: string | null;
}

const V4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/u;

const parseV4 = (host: string): Host | null => {
  const found = V4.exec(host);
  if (found === null || found.slice(1).some((part) => Number(part) > 255)) return null;
  if (host === '0.0.0.0') return { kind: 'any', host, subnet: null };
  return { kind: found[1] === '127' ? 'loopback' : 'v4', host, subnet: `4 ${found[1]}.${found[2]}.${found[3]}` };
};

/** The eight groups of an IPv6 address in hexadecimal digits, or null. */
const groupsOf = (host: string): string[] | null => {
  const halves = host.split('::');
  if (halves.length > 2) return null;
  const [left = [], right = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - left.length - right.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const groups = [...left, ...Array<string>(halves.length === 1 ? 0 : missing).fill('0'), ...right];
  return groups.every((group) => /^[0-9a-f]{1,4}$/u.test(group)) ? groups.map((group) => group.replace(/^0+(?=.)/u, '')) : null;
};

const parseV6 = (host: string): Host | null => {
  const groups = groupsOf(host);
  if (groups === null) return null;
  const text = groups.join(':');
  if (text === '0:0:0:0:0:0:0:0') return { kind: 'any', host, subnet: null };
  if (text === '0:0:0:0:0:0:0:1') return { kind: 'loopback', host, subnet: null };
  // A link-local address means nothing without the name of an interface there.
  if (/^fe[89ab]/u.test(text)) return { kind: 'useless', host, subnet: null };
  return { kind: 'v6', host, subnet: `6 ${groups.slice(0, 4).join(':')}` };
};

/** A host name's last part is no number. */
const HOST_NAME = /^(?!(?:.*\.)?\d+$)[a-z0-9][a-z0-9.-]{0,252}$/u;

/** Without brackets and capitals; an IPv4 address within IPv6 as what it is. */
export const plainHost = (host: string): string =>
  host
    .toLowerCase()
    .replace(/^\[|\]$/gu, '')
    .replace(/^::ffff:(?=\d+\.)/u, '');

const parseHost = (raw: string): Host => {
  const host = plainHost(raw);
  if (host === 'localhost') return { kind: 'loopback', host: '127.0.0.1', subnet: null };
  const parsed = host.includes(':') ? parseV6(host) : parseV4(host);
  if (parsed !== null) return parsed;
  return { kind: HOST_NAME.test(host) ? 'name' : 'useless', host, subnet: null };
};

export interface Place extends Host {
  readonly port: number;
}

/** Where a node is, as far as others are concerned. */
export interface Reach {
  /** The proxy that it is connected to. */
  readonly proxy: string;
  /** Whether that proxy sees it on the proxy's own machine. */
  readonly local: boolean;
  readonly places: readonly Place[];
  /** The networks that it is in. */
  readonly subnets: ReadonlySet<string>;
  /** Two nodes that share one of these are near each other: a /24, a /64, or the machine of a proxy. */
  readonly neighbourhoods: readonly string[];
  readonly families: ReadonlySet<HostKind>;
}

/** Addresses that a node may advertise. */
export const ADDRESSES_MAX = 8;

const validPort = (port: number): boolean => Number.isInteger(port) && port > 0 && port < 65_536;

/**
 * Puts together what a node says of itself and what its proxy sees. A wildcard (0.0.0.0, ::) stands for the observed
 * host; so does the observed host beside anything but loopback addresses: the node may be behind a translator that forwards the port.
 */
export const reachOf = (addresses: readonly WireAddress[], observedHost: string, proxy: string): Reach => {
  const observed = parseHost(observedHost);
  const places: Place[] = [];
  const add = (host: Host, port: number): void => {
    if (!places.some((place) => place.host === host.host && place.port === port)) places.push({ ...host, port });
  };
  for (const { host, port } of addresses.slice(0, ADDRESSES_MAX)) {
    const parsed = parseHost(host);
    if (!validPort(port) || parsed.kind === 'useless') continue;
    add(parsed.kind === 'any' ? observed : parsed, port);
  }
  const outside = places.find((place) => place.kind !== 'loopback');
  if (outside !== undefined && (observed.kind === 'v4' || observed.kind === 'v6')) add(observed, outside.port);
  const all = [...places, observed];
  const subnets = new Set(all.flatMap(({ kind, subnet }) => (subnet === null || kind === 'loopback' ? [] : [subnet])));
  return {
    proxy,
    local: observed.kind === 'loopback',
    places: places.filter(({ kind }) => kind !== 'useless' && kind !== 'any'),
    subnets,
    neighbourhoods: observed.kind === 'loopback' ? [`machine ${proxy}`, ...subnets] : [...subnets],
    families: new Set(all.map(({ kind }) => kind)),
  };
};

/**
 * By which of its addresses `asker` should try `target`, or null when there is none for it. On one machine loopback is
 * first; a loopback address never goes to a node elsewhere. Otherwise one in the asker's own network, then one of a
 * family that the asker has. `fits`: others are not looked at.
 */
export const addressFor = (target: Reach, asker: Reach, fits: (place: Place) => boolean = () => true): WireAddress | null => {
  const loopback = target.local && asker.local ? target.places.find((place) => place.kind === 'loopback' && fits(place)) : undefined;
  const outside = target.places.filter((place) => place.kind !== 'loopback' && fits(place));
  const best =
    (target.proxy === asker.proxy ? loopback : undefined) ??
    outside.find(({ subnet }) => subnet !== null && asker.subnets.has(subnet)) ??
    outside.find(({ kind }) => kind === 'name' || asker.families.has(kind)) ??
    outside[0] ??
    loopback;
  return best === undefined ? null : { host: best.host, port: best.port };
};
