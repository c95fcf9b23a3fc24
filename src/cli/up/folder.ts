/** `.shoal`: the state of the tour. What an earlier tour left is cleared, and nothing else is ever touched. */
import { randomInt } from 'node:crypto';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type FolderLock, lockFolder } from '../../system/lock.ts';
import { makeFolders } from '../../system/make-folders.ts';
import { createNetwork } from '../commands/network.ts';
import { give, stopWith } from '../exit.ts';
import { failureCodeOf } from '../new-files.ts';

/** Says that a folder is a tour's. */
const MARK = 'made-by-shoal-up';
const isOurs = (name: string): boolean => name === MARK || name === 'network' || name === 'files' || /^lock(?:[.-]|$)/u.test(name);

export interface TourFolder {
  readonly lock: FolderLock;
  /** Whether there was an earlier tour. */
  readonly cleared: boolean;
}

/** The names in the folder, which is made where it is missing. */
const openFolder = (folder: string): string[] => {
  try {
    makeFolders(folder);
    return readdirSync(folder);
  } catch (error) {
    const failure = error as NodeJS.ErrnoException;
    return stopWith(failureCodeOf(failure), `${folder} cannot hold the tour: ${failure.message}. Choose another folder with --dir.`);
  }
};

/** Takes the folder for this tour and empties it; refuses a folder that holds anything of somebody else's. */
export const takeFolder = (folder: string): TourFolder => {
  const before = openFolder(folder);
  const foreign = before.filter((name) => !isOurs(name));
  if (before.length > 0 && (foreign.length > 0 || !before.includes(MARK))) {
    stopWith(
      'exists',
      `${folder} holds other things (${(foreign[0] ?? before[0]) as string}). Nothing was changed; choose another folder with --dir.`,
    );
  }

  writeFileSync(join(folder, MARK), 'The state of "shoal up". It is cleared at the next start.\n');
  const locked = lockFolder(folder);
  if (!locked.ok)
    stopWith(
      'in-use',
      `A tour is running in ${folder}${locked.error.pid === null ? '' : ` (process ${locked.error.pid})`}. Stop it first, or choose another folder with --dir.`,
    );
  const cleared = before.includes('network');
  for (const name of ['network', 'files']) rmSync(join(folder, name), { recursive: true, force: true });
  return { lock: give(locked), cleared };
};

/** Below those that systems give to outgoing connections (from 32768 on): nobody takes one of these by accident before it is used. */
const PORTS = { from: 15_000, to: 32_000 } as const;
const PORT_TRIES = 200;

/** Takes the port, if nobody has it. */
const hold = (port: number): Promise<(() => Promise<void>) | null> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(port, '127.0.0.1', () => resolve(() => new Promise((done) => void server.close(() => done()))));
  });

/** Ports that are free now, all different. */
export const freePorts = async (count: number): Promise<number[]> => {
  const held = new Map<number, () => Promise<void>>();
  for (let tries = 0; held.size < count && tries < PORT_TRIES; tries++) {
    const port = randomInt(PORTS.from, PORTS.to);
    const release = held.has(port) ? null : await hold(port);
    if (release !== null) held.set(port, release);
  }
  await Promise.all([...held.values()].map((release) => release()));
  if (held.size < count) stopWith('in-use', `No ${count} free ports were found between ${PORTS.from} and ${PORTS.to}.`);
  return [...held.keys()];
};

/** Quick signs of life, so that nobody need wait for what a network of days does in minutes. */
const TIMING = { announceIntervalSeconds: 5, aliveSeconds: 3, removeSeconds: 15 };

/**
 * The files of a network on loopback in `folder`, on ports that are free now. `ratePerNode`: bytes a second up and down,
 * 0 for no limit. Returns the code for the first administrator.
 */
export const makeLocalNetwork = async (folder: string, nodes: readonly string[], ratePerNode: number): Promise<string> => {
  const [tracker = 0, backup = 0, proxy = 0, announcePort = 0] = await freePorts(4);
  const at = (port: number): { host: string; port: number } => ({ host: '127.0.0.1', port });
  const plan = {
    name: 'local',
    registration: 'open',
    tracker: at(tracker),
    backup: at(backup),
    proxies: [{ ...at(proxy), announcePort }],
    witnesses: 1,
    nodes,
    rate: ratePerNode,
    timing: TIMING,
  } as const;
  return createNetwork(folder, plan).adminCode;
};
