/**
 * webtorrent as a program that takes its orders as lines of JSON. Arguments: the folder with its packages, the port,
 * and whether streams are `plain` or `encrypted`.
 */
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import './without-webrtc.ts';

const [packages = '', port = '0', stream = 'plain'] = process.argv.slice(2);

interface Torrent {
  readonly infoHash: string;
  readonly torrentFile: Uint8Array;
  readonly downloaded: number;
  readonly progress: number;
  readonly done: boolean;
  readonly numPeers: number;
  on(event: 'error' | 'warning', listener: (error: unknown) => void): void;
  on(event: 'infoHash' | 'ready', listener: () => void): void;
  addPeer(address: string): boolean;
  destroy(options: object, done: () => void): void;
}
interface WebTorrent {
  readonly torrentPort: number;
  add(source: Uint8Array | string, options: object): Torrent;
  on(event: 'error' | 'listening', listener: (error?: unknown) => void): void;
  throttleDownload(rate: number): void;
}

interface Order {
  readonly id: number;
  readonly call: string;
  readonly torrent: string;
  readonly magnet?: string;
  readonly folder: string;
  readonly peers?: readonly { readonly host: string; readonly port: number }[];
  readonly downloadRate?: number;
  readonly path: string;
  readonly pieceLength: number;
}

const load = async (name: string): Promise<{ readonly default: unknown }> =>
  (await import(pathToFileURL(`${packages}/node_modules/${name}/index.js`).href)) as { readonly default: unknown };

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const Client = (await load('webtorrent')).default as new (options: object) => WebTorrent;
const client = new Client({
  dht: false,
  lsd: false,
  utp: false,
  utPex: false,
  natUpnp: false,
  natPmp: false,
  webSeeds: false,
  secure: stream === 'encrypted',
  torrentPort: Number(port),
  tracker: { wrtc: false },
});
client.on('error', (error) => {
  say(`error ${String(error)}`);
  process.exit(1);
});

const torrents: Torrent[] = [];

const add = ({ torrent, magnet, folder, peers = [], downloadRate }: Order): string => {
  if (downloadRate !== undefined) client.throttleDownload(downloadRate);
  const added = client.add(magnet ?? Buffer.from(torrent, 'base64'), { path: folder });
  added.on('error', (error) => say(`torrent error ${String(error)}`));
  added.on('warning', (warning) => say(`torrent warning ${String(warning)}`));
  const dial = (): void => {
    for (const { host, port: at } of peers) added.addPeer(`${host}:${at}`);
  };
  added.on('infoHash', () => setImmediate(dial));
  added.on('ready', dial);
  torrents.push(added);
  return String(torrents.length - 1);
};

const make = async ({ path, pieceLength }: Order): Promise<string> => {
  const create = (await load('create-torrent')).default as (
    input: string,
    options: object,
    done: (error: Error | null, torrent: Uint8Array) => void,
  ) => void;
  return new Promise((resolve, reject) => {
    create(path, { pieceLength, announceList: [], createdBy: 'webtorrent' }, (error, torrent) =>
      error === null ? resolve(Buffer.from(torrent).toString('base64')) : reject(error),
    );
  });
};

const read = async ({ torrent }: Order): Promise<string> => {
  const parse = (await load('parse-torrent')).default as (torrent: Uint8Array) => Promise<{ readonly infoHash: string }>;
  return (await parse(Buffer.from(torrent, 'base64'))).infoHash;
};

const calls: Readonly<Record<string, (order: Order) => unknown>> = {
  add,
  make,
  read,
  remove: ({ torrent }) =>
    new Promise<void>((resolve) => (torrents[Number(torrent)] as Torrent).destroy({ destroyStore: false }, () => resolve())),
  progress: ({ torrent }) => {
    const { done, downloaded, numPeers } = torrents[Number(torrent)] as Torrent;
    return { done, bytesHere: downloaded, peers: numPeers, error: null };
  },
};

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const order = JSON.parse(line) as Order;
    void (async () => {
      try {
        say(JSON.stringify({ id: order.id, ok: (await calls[order.call]?.(order)) ?? null }));
      } catch (error) {
        say(JSON.stringify({ id: order.id, error: String(error) }));
      }
    })();
  })
  .on('close', () => process.exit(0));

say('ready webtorrent');
