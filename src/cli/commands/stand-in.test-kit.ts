/** A node's stand-in behind the real API, for tests of the commands that ask one. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Reactor } from '../../bus/reactor.ts';
import { loadConfig } from '../../config/load.ts';
import { openApi } from '../../gateways/api/server.ts';
import type { ApiCallName, ApiCalls, TransferSummary } from '../../protocol/api.ts';
import { fail, type Result } from '../../protocol/result.ts';
import { type Ended, run } from '../run.test-kit.ts';

type Answers = { [K in ApiCallName]?: (args: ApiCalls[K]['args']) => Result<ApiCalls[K]['result']> };

export const idOf = (digit: string): string => digit.repeat(64);

export const transfer = (over: Partial<TransferSummary>): TransferSummary => ({
  id: idOf('a'),
  name: 'a content with a rather long name.iso',
  state: 'downloading',
  reason: null,
  size: 1_500_000_000,
  doneBytes: 700_000_000,
  downRate: 0,
  upRate: 0,
  uploadedBytes: 0,
  downloadedBytes: 0,
  secondsLeft: null,
  peers: 3,
  seeders: 1,
  sources: [],
  piecesBad: 0,
  folder: '/downloads',
  owned: false,
  swarm: 'catalog',
  ...over,
});

export interface StandIn {
  /** Of the node's configuration, and for files of the test. */
  readonly folder: string;
  readonly config: string;
  /** How the calls are answered; one that is missing here is a mistake of the test. */
  answers: Answers;
  /** What was asked. */
  asked: { readonly call: string; readonly args: object }[];
  ask(args: readonly string[], options?: Parameters<typeof run>[1]): Promise<Ended>;
  close(): Promise<void>;
}

export const startStandIn = async (): Promise<StandIn> => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal cli '));
  const config = join(folder, 'node.json');
  const set = await run(['init', folder]);
  if (set.status !== 0) throw new Error(set.err);
  const loaded = loadConfig(config);
  if (!loaded.ok || loaded.value.role !== 'node') throw new Error('the configuration of the node does not load');
  mkdirSync(loaded.value.dataFolder, { recursive: true });
  const standIn: StandIn = {
    folder,
    config,
    answers: {},
    asked: [],
    ask: (args, options = {}) => run([...args, '--config', config], options),
    close: async () => {
      if (opened.ok) await opened.value.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  const opened = await openApi({
    listen: { host: '127.0.0.1', port: 0 },
    dataFolder: loaded.value.dataFolder,
    version: '0',
    reactor: new Reactor(() => 0),
    handle: (call, args, done) => {
      standIn.asked.push({ call, args });
      const answer = standIn.answers[call] as ((given: object) => Result<never>) | undefined;
      done(answer === undefined ? fail('internal', `${call} was not expected`) : answer(args));
    },
  });
  if (!opened.ok) throw new Error(opened.error.message);
  return standIn;
};
