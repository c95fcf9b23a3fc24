/** What a tracker answers to an announce over HTTP: BEP 3, 7 (peers6), 23 (compact), 24 (external ip), 31 (retry in). */
import type { BencodeNode, BencodeValue } from '../bittorrent/bencode.ts';
import { bytesOf, countOf, decodeBencodePrefix, encodeBencode, entryOf, itemsOf, textOf } from '../bittorrent/bencode.ts';
import { bytesOfIp, compactPeers, ipOfBytes, readCompactPeers } from '../bittorrent/compact-peers.ts';
import type { PeerId } from '../bittorrent/ids.ts';
import { peerIdFrom } from '../bittorrent/ids.ts';
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';

export interface TrackerPeer {
  /** An IP address; of a reply that is not compact it may be a name. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
  /** Compact replies have none. */
  readonly peerId: PeerId | null;
}

export interface AnnounceReply {
  readonly kind: 'reply';
  /** When to announce again; null where the tracker does not say. */
  readonly intervalSeconds: number | null;
  /** Not to announce before; null where the tracker does not say. */
  readonly minIntervalSeconds: number | null;
  /** Peers that have everything; null where the tracker does not say. */
  readonly seeders: number | null;
  readonly leechers: number | null;
  readonly peers: readonly TrackerPeer[];
  /** A sentence for the user of the client. */
  readonly warning: string | null;
  readonly trackerId: string | null;
  /** The client's address as the tracker sees it (BEP 24). */
  readonly externalIp: string | null;
}

export interface TrackerRefusal {
  readonly kind: 'refusal';
  readonly reason: string;
  /** BEP 31, in seconds; `never` means what it says, null leaves it to the client. */
  readonly retryInSeconds: number | 'never' | null;
}

export const replyBytesMax = 1_048_576;
const sentenceCharactersMax = 512;
const trackerIdCharactersMax = 256;
/** Longer is no interval but a mistake, or mischief. */
const intervalSecondsMax = 7 * 24 * 3_600;
const hostName = /^[a-z0-9](?:[a-z0-9._-]{0,252})$/iu;

/** Reads a reply, and at most `peersMax` of its peers. Error: `reply-invalid`. Never throws on bytes. */
export const readAnnounceReply = (bytes: Uint8Array, peersMax: number): Result<AnnounceReply | TrackerRefusal> => {
  const root = readTrackerDictionary(bytes);
  if (!root.ok) return root;
  const refusal = readRefusal(root.value);
  if (refusal !== null) return ok(refusal);
  const at = (key: string): BencodeNode | undefined => entryOf(root.value, key);
  const peers = readPeers(at('peers'), 'v4', peersMax);
  return ok({
    kind: 'reply',
    intervalSeconds: countOf(at('interval'), intervalSecondsMax) ?? null,
    minIntervalSeconds: countOf(at('min interval'), intervalSecondsMax) ?? null,
    seeders: countOf(at('complete')) ?? null,
    leechers: countOf(at('incomplete')) ?? null,
    peers: [...peers, ...readPeers(at('peers6'), 'v6', peersMax - peers.length)],
    warning: sentence(at('warning message')),
    trackerId: textOf(at('tracker id'))?.slice(0, trackerIdCharactersMax) ?? null,
    externalIp: ipOfBytes(bytesOf(at('external ip')) ?? new Uint8Array()),
  });
};

/** The dictionary that every reply of a tracker is. What follows it is let be: some end it by a line break, some sort no keys. */
export const readTrackerDictionary = (bytes: Uint8Array): Result<BencodeNode> => {
  const decoded = decodeBencodePrefix(bytes, { bytesMax: replyBytesMax, sortedKeys: false });
  return decoded.kind === 'complete' && decoded.value.kind === 'dictionary'
    ? ok(decoded.value)
    : fail('reply-invalid', 'the tracker answered with something else than a bencoded dictionary');
};

/** Null where the reply is none. */
export const readRefusal = (root: BencodeNode): TrackerRefusal | null => {
  const reason = sentence(entryOf(root, 'failure reason'));
  if (reason === null) return null;
  const retry = entryOf(root, 'retry in');
  const minutes = countOf(retry, intervalSecondsMax / 60);
  return { kind: 'refusal', reason, retryInSeconds: textOf(retry) === 'never' ? 'never' : minutes === undefined ? null : minutes * 60 };
};

/** For people and logs: no control characters, no end of lines. */
const sentence = (node: BencodeNode | undefined): string | null =>
  textOf(node)
    ?.toWellFormed()
    .slice(0, sentenceCharactersMax)
    .replaceAll(/\p{Cc}/gu, ' ') ?? null;

const readPeers = (node: BencodeNode | undefined, family: 'v4' | 'v6', peersMax: number): TrackerPeer[] => {
  const compact = bytesOf(node);
  if (compact !== undefined) return readCompactPeers(compact, family, peersMax).map((peer) => ({ ...peer, peerId: null }));
  const peers: TrackerPeer[] = [];
  for (const item of itemsOf(node) ?? []) {
    const host = textOf(entryOf(item, 'ip')) ?? '';
    const port = countOf(entryOf(item, 'port'), 65_535) ?? 0;
    if (peers.length >= peersMax) break;
    if (port === 0 || (bytesOfIp(host) === null && !hostName.test(host))) continue;
    peers.push({ host, port, peerId: peerIdFrom(new Uint8Array(bytesOf(entryOf(item, 'peer id')) ?? [])) });
  }
  return peers;
};

/** Encodes a reply as the client asked for it. Peers whose host is no IP address are left out of a compact one. */
export const encodeAnnounceReply = (reply: AnnounceReply, wish: { readonly compact: boolean; readonly noPeerId: boolean }): Uint8Array => {
  const { v4, v6 } = compactPeers(reply.peers);
  const peers: Record<string, BencodeValue> = wish.compact
    ? { peers: v4, ...(v6.length > 0 ? { peers6: v6 } : {}) }
    : { peers: reply.peers.map((peer) => peerValue(peer, wish.noPeerId)) };
  return encodeBencode({
    interval: reply.intervalSeconds ?? undefined,
    'min interval': reply.minIntervalSeconds ?? undefined,
    complete: reply.seeders ?? undefined,
    incomplete: reply.leechers ?? undefined,
    'warning message': reply.warning ?? undefined,
    'tracker id': reply.trackerId ?? undefined,
    'external ip': (reply.externalIp === null ? null : bytesOfIp(reply.externalIp)) ?? undefined,
    ...peers,
  });
};

const peerValue = ({ host, port, peerId }: TrackerPeer, noPeerId: boolean): BencodeValue => ({
  ip: host,
  port,
  ...(noPeerId || peerId === null ? {} : { 'peer id': peerId }),
});

/** `failure reason`, also of a scrape; `retryInSeconds` is told in whole minutes, upwards. */
export const encodeRefusal = ({ reason, retryInSeconds }: Omit<TrackerRefusal, 'kind'>): Uint8Array =>
  encodeBencode({
    'failure reason': reason,
    'retry in': retryInSeconds === null ? undefined : retryInSeconds === 'never' ? 'never' : Math.ceil(retryInSeconds / 60),
  });
