/** Shoal seeds and each client downloads; each client seeds and Shoal downloads; by torrent file and by magnet link. */
import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { type Client, complete } from './clients/client.ts';
import type { LibtorrentClient } from './clients/libtorrent.ts';
import { makes } from './clients/makes.ts';
import { digests, Lab } from './machines.ts';
import { type ProgramName, skipWithout } from './programs.ts';
import { cell } from './record.ts';
import { ShoalNetwork } from './shoal-network.ts';

const needed: readonly ProgramName[] = ['aria2', 'transmission', 'libtorrent', 'webtorrent'];
const skip = skipWithout(needed, { large: true });
const table = 'Transfers with the Shoal tracker';
const BYTES = 2_500_000;

describe('transfers with clients of other makes', { skip, concurrency: true }, () => {
  let lab: Lab;
  let network: ShoalNetwork;
  const clients = new Map<string, Client>();
  const client = (machine: string): Client => clients.get(machine) as Client;

  before(async () => {
    lab = new Lab(['one', 'two', ...needed]);
    await Promise.all([
      ShoalNetwork.start(lab, ['one', 'two']).then((started) => (network = started)),
      ...makes.map(async ({ machine, start }) => clients.set(machine, await start(lab, machine))),
    ]);
  });
  after(() => lab.close());

  /** A file of random bytes, which nobody has yet. */
  const fresh = (name: string): string => {
    const path = join(lab.place('originals'), name);
    writeFileSync(path, randomFillSync(Buffer.alloc(BYTES)));
    return path;
  };

  const same = (folder: string, name: string, original: string): void => {
    assert.equal(digests(join(folder, name))[''], digests(original)['']);
  };

  for (const { row, machine, v1 } of makes) {
    const version = v1 ? ['--v1'] : [];
    const kind = v1 ? 'v1' : 'hybrid';

    cell({ table, row, column: 'Shoal seeds, it downloads; then it alone seeds, Shoal downloads' }, async () => {
      const name = `${machine}.bin`;
      const original = fresh(name);
      const id = await network.share('one', [original, ...version]);
      const { http } = await network.announceUrls('two', machine);
      const downloads = lab.place(`${machine}-downloads`);
      const task = await client(machine).add({ torrent: await network.torrent('two', id, http) }, downloads);
      await complete(client(machine), task);
      same(downloads, name, original);

      await network.run('one', ['pause', id]);
      const sources = await network.get('two', id, original);
      assert.deepEqual(
        sources.map((source) => source.replace(/:\d+$/u, '')),
        [client(machine).host],
      );
      return `${kind}, HTTP announces`;
    });

    cell({ table, row, column: 'by a magnet link of Shoal' }, async () => {
      const name = `${machine}-magnet.bin`;
      const original = fresh(name);
      const id = await network.share('one', [original, ...version]);
      const { http } = await network.announceUrls('two', `${machine}-magnet`);
      const downloads = lab.place(`${machine}-magnet`);
      const task = await client(machine).add({ magnet: await network.magnet('one', id, http) }, downloads);
      await complete(client(machine), task);
      same(downloads, name, original);
      return kind;
    });
  }

  for (const version of ['v2', 'hybrid'] as const) {
    cell({ table, row: 'libtorrent', column: `a ${version} torrent of its own making, published, both ways` }, async () => {
      const libtorrent = client('libtorrent') as LibtorrentClient;
      const name = `own-${version}.bin`;
      const original = fresh(name);
      const torrent = join(lab.place('originals'), `${name}.torrent`);
      writeFileSync(torrent, await libtorrent.make(original, version, 32_768));
      const id = await network.share('one', [torrent, '--data', original]);
      const { http } = await network.announceUrls('two', `libtorrent-${version}`);
      const downloads = lab.place(`libtorrent-${version}`);
      const task = await libtorrent.add({ torrent: await network.torrent('one', id, http) }, downloads);
      await complete(libtorrent, task);
      same(downloads, name, original);

      await network.run('one', ['pause', id]);
      await network.get('two', id, original);
      return 'announced by HTTP';
    });
  }
});
