/** Torrents and links for a client on another device: with the announce URLs that are given for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../simulations/world/index.ts';
import { readMagnet } from '../../src/protocol/bittorrent/magnet.ts';
import { readMetainfo } from '../../src/protocol/bittorrent/metainfo.ts';
import { makeTestTorrent, testBytes, valueOf } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { FakeTracker, get, put, share, startLibrary } from './library-kit.ts';

const PATH = `${'b'.repeat(32)}/announce`;

test('a content goes out with the announce URLs of another device, or with none, and not with those of the node', () => {
  const world = new World({ seed: 80 });
  const anna = startLibrary(world, 'anna', new FakeTracker());
  put(anna, '/home/a.bin', testBytes(50_000));
  const id = share(world, anna, ['/home/a.bin']);
  const announce = [`http://127.0.0.1:6969/${PATH}`, `http://two.example:6969/${PATH}`];
  const tiers = [[`http://127.0.0.1:6969/${PATH}`, `udp://127.0.0.1:6969/${PATH}`], [`http://two.example:6969/${PATH}`]];
  const torrent = valueOf(anna.call('torrent', { what: id, announce }));
  const metainfo = valueOf(readMetainfo(Buffer.from(torrent.torrent, 'base64')));
  assert.deepEqual([torrent.personal, metainfo.id, metainfo.trackers], [true, id, tiers]);
  const magnet = valueOf(anna.call('magnet', { what: id, bare: false, announce }));
  assert.deepEqual([magnet.personal, valueOf(readMagnet(magnet.magnet)).trackers], [true, tiers.flat()]);
  const none = valueOf(anna.call('torrent', { what: id, announce: [] }));
  assert.deepEqual([none.personal, valueOf(readMetainfo(Buffer.from(none.torrent, 'base64'))).trackers], [false, []]);
  for (const bad of ['http://two.example/scrape', 'nonsense'])
    for (const result of [
      anna.call('torrent', { what: id, announce: [bad] }),
      anna.call('magnet', { what: id, bare: false, announce: [bad] }),
    ])
      assert.equal(!result.ok && result.error.code, 'bad-request', bad);
});

test('a torrent of elsewhere keeps its trackers: announce URLs are refused', () => {
  const world = new World({ seed: 81 });
  const anna = startLibrary(world, 'anna', new FakeTracker());
  const bytes = testBytes(50_000);
  const made = makeTestTorrent([{ path: ['a.bin'], bytes }], {}, { trackers: [['http://tracker.example/announce']] });
  const { id } = made.metainfo;
  assert.ok(get(anna, '', { torrent: Buffer.from(made.bytes).toString('base64') }).ok);
  for (const result of [
    anna.call('torrent', { what: id, announce: [] }),
    anna.call('magnet', { what: id, bare: true, announce: [] }),
    anna.call('torrent', { what: id, announce: [`http://two.example/${PATH}`] }),
  ])
    assert.match(result.ok ? '' : result.error.message, /not in the catalog/u);
});
