/** Downloads from web servers in a simulated world, for tests. */
import assert from 'node:assert/strict';
import { World } from '../../simulations/world/index.ts';
import { seconds } from '../../src/ports/clock.ts';
import type { PlanOptions } from '../../src/protocol/bittorrent/make.ts';
import { readMetainfo } from '../../src/protocol/bittorrent/metainfo.ts';
import { redress } from '../../src/protocol/bittorrent/redress.ts';
import { makeTestTorrent, type TestFile, type TestTorrent, testBytes, valueOf } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { bytesOf, startNode, type SwarmNode, type SwarmNodeOptions } from './swarm-kit.ts';
import { WebServer } from './web-server.ts';

export const SIZE = 3_000_000;
export const PIECE = 65_536;
export const ONE: readonly TestFile[] = [{ path: [], bytes: testBytes(SIZE) }];
export const FOLDER: readonly TestFile[] = [
  { path: ['bộ ảnh', 'một 100%.bin'], bytes: testBytes(300_001, 2) },
  { path: ['hai#?.bin'], bytes: testBytes(10, 3) },
  { path: ['rỗng.txt'], bytes: new Uint8Array(0) },
  { path: ['z', 'ba.bin'], bytes: testBytes(1_000_000, 4) },
];
export const FOLDER_BYTES = 1_300_011;

export interface Scene {
  readonly world: World;
  readonly torrent: TestTorrent;
  readonly servers: readonly WebServer[];
  readonly server: WebServer;
  leech(options?: SwarmNodeOptions): SwarmNode;
}

export interface SceneOptions extends Partial<PlanOptions> {
  readonly servers?: number;
  /** Of each server's line. */
  readonly bytesPerSecond?: number;
  /** Changes the torrent before web seeds are put into it. */
  readonly reshape?: (torrent: TestTorrent) => TestTorrent;
  /** What the torrent names, in place of the servers' URLs. */
  readonly urls?: (servers: readonly WebServer[]) => readonly string[];
}

/** Some web servers that have the files, and a torrent that names them. */
export const scene = (files: readonly TestFile[], options: SceneOptions = {}): Scene => {
  const world = new World({ seed: 1 });
  const { servers: count = 1, bytesPerSecond, reshape = (torrent) => torrent, urls, ...plan } = options;
  const name = files === ONE ? 'one.bin' : 'thư mục';
  const made = reshape(makeTestTorrent(files, { name, pieceLength: PIECE, ...plan }));
  const servers = Array.from({ length: count }, (_, n) => new WebServer(world, `web${n}`, bytesPerSecond));
  for (const server of servers) {
    for (const { bytes, path } of files) server.files.set(`/${[name, ...path].map(encodeURIComponent).join('/')}`, bytes);
  }
  const webSeeds = urls?.(servers) ?? servers.map(({ url }) => url);
  const bytes = valueOf(redress(made.bytes, { trackers: [], webSeeds }));
  const torrent = { plan: made.plan, bytes, metainfo: valueOf(readMetainfo(bytes)) };
  return {
    world,
    torrent,
    servers,
    server: servers[0] as WebServer,
    leech: (nodeOptions) => {
      const node = startNode(world.process('leech'), torrent, false, nodeOptions);
      world.runFor(1_000);
      return node;
    },
  };
};

/** Waits until the download is complete; it must be right, and hold no memory. */
export const arrives = ({ world }: Scene, leech: SwarmNode, files: readonly TestFile[], within = 60): void => {
  assert.ok(
    world.runUntil(() => leech.completedAt() !== null, seconds(within)),
    JSON.stringify([leech.content.map.leftBytes, leech.failures, leech.exchange.webSeeds.reports]),
  );
  for (const [n, file] of leech.content.layout.files.entries()) {
    const source = files.find(({ path }) => path.join('/') === file.path.slice(1).join('/'));
    if (file.size > 0) assert.equal(Buffer.compare(bytesOf(leech, n), source?.bytes ?? new Uint8Array(0)), 0, file.path.join('/'));
  }
  world.runFor(1_000);
  assert.equal(leech.pool.usedBytes, 0);
};
