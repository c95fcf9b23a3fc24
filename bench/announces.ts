/** Announces a second: a real tracker process over its control link, and the load in another process. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { makeLocalNetwork } from '../src/cli/up/folder.ts';
import { LocalNetwork, until } from '../src/cli/up/network.ts';
import { summary, table } from './processes.ts';

export interface AnnouncePlan {
  readonly folder: string;
  readonly contents: number;
  readonly nodes: number;
  /** Swarms that each node is in. */
  readonly swarms: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly say: (line: string) => void;
}

interface Round {
  readonly items: number;
  readonly perSecond: number;
  readonly perCpuSecond: number;
  /** CPU seconds a second that the load itself took. */
  readonly load: number;
}

const LOAD = 'load';

/** The load says to be a second proxy: it needs a place in the network, and a file like the first one's. */
const addLoad = (folder: string): string => {
  const read = (file: string): Record<string, unknown> => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Record<string, unknown>;
  const write = (file: string, value: object): void => writeFileSync(join(folder, file), JSON.stringify(value));
  const network = read('network.json');
  const proxies = [...(network['proxies'] as object[]), { name: LOAD, address: '127.0.0.1:1' }];
  // Nothing expires while it is measured.
  write('network.json', { ...network, proxies, announceIntervalSeconds: 3_600, aliveSeconds: 3_600, removeSeconds: 86_400 });
  write(`${LOAD}.json`, { ...read('proxy.json'), name: LOAD });
  return join(folder, `${LOAD}.json`);
};

const runLoad = (plan: AnnouncePlan, configFile: string, trackerPid: number): Promise<Round[]> =>
  new Promise((resolve, reject) => {
    const { contents, nodes, swarms, rounds, seconds } = plan;
    const options = { config: configFile, tracker: trackerPid, contents, nodes, swarms, rounds, seconds };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const load = spawn(process.execPath, [fileURLToPath(new URL('announce-load.ts', import.meta.url)), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const found: Round[] = [];
    createInterface({ input: load.stdout }).on('line', (line) => {
      const round = JSON.parse(line) as Round;
      plan.say(`  ${round.items} to a frame: ${round.perSecond.toFixed(0)} a second`);
      found.push(round);
    });
    load.once('error', reject);
    load.once('close', (status) => (status === 0 ? resolve(found) : reject(new Error(`The load ended with status ${status}`))));
  });

/** Measures batches of 1 and of 64 in turn. Returns a table. */
export const benchAnnounces = async (plan: AnnouncePlan, main: string): Promise<string> => {
  const folder = join(plan.folder, 'announces');
  await makeLocalNetwork(folder, [], 0);
  const loadFile = addLoad(folder);
  const network = new LocalNetwork<never>(folder, main, (child, how) => {
    throw new Error(`${child.plan.name} ${how}: ${child.lastWords().join('\n')}`);
  });
  try {
    await Promise.all([network.start('proxy'), network.start('main')]);
    await until('The tracker leading', async () => ((await network.replica('main')).role === 'primary' ? true : null));
    const rounds = await runLoad(plan, loadFile, network.child('main').pid);
    const rows = [1, 64].map((items) => {
      const own = rounds.filter((round) => round.items === items);
      return [
        `${items} to a frame`,
        summary(
          own.map(({ perSecond }) => perSecond),
          0,
        ),
        summary(
          own.map(({ perCpuSecond }) => perCpuSecond),
          0,
        ),
        summary(
          own.map(({ load }) => load),
          2,
        ),
      ];
    });
    const heading = `${plan.contents} swarms of ${Math.round((plan.nodes * plan.swarms) / plan.contents)} peers`;
    return table([[heading, 'announces/s', "per CPU s of the tracker's", "load's CPU s/s"], ...rows]);
  } finally {
    await network.stop();
  }
};
