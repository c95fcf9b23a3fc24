/** Web seeds in commands. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readMetainfo } from '../../protocol/bittorrent/metainfo.ts';
import { makeTestTorrent, testBytes, valueOf } from '../../protocol/bittorrent/torrent.test-kit.ts';
import { ok } from '../../protocol/result.ts';
import { EXIT } from '../exit.ts';
import { idOf, type StandIn, startStandIn, transfer } from './stand-in.test-kit.ts';

describe('commands about web seeds', () => {
  let standIn: StandIn;
  before(async () => {
    standIn = await startStandIn();
  });
  after(() => standIn.close());

  it('torrent puts web servers into the torrent file, beside its own, and leaves its info-hash and trackers', async () => {
    const trackers = [['http://a.example/announce'], ['http://b.example/announce']];
    const made = makeTestTorrent([{ path: ['a'], bytes: testBytes(10) }], {}, { trackers });
    const torrent = Buffer.from(made.bytes).toString('base64');
    standIn.answers.torrent = () => ok({ id: made.metainfo.id, name: 'set', torrent, personal: false });
    const file = join(standIn.folder, 'web.torrent');
    const urls = ['https://m.example/d/', 'http://n.example/d/'];
    const options = urls.flatMap((url) => ['--web-seed', url]);
    const ended = await standIn.ask(['torrent', ...options, 'set', '--out', file]);
    assert.equal(ended.status, EXIT.ok, ended.err);
    const written = valueOf(readMetainfo(readFileSync(file)));
    assert.deepEqual([written.webSeeds, written.trackers, written.id], [urls, trackers, made.metainfo.id]);
    const refused = await standIn.ask(['torrent', 'set', '--out', `${file}2`, '--web-seed', 'ftp://m.example/']);
    assert.equal(refused.status, EXIT.usage);
    assert.match(refused.err, /neither http nor https/u);
  });

  it('peers shows web seeds with what is wrong with them', async () => {
    standIn.answers.transfers = () => ok({ transfers: [transfer({})] });
    const failed = { state: 'failed', message: 'it answers 500', connections: 0, downRate: 0, downloadedBytes: 5_000_000, has: 1 } as const;
    standIn.answers.peers = () => ok({ peers: [], trackers: [], webSeeds: [{ url: 'https://m.example/d/', ...failed }] });
    const { out } = await standIn.ask(['peers', idOf('a')]);
    assert.match(out, /https:\/\/m\.example\/d\/ +failed +100/u);
    assert.match(out, /it answers 500/u);
  });
});
