/** Encrypted streams (MSE) with a client that takes nothing else. */
import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { complete } from './clients/client.ts';
import { type LibtorrentClient, startLibtorrent } from './clients/libtorrent.ts';
import { digests, Lab } from './machines.ts';
import { skipWithout } from './programs.ts';
import { cell } from './record.ts';
import { ShoalNetwork } from './shoal-network.ts';

const BYTES = 2_500_000;
/** Forced in both directions, RC4 alone. */
const FORCED = { in_enc_policy: 0, out_enc_policy: 0, allowed_enc_level: 2, prefer_rc4: true };

describe('a libtorrent that demands encryption', { skip: skipWithout(['libtorrent']) }, () => {
  let lab: Lab;
  let network: ShoalNetwork;
  let libtorrent: LibtorrentClient;

  before(async () => {
    lab = new Lab(['one', 'two', 'libtorrent']);
    [network, libtorrent] = await Promise.all([ShoalNetwork.start(lab, ['one', 'two']), startLibtorrent(lab, 'libtorrent', FORCED)]);
  });
  after(() => lab.close());

  cell({ table: 'Transfers with the Shoal tracker', row: 'libtorrent', column: 'encrypted streams alone (MSE), both ways' }, async () => {
    const original = join(lab.place('originals'), 'secret.bin');
    writeFileSync(original, randomFillSync(Buffer.alloc(BYTES)));
    const id = await network.share('one', [original]);
    const { http } = await network.announceUrls('two', 'libtorrent-encrypted');
    const downloads = lab.place('libtorrent-encrypted');
    const task = await libtorrent.add({ torrent: await network.torrent('one', id, http) }, downloads);
    await complete(libtorrent, task);
    assert.equal(digests(join(downloads, 'secret.bin'))[''], digests(original)['']);

    await network.run('one', ['pause', id]);
    await network.get('two', id, original);
    return 'RC4';
  });
});
