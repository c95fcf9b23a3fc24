import { bytesOfIp } from '../bittorrent/compact-peers.ts';

/** An address, or all that begin with the same bits. */
export interface IpNetwork {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/** An IP address, or a network such as 10.0.0.0/8. Null for anything else. */
export const parseNetwork = (text: string): IpNetwork | null => {
  const [host = '', bitsText, ...rest] = text.split('/');
  const bytes = bytesOfIp(host);
  if (bytes === null || rest.length > 0) return null;
  const whole = bytes.length * 8;
  if (bitsText === undefined) return { bytes, bits: whole };
  const bits = /^\d{1,3}$/u.test(bitsText) ? Number(bitsText) : -1;
  return bits >= 0 && bits <= whole ? { bytes, bits } : null;
};

const isWithin = (address: Uint8Array, { bytes, bits }: IpNetwork): boolean => {
  if (address.length !== bytes.length) return false;
  return bytes.every((byte, place) => {
    const counted = Math.min(8, Math.max(0, bits - place * 8));
    const mask = (0xff << (8 - counted)) & 0xff;
    return (byte & mask) === ((address[place] ?? 0) & mask);
  });
};

/** Whether an IP address is in one of the networks. */
export const isAmong = (host: string, networks: readonly IpNetwork[]): boolean => {
  const bytes = bytesOfIp(host);
  return bytes !== null && networks.some((network) => isWithin(bytes, network));
};

const ADDRESSES_MAX = 32;

/**
 * Where a request comes from. `seen`: who has connected; `forwardedFor`: its `X-Forwarded-For`, to which every forwarder adds
 * at the end whom it has seen. From the end on, addresses are believed as long as the one who added them is trusted.
 */
export const clientHost = (seen: string, forwardedFor: string | undefined, trusted: readonly IpNetwork[]): string => {
  const claimed = (forwardedFor ?? '').split(',', ADDRESSES_MAX + 1).map((part) => part.trim().replaceAll(/^\[|\]$/gu, ''));
  let host = seen;
  while (claimed.length > 0 && claimed.length <= ADDRESSES_MAX && isAmong(host, trusted)) {
    const before = claimed.pop() ?? '';
    if (bytesOfIp(before) === null) break;
    host = before;
  }
  return host;
};
