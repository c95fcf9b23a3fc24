/** Torrents that are not of the network, on trackers of others: Shoal's node is a plain client among clients there. */
import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { describeMetainfo, readMetainfo } from '../../src/protocol/bittorrent/metainfo.ts';
import { redress } from '../../src/protocol/bittorrent/redress.ts';
import { valueOf } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { until } from '../../src/cli/up/network.ts';
import { type Client, complete } from './clients/client.ts';
import type { LibtorrentClient } from './clients/libtorrent.ts';
import { makes } from './clients/makes.ts';
import { type ForeignTracker, startBittorrentTracker, startOpentracker } from './clients/trackers.ts';
import { digests, Lab } from './machines.ts';
import { type ProgramName, skipWithout } from './programs.ts';
import { cell } from './record.ts';
import { ShoalNetwork } from './shoal-network.ts';

const needed: readonly ProgramName[] = ['aria2', 'transmission', 'libtorrent', 'webtorrent', 'opentracker', 'bittorrent-tracker'];
const clientNames = ['aria2', 'transmission', 'libtorrent', 'webtorrent'];
const skip = skipWithout(needed, { large: true });
const table = 'Torrents of elsewhere, with trackers of others';
const BYTES = 2_000_000;
const PIECE_BYTES = 32_768;

type TrackerName = 'opentracker' | 'bittorrent-tracker';
/** Which tracker, and how, each client and Shoal's node meet by. */
const meetings: Readonly<Record<string, { readonly tracker: TrackerName; readonly scheme: 'http' | 'udp' }>> = {
  aria2: { tracker: 'opentracker', scheme: 'http' },
  transmission: { tracker: 'opentracker', scheme: 'udp' },
  libtorrent: { tracker: 'bittorrent-tracker', scheme: 'udp' },
  webtorrent: { tracker: 'bittorrent-tracker', scheme: 'http' },
};

interface Content {
  readonly folder: string;
  readonly name: string;
  readonly path: string;
  readonly torrent: Uint8Array;
}

describe('torrents of elsewhere', { skip, concurrency: true }, () => {
  let lab: Lab;
  let network: ShoalNetwork;
  const clients = new Map<string, Client>();
  const trackers = new Map<TrackerName, ForeignTracker>();
  const contents = new Map<string, Content>();
  const client = (machine: string): Client => clients.get(machine) as Client;

  const makeContent = async (name: string, version: 'v1' | 'v2'): Promise<void> => {
    const folder = lab.place('originals', name);
    const path = join(folder, `${name}.bin`);
    writeFileSync(path, randomFillSync(Buffer.alloc(BYTES)));
    const torrent = await (client('libtorrent') as LibtorrentClient).make(path, version, PIECE_BYTES);
    contents.set(name, { folder, name: `${name}.bin`, path, torrent });
  };

  before(async () => {
    lab = new Lab(['node', 'tracker', ...clientNames]);
    await Promise.all([
      ShoalNetwork.start(lab, ['node']).then((started) => (network = started)),
      ...makes.map(async ({ machine, start }) => clients.set(machine, await start(lab, machine))),
    ]);
    for (const name of clientNames) for (const kind of ['file', 'magnet']) await makeContent(`${name}-${kind}`, 'v1');
    await makeContent('libtorrent-magnet-v2', 'v2');
    const hashes = [...contents.values()].flatMap(({ torrent }) => valueOf(readMetainfo(torrent)).v1 ?? []);
    trackers.set(
      'opentracker',
      await startOpentracker(
        lab,
        'tracker',
        hashes.map((hash) => Buffer.from(hash).toString('hex')),
      ),
    );
    trackers.set('bittorrent-tracker', await startBittorrentTracker(lab, 'tracker'));
  });
  after(() => lab.close());

  const contentOf = (name: string): Content => contents.get(name) as Content;
  const announceUrl = (machine: string): string => {
    const { tracker, scheme } = meetings[machine] as (typeof meetings)[string];
    return (trackers.get(tracker) as ForeignTracker)[scheme];
  };
  const torrentOf = (name: string, machine: string): Uint8Array =>
    valueOf(redress(contentOf(name).torrent, { trackers: [[announceUrl(machine)]] }));
  const same = (one: string, other: string): void => assert.equal(digests(one)[''], digests(other)['']);

  /** Its tracker knows the client as a seeder: whoever asks now is told of it. */
  const announced = (name: string, machine: string): Promise<unknown> =>
    until(`${machine} has announced ${name}`, async () => {
      const { v1, v2 } = valueOf(readMetainfo(contentOf(name).torrent));
      const hash = Buffer.from(v1 ?? v2 ?? [])
        .toString('hex')
        .slice(0, 40);
      const { tracker } = meetings[machine] as (typeof meetings)[string];
      const url = (trackers.get(tracker) as ForeignTracker).http.replace(/announce$/u, 'scrape');
      const { body } = await lab.http(`${url}?info_hash=%${(hash.match(/../gu) ?? []).join('%')}`);
      // One of the two writes the hash as text, so that its reply is read by eye.
      return /8:completei[1-9]/u.test(body.toString('latin1')) ? true : null;
    });

  for (const { row, machine } of makes) {
    const { tracker, scheme } = meetings[machine] as (typeof meetings)[string];

    cell({ table, row, column: 'by torrent file: it seeds, Shoal downloads; then the other way round' }, async () => {
      const name = `${machine}-file`;
      const { folder, path, name: fileName } = contentOf(name);
      const torrent = torrentOf(name, machine);
      const seeding = await client(machine).add({ torrent }, folder);
      await complete(client(machine), seeding);
      await announced(name, machine);
      const file = join(lab.place('torrents'), `${name}.torrent`);
      writeFileSync(file, torrent);
      await network.get('node', file, path);

      await client(machine).remove(seeding);
      const downloads = lab.place(`${name}-again`);
      const task = await client(machine).add({ torrent }, downloads);
      await complete(client(machine), task);
      same(join(downloads, fileName), path);
      return `${tracker}, ${scheme.toUpperCase()}`;
    });
  }

  const magnets = [
    ...makes.map(({ row, machine }) => ({ row, machine, name: `${machine}-magnet` })),
    { row: 'libtorrent', machine: 'libtorrent', name: 'libtorrent-magnet-v2' },
  ];
  for (const { row, machine, name } of magnets) {
    const version = name.endsWith('v2') ? 'v2' : 'v1';
    cell({ table, row, column: `by ${version} magnet link: it seeds, Shoal downloads` }, async () => {
      const { folder, path, torrent } = contentOf(name);
      const { v1, v2 } = describeMetainfo(valueOf(readMetainfo(torrent)));
      await complete(client(machine), await client(machine).add({ torrent: torrentOf(name, machine) }, folder));
      await announced(name, machine);
      const topic = v2 === null ? `urn:btih:${v1}` : `urn:btmh:1220${v2}`;
      await network.get('node', `magnet:?xt=${topic}&tr=${encodeURIComponent(announceUrl(machine))}`, path);
      const { tracker, scheme } = meetings[machine] as (typeof meetings)[string];
      return `${tracker}, ${scheme.toUpperCase()}`;
    });
  }
});
