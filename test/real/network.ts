/** A network of real processes in a temporary folder, which goes with them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeLocalNetwork } from '../../src/cli/up/folder.ts';
import { LocalNetwork, until } from '../../src/cli/up/network.ts';

export const mainModule = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export interface RealNetwork<Node extends string> {
  /** Of the test: `network/` has the network's files, all else is free. */
  readonly folder: string;
  readonly network: LocalNetwork<Node>;
  readonly adminCode: string;
  /** Processes that ended without having been told to, and their last words. */
  readonly deaths: readonly string[];
  /** Ends all processes; the folder goes too, unless somebody is to look into it. */
  close(keepFolder?: boolean): Promise<void>;
}

/** The files of a network with these nodes; nothing runs yet. `ratePerNode`: bytes a second, 0 for no limit. */
export const openNetwork = async <Node extends string>(nodes: readonly Node[], ratePerNode = 0): Promise<RealNetwork<Node>> => {
  // The processes start in half the time.
  enableCompileCache();
  const folder = mkdtempSync(join(tmpdir(), 'shoal-real-'));
  const deaths: string[] = [];
  const network = new LocalNetwork<Node>(join(folder, 'network'), mainModule, (child, how) => {
    deaths.push(`${child.plan.name} ${how}: ${child.lastWords().join('\n')}`);
  });
  const adminCode = await makeLocalNetwork(network.folder, nodes, ratePerNode);
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  // Where this process ends before it can close, its children end with their standard input.
  process.once('exit', remove);
  const close = async (keepFolder = false): Promise<void> => {
    await network.stop();
    process.off('exit', remove);
    if (!keepFolder) remove();
  };
  return { folder, network, adminCode, deaths, close };
};

/** For scripts: Ctrl-C leaves nothing behind. */
export const leaveOnSignal = (): void => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
};

/** Proxy, tracker and backup; resolves when the backup has all that the tracker has. */
export const startServers = async (network: LocalNetwork<string>): Promise<void> => {
  await Promise.all([network.start('proxy'), network.start('main'), network.start('backup')]);
  await untilBothFollow(network);
};

/** One of the pair is primary and the other one has all that it has; returns the name of the primary. */
export const untilBothFollow = (network: LocalNetwork<string>, maxMs = 60_000): Promise<'main' | 'backup'> =>
  until(
    'Tracker and backup in step',
    async () => {
      const [main, backup] = await Promise.all([network.replica('main'), network.replica('backup')]);
      const primary = main.role === 'primary' ? 'main' : 'backup';
      const [leader, other] = primary === 'main' ? [main, backup] : [backup, main];
      return leader.role === 'primary' && leader.mode === 'SYNC' && other.role === 'follower' && other.epoch === leader.epoch
        ? primary
        : null;
    },
    maxMs,
  );
