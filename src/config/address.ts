import { type Address, formatAddress } from '../transports/transport.ts';

const HOST = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.?$/iu;
const IPV6 = /^[0-9a-f:.]{2,45}(?:%[a-z0-9]{1,15})?$/iu;

/** `HOST:PORT`, with an IPv6 address in brackets. Null where it is none; port 0 counts as one. */
export const parseAddress = (text: string): Address | null => {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/u.exec(text);
  if (match === null) return null;
  const [, bracketed, plain, digits] = match;
  const port = Number(digits);
  if (port > 65_535) return null;
  if (bracketed !== undefined) return IPV6.test(bracketed) && bracketed.includes(':') ? { host: bracketed, port } : null;
  return plain !== undefined && plain.length <= 253 && HOST.test(plain) ? { host: plain, port } : null;
};

export { formatAddress };

/** Whether `host` names this machine alone. */
export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/u.test(host);
