/** Web seeds (BEP 19): torrents of others that name web servers, and ours that others take from web servers. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Client, complete } from './clients/client.ts';
import { makes } from './clients/makes.ts';
import { digests, Lab } from './machines.ts';
import { type ProgramName, skipWithout } from './programs.ts';
import { cell } from './record.ts';
import { ShoalNetwork } from './shoal-network.ts';

const run = promisify(execFile);
const clientNames = ['aria2', 'libtorrent'] as const;
const needed: readonly ProgramName[] = [...clientNames, 'mktorrent'];
const skip = skipWithout(needed, { large: true });
const table = 'Web seeds';
const PORTS = { ranges: 8_000, whole: 8_001 } as const;

describe('web seeds with programs of others', { skip, concurrency: true }, () => {
  let lab: Lab;
  let network: ShoalNetwork;
  let site: string;
  const clients = new Map<string, Client>();
  const urlOf = (server: keyof typeof PORTS): string => `http://${lab.address('web')}:${PORTS[server]}/`;

  before(async () => {
    lab = new Lab(['node', 'web', ...clientNames]);
    site = lab.place('site');
    const script = fileURLToPath(new URL('clients/web-server.ts', import.meta.url));
    const ranges = lab.start('web', process.execPath, [script, lab.address('web'), String(PORTS.ranges), site]);
    const whole = lab.start('web', '/usr/bin/python3', [
      '-u',
      '-m',
      'http.server',
      '--directory',
      site,
      '--bind',
      lab.address('web'),
      String(PORTS.whole),
    ]);
    await Promise.all([
      ShoalNetwork.start(lab, ['node']).then((started) => (network = started)),
      ranges.line(/^ready/u),
      whole.line(/^Serving/u),
      ...makes
        .filter(({ machine }) => (clientNames as readonly string[]).includes(machine))
        .map(async ({ machine, start }) => clients.set(machine, await start(lab, machine))),
    ]);
  });
  after(() => lab.close());

  /** A folder on the web servers that nobody else has. */
  const fresh = (name: string): string => {
    const folder = join(site, name);
    mkdirSync(join(folder, 'một thư mục'), { recursive: true });
    writeFileSync(join(folder, 'một thư mục', 'lớn 100%.bin'), randomFillSync(Buffer.alloc(2_500_000)));
    writeFileSync(join(folder, 'nhỏ.bin'), randomFillSync(Buffer.alloc(70_001)));
    return folder;
  };

  for (const [server, words] of [
    ['ranges', 'a server that gives ranges'],
    ['whole', 'Python’s http.server, which gives whole files'],
  ] as const)
    cell({ table, row: 'mktorrent', column: `its torrent names ${words}: Shoal downloads` }, async () => {
      const folder = fresh(`mktorrent-${server}`);
      const file = join(lab.folder, `${server}.torrent`);
      await run('mktorrent', ['-l', '16', '-w', urlOf(server), '-o', file, folder], { timeout: 20_000 });
      const sources = await network.get('node', file, folder);
      assert.deepEqual(sources, [urlOf(server)]);
      return 'v1, two files';
    });

  for (const { row, machine, v1 } of makes.filter(({ machine }) => (clientNames as readonly string[]).includes(machine)))
    cell({ table, row, column: 'Shoal’s torrent names a web server: it downloads from there' }, async () => {
      const folder = fresh(`shared-${machine}`);
      const client = clients.get(machine) as Client;
      const id = await network.share('node', [folder, ...(v1 ? ['--v1'] : [])]);
      await network.run('node', ['pause', id]);
      const file = join(lab.folder, `${machine}.torrent`);
      await network.run('node', ['torrent', id, '--out', file, '--web-seed', urlOf('ranges')]);
      const downloads = lab.place(`${machine}-downloads`);
      const task = await client.add({ torrent: readFileSync(file) }, downloads);
      await complete(client, task);
      assert.deepEqual(digests(join(downloads, `shared-${machine}`)), digests(folder));
      return v1 ? 'v1, two files' : 'hybrid, two files';
    });
});
