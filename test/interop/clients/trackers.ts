/** Trackers of others: opentracker, and the server of npm's bittorrent-tracker. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from '../../../src/cli/up/network.ts';
import type { Lab } from '../machines.ts';
import { packagesFolder } from '../programs.ts';

export interface ForeignTracker {
  readonly name: string;
  readonly http: string;
  readonly udp: string;
  lastWords(): string;
}

const answers = (lab: Lab, name: string, url: string): Promise<unknown> =>
  until(`${name} answers`, async () => (await lab.http(url).catch(() => null)) ?? null, 10_000);

/** Debian builds opentracker for a whitelist: the torrents it is to know, as hexadecimal v1 info-hashes, are named before it starts. */
export const startOpentracker = async (lab: Lab, machine: string, infoHashes: readonly string[]): Promise<ForeignTracker> => {
  const host = lab.address(machine);
  const folder = lab.place(`${machine}-opentracker`);
  const whitelist = join(folder, 'whitelist');
  writeFileSync(whitelist, infoHashes.map((hash) => `${hash.toUpperCase()}\n`).join(''));
  const program = lab.start(
    machine,
    'opentracker',
    ['-i', host, '-p', '6969', '-P', '6969', '-u', 'nobody', '-d', folder, '-w', 'whitelist'],
    {
      cwd: folder,
    },
  );
  const http = `http://${host}:6969/announce`;
  await answers(lab, 'opentracker', http);
  return { name: 'opentracker', http, udp: `udp://${host}:6969/announce`, lastWords: () => program.lastWords() };
};

/** The tracker of the npm package bittorrent-tracker. */
export const startBittorrentTracker = async (lab: Lab, machine: string): Promise<ForeignTracker> => {
  const host = lab.address(machine);
  const script = fileURLToPath(new URL('bittorrent-tracker-server.ts', import.meta.url));
  const program = lab.start(machine, process.execPath, [script, packagesFolder, host, '8000']);
  await program.line(/^ready/u);
  return {
    name: 'bittorrent-tracker',
    http: `http://${host}:8000/announce`,
    udp: `udp://${host}:8000/announce`,
    lastWords: () => program.lastWords(),
  };
};
