/** Fetches of torrents by their hashes in a simulated world, for tests. */
import type { SimulatedProcess } from '../../simulations/world/index.ts';
import { type FetchedTorrent, MetadataFetch } from '../../src/data/metadata-fetch.ts';
import { PeerPort } from '../../src/data/peer-port.ts';
import { Bencoded, decodeBencode, encodeBencode, entryOf } from '../../src/protocol/bittorrent/bencode.ts';
import { type InfoHash, makePeerId } from '../../src/protocol/bittorrent/ids.ts';
import { readMetainfo } from '../../src/protocol/bittorrent/metainfo.ts';
import { type TestTorrent, valueOf } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import type { Result } from '../../src/protocol/result.ts';
import { PEER_PORT } from './swarm-kit.ts';

export interface FetchNode {
  readonly host: string;
  readonly fetch: MetadataFetch;
  readonly port: PeerPort;
  readonly result: () => Result<FetchedTorrent> | null;
  /** Tells it of somebody at the usual port. */
  learn(host: string, node?: string): void;
}

export const startFetch = (
  process: SimulatedProcess,
  hashes: { readonly v1?: InfoHash | null; readonly v2?: InfoHash | null },
): FetchNode => {
  let made: FetchNode | undefined;
  process.start((incarnation) => {
    const { clock, crypto, transport } = incarnation.ports;
    const port = new PeerPort({
      clock,
      transport,
      crypto,
      encryption: 'allowed',
      peerId: makePeerId(crypto.secretBytes(12)),
      node: process.name,
      client: 'Shoal test',
      peersMax: 64,
    });
    let result: Result<FetchedTorrent> | null = null;
    const fetch = new MetadataFetch({ clock, port, v1: hashes.v1 ?? null, v2: hashes.v2 ?? null, done: (answer) => (result = answer) });
    port.listen({ host: '0.0.0.0', port: PEER_PORT }, (listening) => {
      valueOf(listening);
      fetch.start();
    });
    made = {
      host: process.host,
      fetch,
      port,
      result: () => result,
      learn: (host, node) => incarnation.step(() => fetch.learn({ host, port: PEER_PORT }, node ?? null)),
    };
  });
  return made as FetchNode;
};

/** The torrent with only the v2 side of its info dictionary. */
export const v2Only = (torrent: TestTorrent): TestTorrent => {
  const root = valueOf(decodeBencode(torrent.bytes));
  const info = entryOf(root, 'info');
  if (info?.kind !== 'dictionary' || root.kind !== 'dictionary') throw new Error('no info');
  const raw = (from: ReadonlyMap<string, { start: number; end: number }>, without: readonly string[]): Map<Uint8Array, Bencoded> =>
    new Map(
      [...from]
        .filter(([key]) => !without.includes(key))
        .map(([key, { start, end }]) => [Buffer.from(key, 'latin1'), new Bencoded(torrent.bytes.subarray(start, end))]),
    );
  const entries = raw(root.entries, ['info']);
  entries.set(Buffer.from('info'), new Bencoded(encodeBencode(raw(info.entries, ['pieces', 'files', 'length']))));
  const bytes = encodeBencode(entries);
  return { plan: torrent.plan, bytes, metainfo: valueOf(readMetainfo(bytes)) };
};
