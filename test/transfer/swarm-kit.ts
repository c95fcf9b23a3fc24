/** Nodes that exchange one torrent in a simulated world, without tracker or machines: for tests of the data plane. */
import type { Incarnation, SimulatedProcess } from '../../simulations/world/index.ts';
import { BufferPool } from '../../src/data/buffers.ts';
import { Content } from '../../src/data/content.ts';
import { Exchange } from '../../src/data/exchange.ts';
import { dataLimits } from '../../src/data/limits.ts';
import { OpenFiles } from '../../src/data/open-files.ts';
import { PeerPort } from '../../src/data/peer-port.ts';
import { RateGate } from '../../src/data/rate-gate.ts';
import { Storage } from '../../src/data/storage.ts';
import type { EncryptionPolicy } from '../../src/data/stream-encryption.ts';
import { Uplink } from '../../src/data/uplink.ts';
import { createLayout } from '../../src/domain/transfer/torrent-layout.ts';
import { makePeerId, type PieceIndex } from '../../src/protocol/bittorrent/ids.ts';
import { readMetainfo } from '../../src/protocol/bittorrent/metainfo.ts';
import { type TestFile, type TestTorrent, valueOf } from '../../src/protocol/bittorrent/torrent.test-kit.ts';

export const PEER_PORT = 6881;

export interface SwarmNodeOptions {
  readonly uploadRate?: number;
  readonly downloadRate?: number;
  /** Of the transfer. */
  readonly peersMax?: number;
  /** Of the node: connections, those that have not said hello yet among them. */
  readonly nodePeersMax?: number;
  readonly uploadSlots?: number;
  readonly pieceBufferBytesMax?: number;
  /** The node that it says it is; without this, the truth. */
  readonly claim?: string;
  readonly encryption?: EncryptionPolicy;
}

export interface SwarmNode {
  readonly name: string;
  readonly host: string;
  readonly incarnation: Incarnation;
  readonly content: Content;
  readonly exchange: Exchange;
  readonly port: PeerPort;
  readonly pool: BufferPool;
  readonly completedAt: () => number | null;
  readonly failures: readonly { readonly code: string; readonly message: string }[];
  readonly banned: readonly string[];
  /** Where a file of the torrent lies. */
  path(file: number): string;
}

/** Puts files of the torrent on the process's disk, below `/data`. */
export const putFiles = (process: SimulatedProcess, torrent: TestTorrent, files: readonly TestFile[]): void => {
  const layout = valueOf(createLayout(torrent.metainfo));
  for (const file of layout.files) {
    const source = files.find((one) => [torrent.plan.name, ...one.path].join('/') === file.path.join('/')) ?? files[0];
    const path = `/data/${file.diskPath.join('/')}`;
    process.disk.makeFolder(path.slice(0, path.lastIndexOf('/')));
    valueOf(process.disk.writeFile(path, source?.bytes ?? new Uint8Array(0)));
  }
};

/** Starts a node for the torrent. With `has`, everything is taken for granted as it lies on its disk. */
export const startNode = (process: SimulatedProcess, torrent: TestTorrent, has: boolean, options: SwarmNodeOptions = {}): SwarmNode => {
  let node: SwarmNode | undefined;
  process.start((incarnation) => {
    node = compose(process, incarnation, torrent, has, options);
  });
  return node as SwarmNode;
};

const compose = (
  process: SimulatedProcess,
  incarnation: Incarnation,
  torrent: TestTorrent,
  has: boolean,
  options: SwarmNodeOptions,
): SwarmNode => {
  const { clock, crypto, disk, random, transport } = incarnation.ports;
  const metainfo = valueOf(readMetainfo(torrent.bytes));
  const layout = valueOf(createLayout(metainfo));
  const pool = new BufferPool(crypto, options.pieceBufferBytesMax ?? 8 * 1024 * 1024);
  const path = (file: number): string => `/data/${layout.files[file]?.diskPath.join('/')}`;
  const files = layout.files.map((_, file) => ({ path: path(file), facts: null, adopted: false }));
  const storage = new Storage({ layout, disk, clock, open: new OpenFiles(disk, dataLimits.openFilesMax), files });
  const content = new Content({ metainfo, layout, storage, clock, crypto, pool });
  if (has) for (let piece = 0; piece < layout.pieceCount; piece++) content.map.gain(piece as PieceIndex);
  const port = new PeerPort({
    clock,
    transport,
    crypto,
    encryption: options.encryption ?? 'allowed',
    peerId: makePeerId(crypto.secretBytes(12)),
    node: options.claim ?? process.name,
    client: 'Shoal test',
    peersMax: options.nodePeersMax ?? 64,
  });
  const failures: { code: string; message: string }[] = [];
  const banned: string[] = [];
  let completedAt: number | null = null;
  const exchange = new Exchange({
    clock,
    random,
    content,
    pool,
    uplink: new Uplink(new RateGate(clock, options.uploadRate ?? 0)),
    downGate: new RateGate(clock, options.downloadRate ?? 0),
    dialler: port,
    web: { clock, transport, client: 'Shoal test', localHosts: [] },
    peersMax: options.peersMax ?? 50,
    uploadSlots: options.uploadSlots ?? 8,
    events: {
      stored() {},
      complete: () => void (completedAt = process.world.now()),
      supply() {},
      banned: (name) => void banned.push(name),
      failed: (failure) => void failures.push(failure),
    },
  });
  port.listen({ host: '0.0.0.0', port: PEER_PORT }, (result) => {
    if (!result.ok) throw new Error(result.error.message);
    port.register(exchange);
    exchange.start();
  });
  return {
    name: process.name,
    host: process.host,
    incarnation,
    content,
    exchange,
    port,
    pool,
    completedAt: () => completedAt,
    failures,
    banned,
    path,
  };
};

/** Tells a node of another one, as the tracker would. */
export const introduce = (node: SwarmNode, other: SwarmNode, seeder: boolean): void =>
  node.incarnation.step(() => {
    node.exchange.learn({ host: other.host, port: PEER_PORT }, other.name, seeder);
    node.exchange.connectMore();
  });

/** The bytes of a file as they lie on the node's disk. */
export const bytesOf = (node: SwarmNode, file: number): Uint8Array =>
  valueOf(node.incarnation.process.disk.readFile(node.path(file), 2 ** 30));
