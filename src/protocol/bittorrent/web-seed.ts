/** Where a web seed has the files of a torrent (BEP 19). */
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import { readTrackerUrl, type TrackerUrl } from '../tracker/tracker-url.ts';

/** An `http` or `https` URL, taken apart. */
export type WebUrl = TrackerUrl & { readonly scheme: 'http' | 'https' };

const bad = (message: string): Result<never> => fail('web-seed-url', message);

export const isLoopbackHost = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.');

/** Reads the URL of a web seed, or where it redirects to. Error: `web-seed-url`. Never throws on text. */
export const readWebUrl = (text: string, base?: WebUrl): Result<WebUrl> => {
  const read = readTrackerUrl(text, base);
  if (!read.ok) return bad('its URL is malformed, or neither http nor https');
  const { scheme } = read.value;
  if (scheme !== 'http' && scheme !== 'https') return bad('its URL is neither http nor https');
  // A torrent file is anybody's: it shall not make this node press buttons of other services on this machine.
  if (isLoopbackHost(read.value.host) && read.value.target.includes('?'))
    return bad('its URL has a query and leads to this machine itself');
  return ok({ ...read.value, scheme });
};

const isPlainName = (name: string): boolean => name !== '' && name !== '.' && name !== '..';

/**
 * The URL of a file. `path`: names as in the torrent, the torrent's own first. `single`: the torrent is one file, whose URL
 * the seed's is where that does not end with a slash; else name and path are added to it. Error: `web-seed-url`.
 */
export const webSeedFileUrl = (seed: string, path: readonly string[], single: boolean): Result<WebUrl> => {
  const base = seed.replace(/#.*$/u, '');
  const itself = readWebUrl(base);
  if (!itself.ok || (single && !base.endsWith('/'))) return itself;
  if (!path.every(isPlainName)) return bad('a name in the torrent fits no URL');
  const names = path.map((name) => encodeURIComponent(name.toWellFormed())).join('/');
  return readWebUrl(`${base}${base.endsWith('/') ? '' : '/'}${names}`);
};

/** Where a redirect leads. Not from https to http, nor from another machine to this one. Error: `web-seed-url`. */
export const webSeedRedirect = (from: WebUrl, location: string | undefined): Result<WebUrl> => {
  if (location === undefined) return bad('it redirects, and does not say where');
  const target = readWebUrl(location, from);
  if (!target.ok) return bad(`it redirects, and ${target.error.message}`);
  if (from.scheme === 'https' && target.value.scheme === 'http') return bad('it redirects from https to http');
  if (isLoopbackHost(target.value.host) && !isLoopbackHost(from.host)) return bad('it redirects to this machine itself');
  return target;
};
