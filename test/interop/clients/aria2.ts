import { until } from '../../../src/cli/up/network.ts';
import type { Client, StartClient } from './client.ts';

const RPC_PORT = 6800;
const PEER_PORT = 6881;

interface Status {
  readonly status: string;
  readonly seeder?: string;
  readonly totalLength: string;
  readonly completedLength: string;
  readonly connections: string;
  readonly verifyIntegrityPending?: string;
  readonly verifiedLength?: string;
  readonly errorMessage?: string;
  readonly followedBy?: readonly string[];
}

/** aria2c with its RPC. It knows peers from trackers alone, seeds until it is told to stop, and leaves other networks alone. */
export const startAria2: StartClient = async (lab, machine, { encrypted = false } = {}) => {
  const host = lab.address(machine);
  const program = lab.start(
    machine,
    'aria2c',
    [
      '--no-conf=true',
      '--enable-rpc=true',
      '--rpc-listen-all=true',
      `--rpc-listen-port=${RPC_PORT}`,
      `--listen-port=${PEER_PORT}`,
      // Without it, it speaks to no tracker by UDP.
      '--enable-dht=true',
      `--dht-listen-port=${PEER_PORT}`,
      `--dht-file-path=${lab.place(machine)}/dht.dat`,
      '--enable-dht6=false',
      '--bt-enable-lpd=false',
      '--enable-peer-exchange=false',
      ...(encrypted ? ['--bt-require-crypto=true', '--bt-min-crypto-level=arc4'] : []),
      '--check-integrity=true',
      '--seed-ratio=0.0',
      '--bt-stop-timeout=0',
      '--file-allocation=none',
      '--disable-ipv6=true',
      '--bt-tracker-connect-timeout=5',
      '--bt-tracker-timeout=10',
      '--bt-save-metadata=false',
      '--rpc-save-upload-metadata=false',
      '--console-log-level=notice',
      '--summary-interval=0',
      `--dir=${lab.place(machine)}`,
    ],
    { cwd: lab.place(machine) },
  );
  const rpc = async (method: string, ...params: readonly unknown[]): Promise<unknown> => {
    const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: '1', method: `aria2.${method}`, params }));
    const reply = await lab.http(`http://${host}:${RPC_PORT}/jsonrpc`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': String(body.length) },
      body,
    });
    const { result, error } = JSON.parse(reply.body.toString()) as { result?: unknown; error?: { message: string } };
    if (error !== undefined) throw new Error(`aria2 ${method}: ${error.message}`);
    return result;
  };
  await program.line(/listening on TCP port 6800/u);
  const status = async (gid: string): Promise<Status> => {
    const found = (await rpc('tellStatus', gid)) as Status;
    return found.followedBy?.[0] === undefined ? found : status(found.followedBy[0]);
  };
  const client: Client = {
    name: 'aria2',
    host,
    peerPort: PEER_PORT,
    add: async (source, folder, { downloadRate = 0 } = {}) => {
      const options = { dir: folder, 'max-download-limit': String(downloadRate) };
      const added =
        'torrent' in source
          ? rpc('addTorrent', Buffer.from(source.torrent).toString('base64'), [], options)
          : rpc('addUri', [source.magnet], options);
      return (await added) as string;
    },
    progress: async (gid) => {
      const { status: state, seeder, totalLength, completedLength, connections, errorMessage } = await status(gid);
      const whole = totalLength !== '0' && totalLength === completedLength;
      return {
        done: (whole && seeder === 'true') || state === 'complete',
        bytesHere: Number(completedLength),
        peers: Number(connections),
        error: state === 'error' ? (errorMessage ?? state) : null,
      };
    },
    remove: async (gid) => {
      // What was a magnet link has become another download.
      const current = async (id: string): Promise<string> => {
        const next = ((await rpc('tellStatus', id)) as Status).followedBy?.[0];
        return next === undefined ? id : current(next);
      };
      // By force: it does not wait for its tracker.
      const now = await current(gid);
      await rpc('forceRemove', now);
      await until('aria2 lets go of it', async () => (((await rpc('tellStatus', now)) as Status).status === 'active' ? null : true));
    },
    lastWords: () => program.lastWords(),
  };
  await until('aria2 answers', async () => (await rpc('getVersion').catch(() => null)) ?? null, 10_000);
  return client;
};
