/** URLs of trackers: what a client needs of one, and what may be shown of it. */
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';

export interface TrackerUrl {
  readonly scheme: 'http' | 'https' | 'udp';
  /** A name or an address, without brackets. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
  /** Path and query, percent-encoded; begins with a slash. */
  readonly target: string;
}

const urlCharactersMax = 2_048;
const defaultPorts = { http: 80, https: 443, udp: null } as const;

const schemeOf = (protocol: string): TrackerUrl['scheme'] | null =>
  protocol === 'http:' || protocol === 'https:' || protocol === 'udp:' ? (protocol.slice(0, -1) as TrackerUrl['scheme']) : null;

const bad = (message: string): Result<never> => fail('tracker-url', message);

/** Reads the URL of a tracker, or one that it redirects to. Error: `tracker-url`. Never throws on text. */
export const readTrackerUrl = (text: string, base?: TrackerUrl): Result<TrackerUrl> => {
  if (text.length > urlCharactersMax) return bad(`the tracker's URL is longer than ${urlCharactersMax} characters`);
  const url = URL.parse(text.trim(), base === undefined ? undefined : printTrackerUrl(base));
  if (url === null) return bad("the tracker's URL is malformed");
  const scheme = schemeOf(url.protocol);
  if (scheme === null) return bad(`trackers by ${url.protocol.slice(0, -1).slice(0, 16)} are not supported`);
  const host = url.hostname.replaceAll(/^\[|\]$/gu, '');
  const port = url.port === '' ? defaultPorts[scheme] : Number(url.port);
  if (host === '' || host.length > 255 || !/^[\w.:-]+$/u.test(host)) return bad("the tracker's URL names no host");
  if (port === null || port === 0) return bad("the tracker's URL names no port");
  return ok({ scheme, host, port, target: `${url.pathname === '' ? '/' : url.pathname}${url.search}` });
};

const printHost = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** What a client puts into the `Host` field: the port only where it is not the usual one. */
export const hostField = ({ scheme, host, port }: TrackerUrl): string =>
  port === defaultPorts[scheme] ? printHost(host) : `${printHost(host)}:${port}`;

export const printTrackerUrl = (url: TrackerUrl): string => `${url.scheme}://${hostField(url)}${url.target}`;

/** Parts of a path that are no word but a key: long, or with digits in the middle of letters. */
const secretPart = /^(?=.*\d)[\w%~-]{12,}$|^.{24,}$/u;

/** The URL for logs and people: passkeys in path and query are hidden, for who has one announces in its owner's name. */
export const redactTrackerUrl = (url: TrackerUrl): string => {
  const [path = '', query] = url.target.split('?', 2);
  const shown = path
    .split('/')
    .map((part) => (secretPart.test(part) ? '***' : part))
    .join('/');
  return `${url.scheme}://${hostField(url)}${shown}${query === undefined ? '' : '?***'}`;
};
