/** Web seeds (BEP 19) of torrents that a node has: beside a network, without one, and what its user sees of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../simulations/world/index.ts';
import { seconds } from '../../src/ports/clock.ts';
import { readMetainfo } from '../../src/protocol/bittorrent/metainfo.ts';
import { redress } from '../../src/protocol/bittorrent/redress.ts';
import { makeTestTorrent, testBytes, valueOf } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { FakeTracker, get, publish, put, read, startLibrary } from './library-kit.ts';
import { WebServer } from './web-server.ts';

const BYTES = testBytes(900_000, 4);

const scene = (seed: number, { isPrivate = false } = {}) => {
  const world = new World({ seed });
  const network = new FakeTracker();
  const server = new WebServer(world, 'web0');
  server.files.set('/d/image.iso', BYTES);
  const url = `${server.url}d/`;
  const made = makeTestTorrent([{ path: [], bytes: BYTES }], { name: 'image.iso', pieceLength: 16_384 }, { private: isPrivate });
  const bytes = valueOf(redress(made.bytes, { trackers: [], webSeeds: [url] }));
  return { world, network, server, url, base64: Buffer.from(bytes).toString('base64'), id: made.metainfo.id };
};

for (const isPrivate of [false, true])
  test(`a torrent without trackers comes from its web seed alone (${isPrivate ? 'private' : 'public'}), and is seeded then`, () => {
    const { world, network, url, base64, id } = scene(200, { isPrivate });
    network.signedIn = false;
    const binh = startLibrary(world, 'binh', network);
    assert.ok(get(binh, '', { torrent: base64 }).ok);
    assert.ok(binh.until(id, 'seeding'), JSON.stringify(binh.transfer(id)));
    assert.deepEqual(read(binh, '/home/downloads/image.iso'), BYTES);
    assert.deepEqual(binh.transfer(id)?.sources, [{ node: url, name: '', bytes: BYTES.length }]);
    assert.equal(binh.transfer(id)?.downloadedBytes, BYTES.length);
    const { webSeeds } = valueOf(binh.call('peers', { id }));
    assert.deepEqual(
      webSeeds.map(({ downloadedBytes, has, message, state, url: shown }) => [shown, state, message, downloadedBytes, has]),
      [[url, 'idle', null, BYTES.length, 1]],
    );
  });

test('a content of the network keeps its web seeds in the catalog: members get it while no owner is online', () => {
  const { world, network, server, url, base64, id } = scene(201);
  const anna = startLibrary(world, 'anna', network);
  put(anna, '/home/downloads/image.iso', BYTES);
  assert.equal(publish(world, anna, { torrent: base64, tags: [] }).state, 'done');
  assert.deepEqual(valueOf(readMetainfo(network.catalog.get(id)?.torrent ?? new Uint8Array(0))).webSeeds, [url]);
  anna.stop();
  assert.equal(server.asked.length, 0, 'who has everything asks nobody');
  const binh = startLibrary(world, 'binh', network);
  assert.ok(get(binh, 'image').ok);
  assert.ok(binh.until(id, 'seeding'), JSON.stringify(binh.transfer(id)));
  assert.deepEqual(read(binh, '/home/downloads/image.iso'), BYTES);
  assert.match(valueOf(binh.call('magnet', { what: id, bare: true })).magnet, /^(?!.*ws=)/u);
});

test('a web seed that fails is named as the reason, tried again, and delivers when it is well; a pause leaves it alone', () => {
  const { world, network, server, base64, id } = scene(202);
  server.quirk = () => ({ status: 500 });
  const binh = startLibrary(world, 'binh', network);
  assert.ok(get(binh, '', { torrent: base64 }).ok);
  assert.ok(binh.until(id, 'waiting'));
  world.runFor(seconds(3));
  assert.match(binh.transfer(id)?.reason ?? '', /Its web seed does not help: it answers 500\. It is tried again and again\.$/u);
  assert.equal(valueOf(binh.call('peers', { id })).webSeeds[0]?.state, 'failed');
  assert.ok(binh.call('pause', { id }).ok);
  assert.ok(binh.until(id, 'paused'));
  const before = server.asked.length;
  world.runFor(seconds(120));
  assert.equal(server.asked.length, before);
  server.quirk = (_request, _range, obey) => obey();
  assert.ok(binh.call('resume', { id }).ok);
  assert.ok(binh.until(id, 'seeding'), JSON.stringify(binh.transfer(id)));
});

test('a node that crashes in the middle goes on where it was, and asks for little twice', () => {
  const { world, network, server, base64, id } = scene(203);
  let answered = 0;
  server.quirk = (_request, _range, obey) => (++answered > 1 ? 'silence' : obey());
  const binh = startLibrary(world, 'binh', network);
  assert.ok(get(binh, '', { torrent: base64 }).ok);
  world.runFor(seconds(8));
  const had = binh.transfer(id)?.doneBytes ?? 0;
  assert.ok(had > 0 && had < BYTES.length, `${had} bytes`);
  server.quirk = (_request, _range, obey) => obey();
  binh.process.kill();
  const again = startLibrary(world, 'binh', network);
  const before = server.askedBytes;
  assert.ok(again.until(id, 'seeding'), JSON.stringify(again.transfer(id)));
  assert.deepEqual(read(again, '/home/downloads/image.iso'), BYTES);
  assert.ok(server.askedBytes - before <= BYTES.length - had + 16_384);
});
