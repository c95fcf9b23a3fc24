/** Web seeds (BEP 19) as another source of a download. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../simulations/world/index.ts';
import { seconds } from '../../src/ports/clock.ts';
import { redress } from '../../src/protocol/bittorrent/redress.ts';
import { readMetainfo } from '../../src/protocol/bittorrent/metainfo.ts';
import { makeTestTorrent, type TestFile, type TestTorrent, testBytes, valueOf } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import type { PlanOptions } from '../../src/protocol/bittorrent/make.ts';
import { bytesOf, introduce, putFiles, startNode, type SwarmNode, type SwarmNodeOptions } from './swarm-kit.ts';
import { WebServer } from './web-server.ts';

const SIZE = 3_000_000;
const PIECE = 65_536;
const ONE: readonly TestFile[] = [{ path: [], bytes: testBytes(SIZE) }];

interface Scene {
  readonly world: World;
  readonly torrent: TestTorrent;
  readonly servers: readonly WebServer[];
  readonly server: WebServer;
  leech(options?: SwarmNodeOptions): SwarmNode;
}

const served = (files: readonly TestFile[], name: string): Map<string, Uint8Array> =>
  new Map(files.map(({ bytes, path }) => [`/${[name, ...path].map(encodeURIComponent).join('/')}`, bytes]));

const scene = (files: readonly TestFile[], plan: Partial<PlanOptions> = {}, serverCount = 1): Scene => {
  const world = new World({ seed: 1 });
  const name = plan.name ?? 'one.bin';
  const made = makeTestTorrent(files, { name, pieceLength: PIECE, ...plan });
  const servers = Array.from({ length: serverCount }, (_, n) => new WebServer(world, `web${n}`));
  for (const server of servers) for (const [path, bytes] of served(files, name)) server.files.set(path, bytes);
  const bytes = valueOf(redress(made.bytes, { trackers: [], webSeeds: servers.map(({ url }) => url) }));
  const torrent = { plan: made.plan, bytes, metainfo: valueOf(readMetainfo(bytes)) };
  return {
    world,
    torrent,
    servers,
    server: servers[0] as WebServer,
    leech: (options) => {
      const node = startNode(world.process('leech'), torrent, false, options);
      world.runFor(1_000);
      return node;
    },
  };
};

const arrives = ({ world }: Scene, leech: SwarmNode, files: readonly TestFile[], within = 60): void => {
  assert.ok(
    world.runUntil(() => leech.completedAt() !== null, seconds(within)),
    JSON.stringify([leech.content.map.leftBytes, leech.failures, leech.exchange.webSeeds.reports]),
  );
  for (const [n, file] of leech.content.layout.files.entries()) {
    const source = files.find(({ path }) => path.join('/') === file.path.slice(1).join('/'));
    assert.equal(Buffer.compare(bytesOf(leech, n), source?.bytes ?? new Uint8Array(0)), 0, file.path.join('/'));
  }
  assert.equal(leech.pool.usedBytes, 0);
};

test('a file comes from a web seed alone: long ranges, few connections, no byte twice', () => {
  const all = scene(ONE);
  const leech = all.leech();
  arrives(all, leech, ONE);
  const { server } = all;
  assert.equal(server.askedBytes, SIZE);
  assert.ok(server.asked.length <= 10, `${server.asked.length} requests`);
  assert.ok(server.connections <= 2, `${server.connections} connections`);
  assert.deepEqual([...leech.exchange.sources], [[server.url, SIZE]]);
  assert.equal(leech.exchange.down.total, SIZE);
  const [report] = leech.exchange.webSeeds.reports;
  assert.equal(report?.state, 'idle');
  assert.equal(report?.downloadedBytes, SIZE);
  all.world.runFor(seconds(30));
  assert.equal(server.connectionsNow, 0, 'when everything is here the server is left alone');
});
