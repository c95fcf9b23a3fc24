/** `shoal up`: a whole network on this machine, each role a process of its own, and a tour of the main job. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Context } from '../command.ts';
import { EXIT, type ExitCode, stopWith } from '../exit.ts';
import { commandLine } from '../hints.ts';
import { formatRate, padEnd } from '../render/format.ts';
import { type StopRequest, watchSignals } from '../signals.ts';
import type { Child, Death } from './child.ts';
import { defaultFile, fileOfUser } from './files.ts';
import { makeLocalNetwork, takeFolder } from './folder.ts';
import { LocalNetwork, type ServerName } from './network.ts';
import { Screen, secondsText, StepFailed } from './screen.ts';
import { nodeNames, type NodeName, takeTour } from './steps.ts';
import { deathLines } from './words.ts';

export interface UpOptions {
  /** What to share; null for the Node executable. */
  readonly path: string | null;
  /** Leave after the tour. */
  readonly once: boolean;
  readonly folder: string;
}

/** Bytes a second up and down a node, so that the bar is seen and the tracker dies in the middle. */
const RATE = 30_000_000;

const mainModule = (): string => fileURLToPath(new URL(`../main.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url));

const showTimes = (screen: Screen): void => {
  screen.heading('What took how long');
  const width = Math.max(...screen.times.map(({ title }) => title.length));
  for (const { title, ms } of screen.times) screen.say(`  ${padEnd(title, width)}  ${secondsText(ms).padStart(7)}`);
};

const showCommands = (context: Context, screen: Screen, network: LocalNetwork<NodeName>, password: string): void => {
  const line = (of: NodeName | ServerName, command: string, words: readonly string[] = [], options: readonly string[] = []): string =>
    commandLine({ env: context.env, configFile: network.configOf(of) }, command, words, options);
  screen.heading('It stays up. Try, in another terminal');
  screen.commands([
    { command: line('bob', 'search'), about: 'everything that is shared' },
    { command: line('carol', 'ls'), about: 'what carol has' },
    { command: line('alice', 'share', [existsSync('README.md') ? 'README.md' : 'PATH']), about: 'share something' },
    { command: line('alice', 'nodes'), about: 'who is there' },
    { command: line('main', 'status', [], ['--cluster']), about: 'who leads, how both trackers are' },
    { command: `kill -9 ${network.child('backup').pid}`, about: 'another failover' },
  ]);
  screen.say();
  screen.say(`  Every account has the password ${password}. Logs: ${join(network.folder, 'logs')}`);
  screen.say('  Ctrl-C stops everything.');
};

const showDeath = (screen: Screen, child: Child, death: Death, again: string | null): void => {
  const [first = '', ...words] = deathLines(child, death, child.lastWords());
  screen.fact(first);
  for (const line of words) screen.say(`      ${line}`);
  if (again !== null) screen.commands([{ command: again, about: 'start it again, in another terminal' }]);
};

/** While it stays up, a process may be killed by whoever tries things: it is said, and the rest goes on. */
interface Deaths {
  during: ((error: Error) => void) | null;
  stopping: boolean;
}

const run = async (
  context: Context,
  screen: Screen,
  network: LocalNetwork<NodeName>,
  options: UpOptions,
  deaths: Deaths,
  signals: StopRequest,
  adminCode: string,
): Promise<ExitCode> => {
  const filesFolder = join(options.folder, 'files');
  const password = randomBytes(9).toString('base64url');
  const shared = options.path === null ? defaultFile(filesFolder) : fileOfUser(resolve(options.path));
  const died = new Promise<never>((_resolve, reject) => (deaths.during = reject));
  const interrupted = signals.requested.then(() => 'interrupted' as const);
  const tour = takeTour({ screen, network, shared, filesFolder, password, adminCode });
  // Whatever wins, the others may still fail later: that is heard here, and nowhere else.
  tour.catch(() => {});
  died.catch(() => {});
  if ((await Promise.race([tour, died, interrupted])) === 'interrupted') return EXIT.interrupted;
  deaths.during = null;
  showTimes(screen);
  context.output.value({ ok: true, steps: screen.times });
  if (options.once) return EXIT.ok;
  showCommands(context, screen, network, password);
  await signals.requested;
  return EXIT.ok;
};

/** Status 0 when every step went well (and, without `once`, the user has seen enough); 1 when one failed. */
export const runTour = async (context: Context, given: UpOptions): Promise<ExitCode> => {
  const options = { ...given, folder: resolve(given.folder) };
  if (options.path !== null && !existsSync(options.path)) stopWith('missing', `${options.path} does not exist.`);
  if (options.path !== null && basename(resolve(options.path)) === '')
    stopWith('usage', 'The root of a disk cannot be shared. Name a file or a folder.');
  const { lock, cleared } = takeFolder(options.folder);
  const screen = new Screen(context.output);
  const signals = watchSignals();
  void signals.requested.then(() => {
    screen.end();
    // The terminal has written "^C" into the line.
    screen.say();
    screen.say('Stopping…');
  });
  const deaths: Deaths = { during: null, stopping: false };
  if (cleared) screen.say(`The state of the last tour in ${given.folder} is cleared.`);
  screen.say(`State lives in ${given.folder}. For this tour every node is capped at ${formatRate(RATE)} up and down.`);
  const networkFolder = join(options.folder, 'network');
  const adminCode = await makeLocalNetwork(networkFolder, nodeNames, RATE);
  const network: LocalNetwork<NodeName> = new LocalNetwork(networkFolder, mainModule(), (child, death) => {
    if (deaths.stopping || signals.stopped) return;
    const { role, name } = child.plan;
    const again = commandLine({ env: context.env, configFile: network.configOf(name as ServerName | NodeName) }, role);
    showDeath(screen, child, death, deaths.during === null ? again : null);
    deaths.during?.(new StepFailed(`${child.plan.name} runs`, null));
  });
  try {
    return await run(context, screen, network, options, deaths, signals, adminCode);
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    context.output.value({ ok: false, failure: error.message, steps: screen.times });
    screen.say(`${error.message}. Logs: ${join(networkFolder, 'logs')}`);
    return EXIT.failed;
  } finally {
    deaths.stopping = true;
    screen.end();
    await network.stop();
    screen.say('All processes have stopped.');
    lock.release();
    signals.dispose();
  }
};
