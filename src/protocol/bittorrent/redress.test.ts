import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toHex } from '../digest.ts';
import { encodeBencode } from './bencode.ts';
import { readMetainfo } from './metainfo.ts';
import { redress } from './redress.ts';
import { makeTestTorrent, testBytes, valueOf } from './torrent.test-kit.ts';

const files = [
  { path: ['a'], bytes: testBytes(100_000, 1) },
  { path: ['b'], bytes: testBytes(70_000, 2) },
];

describe('a torrent with other trackers', () => {
  for (const version of ['hybrid', 'v1'] as const)
    it(`keeps its info-hashes, its piece layers and what else it says (${version})`, () => {
      const made = makeTestTorrent(files, { version, pieceLength: 16_384 }, { trackers: [['http://old/announce']], createdBy: 'somebody' });
      const tiers = [['http://a:1/key/announce'], ['http://b:1/key/announce']];
      const read = valueOf(readMetainfo(valueOf(redress(made.bytes, { trackers: tiers, comment: 'mine' }))));
      assert.deepEqual(read.trackers, tiers);
      assert.deepEqual([read.comment, read.createdBy, read.id, read.missingLayers], ['mine', 'somebody', made.metainfo.id, false]);
      assert.equal(toHex(read.info), toHex(made.metainfo.info));
    });

  it('names none where none are given, and can be made bare', () => {
    const made = makeTestTorrent(files, {}, { trackers: [['http://old/secret/announce'], ['udp://older/announce']] });
    const bare = valueOf(redress(made.bytes, { trackers: [] }));
    assert.equal(Buffer.from(bare).includes('announce'), false);
    assert.deepEqual(bare, makeTestTorrent(files).bytes);
  });

  it('keeps web seeds, or has those that are given', () => {
    const plain = makeTestTorrent(files).bytes;
    const seeded = valueOf(redress(plain, { trackers: [], webSeeds: ['https://mirror.example/set/'] }));
    assert.deepEqual(valueOf(readMetainfo(seeded)).webSeeds, ['https://mirror.example/set/']);
    const again = valueOf(redress(seeded, { trackers: [['http://t/announce']] }));
    assert.deepEqual(valueOf(readMetainfo(again)).webSeeds, ['https://mirror.example/set/']);
  });

  it('says what is wrong with bytes that are no torrent', () => {
    for (const bytes of [encodeBencode([1, 2]), Buffer.from('d4:inf'), new Uint8Array(0)])
      assert.equal(redress(bytes, { trackers: [] }).ok, false);
  });
});
