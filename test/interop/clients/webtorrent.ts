import { fileURLToPath } from 'node:url';
import type { Lab } from '../machines.ts';
import { Calls } from '../process.ts';
import { packagesFolder } from '../programs.ts';
import type { Client, Progress, StartOptions } from './client.ts';

const PEER_PORT = 6884;
const script = fileURLToPath(new URL('webtorrent-client.ts', import.meta.url));

export interface WebtorrentClient extends Client {
  /** A torrent file of what lies at `path`. */
  make(path: string, pieceLength: number): Promise<Uint8Array>;
  /** The info-hash of a torrent file, as it sees it. */
  read(torrent: Uint8Array): Promise<string>;
}

/** webtorrent of npm, in the running Node. By itself it dials peers in encrypted streams, and takes either. */
export const startWebtorrent = async (lab: Lab, machine: string, { encrypted = false }: StartOptions = {}): Promise<WebtorrentClient> => {
  const program = lab.start(machine, process.execPath, [script, packagesFolder, String(PEER_PORT), encrypted ? 'encrypted' : 'plain']);
  await program.line(/^ready webtorrent/u);
  const calls = new Calls(program);
  return {
    name: 'webtorrent',
    host: lab.address(machine),
    peerPort: PEER_PORT,
    add: async (source, folder, options = {}) => {
      const what = 'torrent' in source ? { torrent: Buffer.from(source.torrent).toString('base64') } : source;
      return (await calls.call('add', { ...what, folder, ...options })) as string;
    },
    progress: async (torrent) => (await calls.call('progress', { torrent })) as Progress,
    remove: async (torrent) => void (await calls.call('remove', { torrent })),
    make: async (path, pieceLength) => Buffer.from((await calls.call('make', { path, pieceLength })) as string, 'base64'),
    read: async (torrent) => (await calls.call('read', { torrent: Buffer.from(torrent).toString('base64') })) as string,
    lastWords: () => program.lastWords(),
  };
};
