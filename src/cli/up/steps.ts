/** The steps of the tour, in order. Each is a line on the screen; each throws what went wrong. */
import { join } from 'node:path';
import type { TransferSummary } from '../../protocol/api.ts';
import { formatSize, plural, printable, shortId } from '../render/format.ts';
import { withSourceNames } from '../source-names.ts';
import { compare, digestsOf, notesFolder, type Shared } from './files.ts';
import { type LocalNetwork, until } from './network.ts';
import type { Screen } from './screen.ts';
import { type Downloaded, downloadText, sourcesOf, SPREAD_BYTES_MIN, thirdHeading, thirdTitle } from './words.ts';

export type NodeName = 'alice' | 'bob' | 'carol';
export const nodeNames: readonly NodeName[] = ['alice', 'bob', 'carol'];

export interface Tour {
  readonly screen: Screen;
  readonly network: LocalNetwork<NodeName>;
  readonly shared: Shared;
  /** For files that the tour makes itself. */
  readonly filesFolder: string;
  readonly password: string;
  readonly adminCode: string;
}

/** The main tracker dies when the third download has this part. */
const KILL_AT = 0.3;

/** A big file takes as long as it takes, but not without a byte for so long. */
const STALL_MAX_MS = 60_000;

const pids = (tour: Tour, names: readonly (NodeName | 'main' | 'backup' | 'proxy')[]): string =>
  names.map((name) => tour.network.child(name).pid).join(', ');

const startServers = (tour: Tour): Promise<void> =>
  tour.screen.step('start tracker, backup and proxy', async () => {
    const { network } = tour;
    await Promise.all([network.start('proxy'), network.start('main')]);
    await until('The main tracker leading', async () => ((await tour.network.replica('main')).role === 'primary' ? true : null));
    await network.start('backup');
    await until('The backup following', async () => ((await tour.network.replica('main')).mode === 'SYNC' ? true : null));
    return `Tracker, backup and proxy run, each a process of its own (${pids(tour, ['main', 'backup', 'proxy'])}); the backup has all that the tracker has`;
  });

const startNodes = (tour: Tour): Promise<void> =>
  tour.screen.step('start three nodes', async () => {
    await Promise.all(nodeNames.map((name) => tour.network.start(name)));
    return `Three nodes run: alice, bob and carol (${pids(tour, nodeNames)})`;
  });

const signIn = (tour: Tour): Promise<void> =>
  tour.screen.step('register and sign in', async () => {
    const { network, password, adminCode } = tour;
    await Promise.all(
      nodeNames.map(async (name) => {
        await network.ask(name, 'register', { name, password, code: name === 'alice' ? adminCode : null });
        await network.ask(name, 'login', { name, password });
      }),
    );
    return 'Three accounts are registered and signed in through the proxy; alice is the administrator';
  });

/** Shares and waits until the catalog has it. Returns its id. */
const share = async (
  tour: Tour,
  node: NodeName,
  { path, name }: Shared,
  tags: readonly string[],
): Promise<{ id: string; size: number }> => {
  const { job } = await tour.network.ask(node, 'share', { paths: [path], name, tags, v1: false, pieceLength: null });
  let doneBytes = 0;
  const look = async (): Promise<{ id: string; size: number } | null> => {
    const state = await tour.network.ask(node, 'shareJob', { job });
    ({ doneBytes } = state);
    if (state.state === 'failed') throw new Error(state.message ?? 'sharing failed');
    if (state.state === 'hashing' && state.size > 0)
      tour.screen.progress({ label: node, ...state, rate: 0, secondsLeft: null, sources: [], reason: 'reading and hashing' });
    return state.state === 'done' && state.id !== null ? { id: state.id, size: state.size } : null;
  };
  return until(`Sharing ${name}`, look, STALL_MAX_MS, () => doneBytes);
};

const shareFirst = async (tour: Tour): Promise<{ id: string; size: number }> => {
  let found = { id: '', size: 0 };
  await tour.screen.step('share', async () => {
    found = await share(tour, 'alice', tour.shared, ['tour']);
    return `alice shares ${printable(tour.shared.name)} (${formatSize(found.size)}); its id begins with ${shortId(found.id)}`;
  });
  return found;
};

const searchFirst = (tour: Tour, id: string): Promise<void> =>
  tour.screen.step('search', async () => {
    const hit = await until('Finding it', () => tour.network.search('bob', tour.shared.words));
    const named = hit.id === id ? '' : ' (another content, with the same words)';
    return `bob searches for "${tour.shared.words}" and finds ${printable(hit.name)}${named}: ${formatSize(hit.size)}, on ${plural(hit.ownerCount, 'node')}`;
  });

/** Downloads and shows it; `watch` hears of every look at it. */
const download = async (
  tour: Tour,
  node: NodeName,
  id: string,
  watch: (transfer: TransferSummary) => void = () => {},
): Promise<Downloaded> => {
  const startMs = performance.now();
  let doneBytes = 0;
  const look = async (): Promise<TransferSummary | null> => {
    const transfer = await tour.network.transfer(node, id);
    if (transfer === null) return null;
    if (transfer.state === 'failed' || transfer.state === 'paused') throw new Error(transfer.reason ?? `the download is ${transfer.state}`);
    ({ doneBytes } = transfer);
    watch(transfer);
    if (transfer.state === 'seeding') return transfer;
    tour.screen.progress({
      label: node,
      doneBytes: transfer.doneBytes,
      size: transfer.size,
      rate: transfer.downRate,
      secondsLeft: transfer.secondsLeft,
      sources: sourcesOf(transfer),
      reason: transfer.state === 'downloading' ? null : (transfer.reason ?? transfer.state),
    });
    return null;
  };
  await tour.network.ask(node, 'get', { what: id, to: null, files: [], sequential: false });
  const transfer = await until('The download', look, STALL_MAX_MS, () => doneBytes);
  const ms = performance.now() - startMs;
  return { transfer: await withSourceNames(transfer, () => tour.network.transfer(node, id)), ms };
};

const downloadSecond = (tour: Tour, id: string): Promise<void> =>
  tour.screen.step('second node downloads', async () => downloadText('bob', await download(tour, 'bob', id)));

/** Starts the third download. `under way` resolves when the main tracker should die; `done` when it is complete. */
const startThird = (tour: Tour, id: string): { underWay: Promise<number>; done: Promise<void> } => {
  let reached: (part: number) => void = () => {};
  let broken: (error: unknown) => void = () => {};
  const underWay = new Promise<number>((resolve, reject) => {
    reached = resolve;
    broken = reject;
  });
  let killed = false;
  const done = tour.screen.step('third node downloads', async () => {
    try {
      const end = await download(tour, 'carol', id, ({ doneBytes, size, state }) => {
        killed ||= state !== 'seeding' && doneBytes >= KILL_AT * size;
        if (state === 'seeding' || killed) reached(size === 0 ? 1 : doneBytes / size);
      });
      const sources = sourcesOf(end.transfer);
      if (end.transfer.size >= SPREAD_BYTES_MIN && sources.length < 2)
        throw new Error(`all of it came from ${sources[0]?.name ?? 'nowhere'}, not from both`);
      return { text: `${downloadText('carol', end)}${killed ? ', while the main tracker died' : ''}`, title: thirdTitle(end) };
    } catch (error) {
      broken(error);
      throw error;
    }
  });
  return { underWay, done };
};

const killMain = async (tour: Tour, part: number): Promise<void> => {
  const { pid } = tour.network.child('main');
  await tour.network.child('main').kill();
  tour.screen.fact(
    `The main tracker (process ${pid}) is killed with SIGKILL, ${part < 1 ? `at ${Math.round(part * 100)}% of carol's download` : "after carol's download"}`,
  );
};

/** What must go on while the main tracker is dead. */
const goOn = async (tour: Tour): Promise<void> => {
  const { screen, network, password, shared } = tour;
  await screen.step('search without the main tracker', async () => {
    const hit = await until('Finding it', () => network.search('alice', shared.words));
    return `alice searches and finds ${printable(hit.name)}: the backup answers`;
  });
  await screen.step('sign in without the main tracker', async () => {
    await network.ask('alice', 'login', { name: 'alice', password });
    return 'alice signs in again';
  });
  await screen.step('register without the main tracker', async () => {
    await network.ask('bob', 'register', { name: 'dave', password, code: null });
    return 'dave, a new account, is registered';
  });
  await screen.step('share and download without the main tracker', async () => {
    const notes = notesFolder(tour.filesFolder);
    const { id } = await share(tour, 'alice', notes, []);
    const hit = await until('Finding it', () => network.search('bob', notes.words));
    if (hit.id !== id) throw new Error(`"${notes.words}" found ${hit.name}`);
    const { transfer } = await download(tour, 'bob', id);
    const files = compare(
      await digestsOf(notes.path),
      await digestsOf(join(network.folder, 'downloads', 'bob', notes.name)),
      'the copy of bob',
    );
    return `alice shares a folder, bob finds it as "${notes.words}" and downloads it: ${plural(files, 'file')}, ${formatSize(transfer.size)}`;
  });
};

const verify = (tour: Tour): Promise<void> =>
  tour.screen.step('verify', async () => {
    const { network, shared } = tour;
    const original = await digestsOf(shared.path);
    let files = 0;
    for (const name of ['bob', 'carol'])
      files += compare(original, await digestsOf(join(network.folder, 'downloads', name, shared.name)), `the copy of ${name}`);
    return `SHA-256 of ${plural(files, 'downloaded file')} computed again: all the same as alice's`;
  });

const countOwners = (tour: Tour, id: string): Promise<void> =>
  tour.screen.step('count owners', async () => {
    const owners = await until('Three owners in the catalog', async () => {
      const { hits } = await tour.network.ask('alice', 'search', { words: tour.shared.words, offset: 0, limit: 100 });
      const hit = hits.find((each) => each.id === id);
      return hit !== undefined && hit.owners.length === 3 ? hit.owners : null;
    });
    return `The catalog names three owners: ${owners
      .map(({ account }) => printable(account))
      .sort()
      .join(', ')}`;
  });

const bringBack = (tour: Tour): Promise<void> =>
  tour.screen.step('bring the main tracker back', async () => {
    await tour.network.start('main');
    await until('The main tracker following', async () => {
      const [main, backup] = [await tour.network.replica('main'), await tour.network.replica('backup')];
      return main.role === 'follower' && backup.mode === 'SYNC' && main.appliedSeq === backup.appliedSeq ? true : null;
    });
    return `The main tracker is back (process ${tour.network.child('main').pid}); it follows the backup and has caught up`;
  });

/** The whole tour. @throws `StepFailed` at the first step that fails. */
export const takeTour = async (tour: Tour): Promise<void> => {
  const { screen } = tour;
  screen.heading('A whole network on this machine');
  await startServers(tour);
  await startNodes(tour);
  await signIn(tour);

  screen.heading('Share, search, download');
  const { id, size } = await shareFirst(tour);
  await searchFirst(tour, id);
  await downloadSecond(tour, id);

  screen.heading(thirdHeading(size));
  const third = startThird(tour, id);
  const outage = third.underWay.then(async (part) => {
    await killMain(tour, part);
    await goOn(tour);
  });
  await Promise.all([third.done, outage]);
  await verify(tour);
  await countOwners(tour, id);
  await bringBack(tour);
};
