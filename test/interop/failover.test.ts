/**
 * A swarm of all makes at once, whose tracker is killed in the middle: every client goes on with the announce URL that it
 * has, and one that joins while nobody leads finds its peers.
 */
import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { until } from '../../src/cli/up/network.ts';
import type { AccountStatistics } from '../../src/protocol/control/messages.ts';
import { type Client, complete } from './clients/client.ts';
import { type Make, makes } from './clients/makes.ts';
import { digests, Lab } from './machines.ts';
import { demanded, type ProgramName, skipWithout } from './programs.ts';
import { cell } from './record.ts';
import { ShoalNetwork } from './shoal-network.ts';

const needed: readonly ProgramName[] = ['aria2', 'transmission', 'libtorrent', 'webtorrent'];
const table = 'Through a failover of the Shoal tracker';
const BYTES = 10_000_000;
/** Of the one seeder: the tracker is to die while all are still at it. */
const SEED_RATE = 700_000;
/** The tracker dies when a client has so much. */
const KILLED_AT_BYTES = 600_000;
const NAME = 'swarm.bin';

/** It joins while nobody leads. */
const LATE = 'webtorrent';

interface Way {
  readonly title: string;
  readonly passkeys: 'required' | 'open';
  readonly skip: string | false;
  /** How each announces: by passkey over HTTP all can; over UDP libtorrent alone sends one (BEP 41). */
  readonly scheme: (make: Make) => 'http' | 'udp';
}

const ways: readonly Way[] = [
  {
    title: 'with passkeys',
    passkeys: 'required',
    skip: skipWithout(needed),
    scheme: ({ machine }) => (machine === 'libtorrent' ? 'udp' : 'http'),
  },
  { title: 'of an open network, by UDP', passkeys: 'open', skip: skipWithout(needed, { large: true }), scheme: () => 'udp' },
];

for (const { title, passkeys, skip, scheme } of ways) {
  describe(`a swarm of all makes through a failover, ${title}`, { skip, concurrency: true }, () => {
    let lab: Lab;
    let network: ShoalNetwork;
    let id: string;
    let original: string;
    /** An announce URL to look at the swarm by. */
    let looking: string;
    const clients = new Map<string, Client>();
    /** Downloads to their end, by machine; of the node `two`, too. */
    const downloads = new Map<string, Promise<unknown>>();
    const folder = (machine: string): string => lab.place(`${machine}-downloads`);

    const follow = (machine: string, download: Promise<unknown>): void => {
      downloads.set(machine, download);
      // Whoever waits for it hears of a failure.
      download.catch(() => {});
    };

    before(async () => {
      lab = new Lab(['one', 'two', ...needed]);
      await Promise.all([
        ShoalNetwork.start(lab, ['one', 'two'], { passkeys, rate: SEED_RATE }).then((started) => (network = started)),
        ...makes.map(async ({ machine, start }) => clients.set(machine, await start(lab, machine))),
      ]);
      original = join(lab.place('originals'), NAME);
      writeFileSync(original, randomFillSync(Buffer.alloc(BYTES)));
      id = await network.share('one', [original, '--v1']);
      const urlsOf = (device: string): Promise<{ readonly http: string; readonly udp: string }> =>
        passkeys === 'open' ? Promise.resolve(network.openAnnounceUrls) : network.announceUrls('two', device);
      looking = (await urlsOf('looking')).http;
      const torrents = new Map<string, Uint8Array>();
      for (const make of makes) torrents.set(make.machine, await network.torrent('two', id, (await urlsOf(make.machine))[scheme(make)]));
      const add = async (machine: string): Promise<string> => {
        const client = clients.get(machine) as Client;
        const task = await client.add({ torrent: torrents.get(machine) as Uint8Array }, folder(machine));
        follow(machine, complete(client, task, 60_000));
        return task;
      };

      const tasks = await Promise.all(makes.filter(({ machine }) => machine !== LATE).map(({ machine }) => add(machine)));
      follow('two', network.get('two', id, original));
      const [first] = makes as [Make];
      await until(`${first.row} in the middle of its download`, async () => {
        const { bytesHere } = await (clients.get(first.machine) as Client).progress(tasks[0] ?? '');
        return bytesHere >= KILLED_AT_BYTES ? true : null;
      });
      await network.program('tracker').kill();
      await add(LATE);
    });
    after(() => lab.close());

    for (const make of makes) {
      const { row, machine } = make;
      cell({ table, row, column: title }, async () => {
        await downloads.get(machine);
        assert.equal(digests(join(folder(machine), NAME))[''], digests(original)['']);
        return `${scheme(make).toUpperCase()}${machine === LATE ? ', joined while nobody led' : ''}`;
      });
    }

    cell({ table, row: 'Shoal', column: title }, async () => {
      await Promise.all(downloads.values());
      const everybody = makes.length + 2;
      const swarm = await until('every client known as a seeder to the new tracker', async () => {
        const found = await network.scrape(looking, id);
        return found.seeders === everybody ? found : null;
      });
      assert.equal(swarm.leechers, 0);
      const given = (await network.transfer('one', id))?.uploadedBytes ?? 0;
      assert.ok(given < BYTES * makes.length, `they got pieces from each other: the seeder gave ${given} bytes`);
      return `all ${everybody} known as seeders; the first one gave ${(given / BYTES).toFixed(1)} copies to ${everybody - 1}`;
    });

    if (passkeys === 'open' || !demanded) return;
    cell({ table, row: 'Shoal', column: 'statistics of the account that all of them announced for' }, async () => {
      await Promise.all(downloads.values());
      // Counts wait until both replicas are there again.
      await network.startServer('tracker');
      const copies = makes.length + 1;
      const counted = await until(
        `${copies} copies counted`,
        async () => {
          const found = (await network.ask('two', ['stats'])) as AccountStatistics;
          return found.downloadedBytes >= BYTES * copies * 0.95 ? found : null;
        },
        90_000,
      );
      assert.ok(counted.downloadedBytes < BYTES * copies * 1.1, `${counted.downloadedBytes} bytes counted, of ${BYTES * copies}`);
      assert.equal(counted.completed, 1);
      return `${(counted.downloadedBytes / BYTES).toFixed(2)} copies downloaded, by ${makes.length} clients and a node; completed once`;
    });
  });
}
