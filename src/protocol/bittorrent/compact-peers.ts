/** IP addresses as bytes, and the compact lists of peers that trackers (BEP 7, 23) and peer exchange (BEP 11) use. */

/** An IP address without brackets, and a port from 1 to 65535. */
export interface PeerAddress {
  readonly host: string;
  readonly port: number;
}

const v4Bytes = 4;
const v6Bytes = 16;
const portBytes = 2;

/** 6 bytes for each IPv4 peer. */
export const compactPeerBytesV4 = v4Bytes + portBytes;
/** 18 bytes for each IPv6 peer. */
export const compactPeerBytesV6 = v6Bytes + portBytes;

const V4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/u;

const bytesOfV4 = (host: string): Uint8Array | null => {
  const parts = V4.exec(host)?.slice(1).map(Number);
  return parts === undefined || parts.some((part) => part > 255) ? null : Uint8Array.from(parts);
};

/** Groups of four hexadecimal digits; at the end of an address the last may be an IPv4 address. */
const groupsOf = (text: string, atEnd: boolean): number[] | null => {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [place, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/iu.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const v4 = atEnd && place === parts.length - 1 ? bytesOfV4(part) : null;
    if (v4 === null) return null;
    const [a, b, c, d] = v4 as unknown as [number, number, number, number];
    groups.push((a << 8) | b, (c << 8) | d);
  }
  return groups;
};

const bytesOfV6 = (host: string): Uint8Array | null => {
  const halves = host.split('::');
  if (halves.length > 2) return null;
  const left = groupsOf(halves[0] ?? '', halves.length === 1);
  const right = halves.length === 2 ? groupsOf(halves[1] ?? '', true) : [];
  if (left === null || right === null) return null;
  const missing = 8 - left.length - right.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const bytes = new Uint8Array(v6Bytes);
  const groups = [...left, ...Array<number>(missing).fill(0), ...right];
  for (const [place, group] of groups.entries()) bytes.set([group >> 8, group & 0xff], place * 2);
  return bytes;
};

const mappedV4 = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

const isMapped = (bytes: Uint8Array): boolean => Buffer.compare(bytes.subarray(0, mappedV4.length), mappedV4) === 0;

/** 4 bytes of an IPv4 address (one mapped into IPv6 counts as IPv4), 16 of an IPv6 one; null for anything else, such as a name. */
export const bytesOfIp = (host: string): Uint8Array | null => {
  if (!host.includes(':')) return bytesOfV4(host);
  const bytes = bytesOfV6(host);
  return bytes !== null && isMapped(bytes) ? bytes.subarray(mappedV4.length) : bytes;
};

/** The longest run of two or more zero groups, as RFC 5952 (4.2.3) cuts it out. */
const zeroRun = (groups: readonly number[]): { readonly at: number; readonly length: number } => {
  let best = { at: -1, length: 1 };
  for (let at = 0; at < groups.length; at++) {
    let length = 0;
    while (groups[at + length] === 0) length++;
    if (length > best.length) best = { at, length };
    at += length;
  }
  return best;
};

/** The address that 4 or 16 bytes are, as RFC 5952 writes it; IPv4 that is mapped into IPv6 as IPv4. Null for other lengths. */
export const ipOfBytes = (bytes: Uint8Array): string | null => {
  if (bytes.length === v4Bytes) return bytes.join('.');
  if (bytes.length !== v6Bytes) return null;
  if (isMapped(bytes)) return bytes.subarray(mappedV4.length).join('.');
  const groups = Array.from({ length: 8 }, (_, place) => ((bytes[place * 2] as number) << 8) | (bytes[place * 2 + 1] as number));
  const text = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  const { at, length } = zeroRun(groups);
  return at < 0 ? text(groups) : `${text(groups.slice(0, at))}::${text(groups.slice(at + length))}`;
};

/** Peers by kind of address, ready to be sent. Those whose host is no IP address are left out. */
export const compactPeers = (peers: readonly PeerAddress[]): { readonly v4: Uint8Array; readonly v6: Uint8Array } => {
  const parts: { readonly v4: Uint8Array[]; readonly v6: Uint8Array[] } = { v4: [], v6: [] };
  for (const { host, port } of peers) {
    const bytes = bytesOfIp(host);
    if (bytes === null) continue;
    parts[bytes.length === v4Bytes ? 'v4' : 'v6'].push(bytes, Uint8Array.of(port >> 8, port & 0xff));
  }
  return { v4: new Uint8Array(Buffer.concat(parts.v4)), v6: new Uint8Array(Buffer.concat(parts.v6)) };
};

/** Reads a compact list, at most `peersMax` of it. Peers at port 0 and a cut-off last one are left out, for both are seen in the wild. */
export const readCompactPeers = (bytes: Uint8Array, family: 'v4' | 'v6', peersMax: number): PeerAddress[] => {
  const hostBytes = family === 'v4' ? v4Bytes : v6Bytes;
  const peers: PeerAddress[] = [];
  for (let at = 0; at + hostBytes + portBytes <= bytes.length && peers.length < peersMax; at += hostBytes + portBytes) {
    const host = ipOfBytes(bytes.subarray(at, at + hostBytes));
    const port = ((bytes[at + hostBytes] as number) << 8) | (bytes[at + hostBytes + 1] as number);
    if (host !== null && port > 0) peers.push({ host, port });
  }
  return peers;
};
