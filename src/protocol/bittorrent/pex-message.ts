/** Messages of the peer exchange (BEP 11). */
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import { bytesOf, decodeBencode, encodeBencode, entryOf } from './bencode.ts';
import { bytesOfIp, compactPeers, type PeerAddress, readCompactPeers } from './compact-peers.ts';

/** What is told of a peer beside its address. */
export const pexFlag = { seed: 0x02, reachable: 0x10 } as const;

export interface PexPeer extends PeerAddress {
  /** Of `pexFlag`; bits that are not known here are kept. */
  readonly flags: number;
}

export interface PexMessage {
  readonly added: readonly PexPeer[];
  readonly dropped: readonly PeerAddress[];
}

/** Peers added, and peers dropped, in one message: BEP 11 allows so many. */
export const pexPeersMax = 50;
/** The first message of some clients holds more; what is beyond this is left out. */
const readPeersMax = 200;
const messageBytesMax = 64 * 1024;

const isV4 = ({ host }: PeerAddress): boolean => bytesOfIp(host)?.length === 4;
const isV6 = ({ host }: PeerAddress): boolean => bytesOfIp(host)?.length === 16;
const flagsOf = (peers: readonly PexPeer[]): Uint8Array => Uint8Array.from(peers, ({ flags }) => flags);

/** Peers whose host is no IP address are left out. */
export const encodePexMessage = ({ added, dropped }: PexMessage): Uint8Array => {
  const come = compactPeers(added);
  const gone = compactPeers(dropped);
  return encodeBencode({
    added: come.v4,
    'added.f': flagsOf(added.filter(isV4)),
    added6: come.v6,
    'added6.f': flagsOf(added.filter(isV6)),
    dropped: gone.v4,
    dropped6: gone.v6,
  });
};

/** Reads a message; what is missing or of the wrong kind counts as empty. Error: `pex-message`. Never throws on bytes. */
export const decodePexMessage = (payload: Uint8Array): Result<PexMessage> => {
  const decoded = decodeBencode(payload, { bytesMax: messageBytesMax, nodesMax: 256, depthMax: 4, sortedKeys: false });
  if (!decoded.ok || decoded.value.kind !== 'dictionary') return fail('pex-message', 'a message of the peer exchange is no dictionary');
  const root = decoded.value;
  const list = (key: string, family: 'v4' | 'v6'): PeerAddress[] =>
    readCompactPeers(bytesOf(entryOf(root, key)) ?? new Uint8Array(0), family, readPeersMax);
  const added = (key: string, family: 'v4' | 'v6'): PexPeer[] => {
    const bytes = bytesOf(entryOf(root, key)) ?? new Uint8Array(0);
    const flags = bytesOf(entryOf(root, `${key}.f`)) ?? new Uint8Array(0);
    const size = family === 'v4' ? 6 : 18;
    const peers: PexPeer[] = [];
    // One by one, for those that are left out have flags, too.
    for (let n = 0; (n + 1) * size <= bytes.length && n < readPeersMax; n++)
      for (const peer of readCompactPeers(bytes.subarray(n * size, (n + 1) * size), family, 1))
        peers.push({ ...peer, flags: flags[n] ?? 0 });
    return peers;
  };
  return ok({ added: [...added('added', 'v4'), ...added('added6', 'v6')], dropped: [...list('dropped', 'v4'), ...list('dropped6', 'v6')] });
};
