/** Encrypted streams (MSE) with clients that take nothing else. */
import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { type Client, complete } from './clients/client.ts';
import { makes } from './clients/makes.ts';
import { digests, Lab } from './machines.ts';
import { skipWithout } from './programs.ts';
import { cell } from './record.ts';
import { ShoalNetwork } from './shoal-network.ts';

const BYTES = 2_000_000;
const skip = skipWithout(['aria2', 'transmission', 'libtorrent', 'webtorrent'], { large: true });

describe('clients that demand encryption', { skip, concurrency: true }, () => {
  let lab: Lab;
  let network: ShoalNetwork;
  const clients = new Map<string, Client>();

  before(async () => {
    lab = new Lab(['one', 'two', ...makes.map(({ machine }) => machine)]);
    await Promise.all([
      ShoalNetwork.start(lab, ['one', 'two']).then((started) => (network = started)),
      ...makes.map(async ({ machine, start }) => clients.set(machine, await start(lab, machine, { encrypted: true }))),
    ]);
  });
  after(() => lab.close());

  for (const { row, machine, v1 } of makes) {
    cell({ table: 'Transfers with the Shoal tracker', row, column: 'encrypted streams (MSE), both ways' }, async () => {
      const client = clients.get(machine) as Client;
      const original = join(lab.place('originals'), `${machine}.bin`);
      writeFileSync(original, randomFillSync(Buffer.alloc(BYTES)));
      const id = await network.share('one', [original, ...(v1 ? ['--v1'] : [])]);
      const { http } = await network.announceUrls('two', machine);
      const downloads = lab.place(`${machine}-encrypted`);
      await complete(client, await client.add({ torrent: await network.torrent('two', id, http) }, downloads));
      assert.equal(digests(join(downloads, `${machine}.bin`))[''], digests(original)['']);

      await network.run('one', ['pause', id]);
      await network.get('two', id, original);
      return machine === 'webtorrent' ? 'as it is by default' : 'demanded';
    });
  }
});
