import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../../src/cli/up/network.ts';
import type { Client, StartClient } from './client.ts';

const RPC_PORT = 9091;
const PEER_PORT = 6882;
/** Of the setting `encryption`. */
const ENCRYPTION_TOLERATED = 0;
const ENCRYPTION_REQUIRED = 2;
/** Of `torrent-get`: what a torrent is doing. */
const STATUS_SEEDING = [5, 6];

interface Torrent {
  readonly id: number;
  readonly hashString: string;
  readonly status: number;
  readonly leftUntilDone: number;
  readonly haveValid: number;
  readonly metadataPercentComplete: number;
  readonly peersConnected: number;
  readonly error: number;
  readonly errorString: string;
}

const settings = (downloadFolder: string, encryption: number): object => ({
  'rpc-enabled': true,
  'rpc-bind-address': '0.0.0.0',
  'rpc-port': RPC_PORT,
  'rpc-whitelist-enabled': false,
  'rpc-host-whitelist-enabled': false,
  'rpc-authentication-required': false,
  'peer-port': PEER_PORT,
  'peer-port-random-on-start': false,
  'port-forwarding-enabled': false,
  'dht-enabled': false,
  'lpd-enabled': false,
  'pex-enabled': false,
  'utp-enabled': false,
  encryption,
  'download-dir': downloadFolder,
  'incomplete-dir-enabled': false,
  'rename-partial-files': false,
  'speed-limit-up-enabled': false,
  'ratio-limit-enabled': false,
  'download-queue-enabled': false,
  'seed-queue-enabled': false,
  preallocation: 0,
  'start-added-torrents': true,
  'message-level': 2,
});

/** transmission-daemon with its RPC. It refuses peers in 127/8, and knows peers from trackers alone. */
export const startTransmission: StartClient = async (lab, machine, { encrypted = false } = {}) => {
  const host = lab.address(machine);
  const folder = lab.place(`${machine}-config`);
  writeFileSync(
    join(folder, 'settings.json'),
    JSON.stringify(settings(lab.place(machine), encrypted ? ENCRYPTION_REQUIRED : ENCRYPTION_TOLERATED)),
  );
  const program = lab.start(machine, 'transmission-daemon', ['--foreground', '--config-dir', folder], { cwd: folder });
  let session = '';
  const rpc = async (method: string, args: object): Promise<Record<string, unknown>> => {
    const body = Buffer.from(JSON.stringify({ method, arguments: args }));
    const reply = await lab.http(`http://${host}:${RPC_PORT}/transmission/rpc`, {
      method: 'POST',
      headers: { 'x-transmission-session-id': session, 'content-length': String(body.length) },
      body,
    });
    if (reply.status === 409) {
      session = reply.headers['x-transmission-session-id'] ?? '';
      return rpc(method, args);
    }
    const { result, arguments: answer } = JSON.parse(reply.body.toString()) as { result: string; arguments: Record<string, unknown> };
    if (result !== 'success') throw new Error(`Transmission ${method}: ${result}`);
    return answer;
  };
  await until('Transmission answers', async () => (await rpc('session-get', {}).catch(() => null)) ?? null, 15_000);
  const client: Client = {
    name: 'transmission',
    host,
    peerPort: PEER_PORT,
    add: async (source, downloads, { downloadRate } = {}) => {
      const what = 'torrent' in source ? { metainfo: Buffer.from(source.torrent).toString('base64') } : { filename: source.magnet };
      const answer = await rpc('torrent-add', { ...what, 'download-dir': downloads, paused: downloadRate !== undefined });
      const added = (answer['torrent-added'] ?? answer['torrent-duplicate']) as { readonly hashString: string };
      if (downloadRate !== undefined) {
        await rpc('torrent-set', { ids: [added.hashString], downloadLimit: Math.floor(downloadRate / 1000), downloadLimited: true });
        await rpc('torrent-start-now', { ids: [added.hashString] });
      }
      return added.hashString;
    },
    progress: async (hash) => {
      const fields = ['id', 'status', 'leftUntilDone', 'haveValid', 'metadataPercentComplete', 'peersConnected', 'error', 'errorString'];
      const { torrents } = (await rpc('torrent-get', { ids: [hash], fields })) as { readonly torrents: readonly Torrent[] };
      const [torrent] = torrents;
      if (torrent === undefined) throw new Error(`Transmission does not know ${hash}`);
      return {
        done: torrent.metadataPercentComplete === 1 && torrent.leftUntilDone === 0 && STATUS_SEEDING.includes(torrent.status),
        bytesHere: torrent.haveValid,
        peers: torrent.peersConnected,
        error: torrent.error === 0 ? null : torrent.errorString,
      };
    },
    remove: async (hash) => void (await rpc('torrent-remove', { ids: [hash] })),
    lastWords: () => program.lastWords(),
  };
  return client;
};
