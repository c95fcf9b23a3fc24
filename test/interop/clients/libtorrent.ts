import { fileURLToPath } from 'node:url';
import type { Lab } from '../machines.ts';
import { Calls } from '../process.ts';
import { pythonWithLibtorrent } from '../programs.ts';
import type { Client, Progress, StartOptions } from './client.ts';

const PEER_PORT = 6883;
const script = fileURLToPath(new URL('libtorrent-client.py', import.meta.url));

export type TorrentVersion = 'v1' | 'v2' | 'hybrid';

interface Hashes {
  readonly v1: string | null;
  readonly v2: string | null;
}

export interface LibtorrentClient extends Client {
  progress(id: string): Promise<Progress & { readonly trackers: readonly { url: string; verified: boolean; message: string }[] }>;
  /** A torrent file of what lies at `path`. */
  make(path: string, version: TorrentVersion, pieceLength: number, trackers?: readonly string[]): Promise<Uint8Array>;
  /** The info-hashes of a torrent file, as it sees them. */
  read(torrent: Uint8Array): Promise<Hashes>;
  reannounce(id: string): Promise<void>;
}

/** Settings of a session that is encrypted in both directions, by RC4 alone. */
const ENCRYPTED = { in_enc_policy: 0, out_enc_policy: 0, allowed_enc_level: 2, prefer_rc4: true };

/** libtorrent by its Python binding. */
export const startLibtorrent = async (lab: Lab, machine: string, { encrypted = false }: StartOptions = {}): Promise<LibtorrentClient> => {
  const host = lab.address(machine);
  const python = pythonWithLibtorrent() ?? 'python3';
  const program = lab.start(machine, python, [script, host, String(PEER_PORT), JSON.stringify(encrypted ? ENCRYPTED : {})]);
  await program.line(/^ready libtorrent/u);
  const calls = new Calls(program);
  return {
    name: 'libtorrent',
    host,
    peerPort: PEER_PORT,
    add: async (source, folder, options = {}) => {
      const what = 'torrent' in source ? { torrent: Buffer.from(source.torrent).toString('base64') } : source;
      return (await calls.call('add', { ...what, folder, ...options })) as string;
    },
    progress: async (torrent) => (await calls.call('progress', { torrent })) as Awaited<ReturnType<LibtorrentClient['progress']>>,
    make: async (path, version, pieceLength, trackers = []) =>
      Buffer.from((await calls.call('make', { path, version, pieceLength, trackers })) as string, 'base64'),
    read: async (torrent) => (await calls.call('read', { torrent: Buffer.from(torrent).toString('base64') })) as Hashes,
    remove: async (torrent) => void (await calls.call('remove', { torrent })),
    reannounce: async (torrent) => void (await calls.call('reannounce', { torrent })),
    lastWords: () => program.lastWords(),
  };
};
