/** Web seeds (BEP 19) as another source of a download. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seconds } from '../../src/ports/clock.ts';
import { encodeBencode } from '../../src/protocol/bittorrent/bencode.ts';
import type { PieceIndex } from '../../src/protocol/bittorrent/ids.ts';
import { readMetainfo } from '../../src/protocol/bittorrent/metainfo.ts';
import { type TestTorrent, valueOf } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { sha1 } from '../../src/protocol/digest.ts';
import { v2Only } from './fetch-kit.ts';
import { introduce, putFiles, startNode } from './swarm-kit.ts';
import { arrives, FOLDER, FOLDER_BYTES, ONE, scene, SIZE } from './web-seed-kit.ts';

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

/** As old makers write it: pieces run across files; with padding of odd lengths between them where that is asked for. */
const plainV1 =
  (padding: number) =>
  ({ plan }: TestTorrent): TestTorrent => {
    const all = FOLDER.flatMap(({ bytes, path }) => [
      { bytes, path, attr: undefined },
      ...(padding === 0 ? [] : [{ bytes: new Uint8Array(padding), path: ['.pad', String(padding)], attr: 'p' }]),
    ]);
    const whole = Buffer.concat(all.map(({ bytes }) => bytes));
    const pieces = Array.from({ length: Math.ceil(whole.length / 50_000) }, (_, n) => sha1(whole.subarray(n * 50_000, (n + 1) * 50_000)));
    const bytes = encodeBencode({
      info: {
        name: plan.name,
        'piece length': 50_000,
        files: all.map((file) => ({ length: file.bytes.length, path: file.path, attr: file.attr })),
        pieces: new Uint8Array(Buffer.concat(pieces)),
      },
    });
    return { plan, bytes, metainfo: valueOf(readMetainfo(bytes)) };
  };

for (const [kind, reshape] of [
  ['a hybrid torrent', (torrent: TestTorrent) => torrent],
  ['a v2-only torrent', v2Only],
  ['a v1 torrent whose pieces run across files', plainV1(0)],
  ['a v1 torrent with padding within pieces', plainV1(70_001)],
] as const) {
  test(`${kind} of several files comes from a web seed; names are encoded, padding is not asked for`, () => {
    const all = scene(FOLDER, { reshape });
    const leech = all.leech();
    arrives(all, leech, FOLDER);
    assert.equal(all.server.askedBytes, FOLDER_BYTES);
    assert.equal(leech.exchange.down.total, FOLDER_BYTES);
  });
}

test('the URL of a torrent of one file may be that of the file', () => {
  const all = scene(ONE, { urls: ([server]) => [`${server?.url}elsewhere/x.iso`] });
  all.server.files.set('/elsewhere/x.iso', ONE[0]?.bytes ?? new Uint8Array(0));
  arrives(all, all.leech(), ONE);
});

test('a web seed and a peer share the work, both count as sources, and little comes twice', () => {
  const all = scene(ONE, { bytesPerSecond: 300_000 });
  putFiles(all.world.process('seed'), all.torrent, ONE);
  const seed = startNode(all.world.process('seed'), all.torrent, true, { uploadRate: 300_000 });
  const leech = all.leech();
  introduce(leech, seed, true);
  arrives(all, leech, ONE);
  const { down, sources } = leech.exchange;
  const fromSeed = sources.get('seed') ?? 0;
  const fromWeb = sources.get(all.server.url) ?? 0;
  assert.equal(fromSeed + fromWeb, SIZE);
  assert.ok(fromSeed > SIZE / 4 && fromWeb > SIZE / 4, `${fromSeed} from the peer, ${fromWeb} from the web`);
  assert.ok(down.total < SIZE * 1.25, `${down.total} bytes came`);
});

test('two servers are used at once, each by two connections at most', () => {
  const all = scene(ONE, { servers: 2, bytesPerSecond: 200_000 });
  const leech = all.leech();
  arrives(all, leech, ONE);
  for (const server of all.servers) {
    assert.ok(server.connectionsMost <= 2);
    assert.ok((leech.exchange.sources.get(server.url) ?? 0) > SIZE / 4);
  }
});

test('six servers: four connections at most', () => {
  const all = scene(ONE, { servers: 6, bytesPerSecond: 50_000 });
  const leech = all.leech();
  let most = 0;
  assert.ok(
    all.world.runUntil(() => {
      most = Math.max(
        most,
        all.servers.reduce((sum, server) => sum + server.connectionsNow, 0),
      );
      return leech.completedAt() !== null;
    }, seconds(120)),
  );
  assert.equal(most, 4);
});

test('a limit of download holds for a web seed as well', () => {
  const all = scene(ONE);
  const begun = all.world.now();
  const leech = all.leech({ downloadRate: 300_000 });
  arrives(all, leech, ONE);
  const took = ((leech.completedAt() ?? 0) - begun) / 1_000_000;
  assert.ok(took > 8 && took < 14, `${took} s for ten seconds' worth`);
});

test('where peers use up the limit of download, the web seed is left alone', () => {
  const all = scene(ONE);
  putFiles(all.world.process('seed'), all.torrent, ONE);
  const seed = startNode(all.world.process('seed'), all.torrent, true);
  const leech = all.leech({ downloadRate: 100_000 });
  introduce(leech, seed, true);
  arrives(all, leech, ONE, 120);
  assert.ok((leech.exchange.sources.get(all.server.url) ?? 0) < SIZE * 0.4);
});

test('only the chosen files are asked for, the rest when it is chosen too', () => {
  const all = scene(FOLDER, { bytesPerSecond: 400_000 });
  const leech = all.leech();
  const { layout, map } = leech.content;
  const want = (file: number, priority: 0 | 2): void =>
    leech.incarnation.step(() => {
      const { endPiece = 0, firstPiece = 0 } = layout.files[file] ?? {};
      for (let piece = firstPiece; piece < endPiece; piece++) map.setPriority(piece as PieceIndex, priority);
      leech.exchange.reconsider();
    });
  leech.incarnation.step(() => leech.exchange.stop('not yet'));
  const before = all.server.asked.length;
  want(3, 0);
  leech.incarnation.step(() => leech.exchange.start());
  assert.ok(all.world.runUntil(() => map.complete, seconds(20)));
  assert.ok(all.server.asked.slice(before).every(({ path }) => !path.endsWith('ba.bin')));
  want(3, 2);
  assert.ok(all.world.runUntil(() => map.full, seconds(20)));
});

test('a pause lets the server go in the middle of a range; then the download goes on, and little comes twice', () => {
  const all = scene(ONE, { bytesPerSecond: 200_000 });
  const leech = all.leech();
  all.world.runFor(seconds(5));
  leech.incarnation.step(() => leech.exchange.stop('paused'));
  all.world.runFor(seconds(2));
  assert.equal(all.server.connectionsNow, 0);
  assert.equal(leech.pool.usedBytes, 0);
  const before = all.server.asked.length;
  all.world.runFor(seconds(60));
  assert.equal(all.server.asked.length, before, 'nothing is asked while it stands still');
  leech.incarnation.step(() => leech.exchange.start());
  arrives(all, leech, ONE);
  assert.ok(leech.exchange.down.total < SIZE + 4 * 65_536, `${leech.exchange.down.total} bytes came`);
});

test('in order from the beginning, pieces of a web seed come in order as well', () => {
  const all = scene(ONE, { bytesPerSecond: 200_000 });
  const leech = all.leech();
  leech.incarnation.step(() => {
    leech.exchange.stop('paused');
    leech.exchange.picker.sequential = true;
    leech.exchange.start();
  });
  all.world.runFor(seconds(8));
  const { map } = leech.content;
  const have = Array.from({ length: map.count }, (_, piece) => map.has(piece as PieceIndex));
  assert.ok(have.lastIndexOf(true) > 8);
  assert.ok(have.indexOf(false) >= have.lastIndexOf(true) / 3, 'the beginning is not left out');
  arrives(all, leech, ONE);
});

test('pieces larger than what is asked for at once, and one buffer for them', () => {
  const all = scene(ONE, { pieceLength: 1_048_576, bytesPerSecond: 400_000 });
  const leech = all.leech({ pieceBufferBytesMax: 1_048_576 });
  arrives(all, leech, ONE, 120);
});
