/**
 * A file of 1 GiB and a folder of 1,000 small files go from one node to three others, the last with the first one killed
 * half-way. Status 0 when the SHA-256 of every file agrees everywhere.
 *
 *   node test/real/transfer.ts [--mebibytes 1024] [--files 1000] [--keep]
 */
import { randomFillSync, randomInt } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { compare, digestsOf } from '../../src/cli/up/files.ts';
import { type LocalNetwork, until } from '../../src/cli/up/network.ts';
import { formatRate, formatSize } from '../../src/cli/render/format.ts';
import type { TransferSummary } from '../../src/protocol/api.ts';
import { PASSWORD } from './load.ts';
import { leaveOnSignal, openNetwork, startServers } from './network.ts';

const MEBIBYTE = 1024 * 1024;
const nodes = ['first', 'second', 'third', 'last'] as const;
type NodeName = (typeof nodes)[number];
const TRANSFER_MAX_MS = 600_000;
const LOOK_MS = 10;
const SMALL_FILE_BYTES_MAX = 128 * 1024;
const words = ['báo cáo', 'dữ liệu', 'đo đạc', 'ghi chú', 'hình ảnh', 'kết quả', 'phòng thí nghiệm', 'trống rỗng'];

/** A file of random bytes. */
const writeBigFile = (path: string, mebibytes: number): void => {
  const chunk = Buffer.alloc(MEBIBYTE);
  const file = openSync(path, 'w');
  for (let i = 0; i < mebibytes; i++) writeSync(file, randomFillSync(chunk));
  closeSync(file);
};

/** Small files of random bytes in folders with Vietnamese names; every tenth is empty. */
const writeFolder = (folder: string, files: number): void => {
  for (let i = 0; i < files; i++) {
    const word = words[i % words.length] as string;
    const place = join(folder, word, `số ${i % 13}`);
    mkdirSync(place, { recursive: true });
    const size = i % 10 === 0 ? 0 : randomInt(1, SMALL_FILE_BYTES_MAX);
    writeFileSync(join(place, `${word} ${i}.bin`), randomFillSync(Buffer.alloc(size)));
  }
};

type Network = LocalNetwork<NodeName>;
type Say = (line: string) => void;

const secondsSince = (startMs: number): number => (performance.now() - startMs) / 1000;

const share = async (network: Network, path: string): Promise<string> => {
  const { job } = await network.ask('first', 'share', { paths: [path], name: null, tags: [], v1: false, pieceLength: null });
  return until(
    'Sharing',
    async () => {
      const { state, message, id } = await network.ask('first', 'shareJob', { job });
      if (state === 'failed') throw new Error(`The first node cannot share: ${message}`);
      return state === 'done' ? id : null;
    },
    TRANSFER_MAX_MS,
  );
};

/** Downloads, and lets `look` see how it goes. */
const download = async (
  network: Network,
  node: NodeName,
  id: string,
  look: (transfer: TransferSummary) => Promise<void> = async () => {},
): Promise<TransferSummary> => {
  await network.ask(node, 'get', { what: id, to: null, files: [], sequential: false });
  const deadline = performance.now() + TRANSFER_MAX_MS;
  for (;;) {
    const transfer = await network.transfer(node, id);
    if (transfer?.state === 'seeding') return transfer;
    if (transfer?.state === 'failed' || transfer?.state === 'paused') throw new Error(`${node}: ${transfer.state}, ${transfer.reason}`);
    if (performance.now() > deadline) throw new Error(`${node} has not finished: ${JSON.stringify(transfer)}`);
    if (transfer !== null) await look(transfer);
    await sleep(LOOK_MS);
  }
};

const sourcesOf = ({ sources }: TransferSummary): string =>
  sources
    .filter(({ bytes }) => bytes > 0)
    .map(({ name, bytes }) => `${name || 'unknown'} ${formatSize(bytes)}`)
    .join(', ');

const timed = async (
  network: Network,
  node: NodeName,
  id: string,
  say: Say,
  look?: (transfer: TransferSummary) => Promise<void>,
): Promise<void> => {
  const startMs = performance.now();
  const transfer = await download(network, node, id, look);
  const seconds = secondsSince(startMs);
  say(
    `  ${node.padEnd(6)}  ${seconds.toFixed(1).padStart(6)} s  ${formatRate(transfer.size / seconds).padStart(10)}  from ${sourcesOf(transfer)}`,
  );
};

const HALF = 0.5;

const goThrough = async (network: Network, path: string, say: Say): Promise<void> => {
  const original = await digestsOf(path);
  let startMs = performance.now();
  const id = await share(network, path);
  say(`  first   ${secondsSince(startMs).toFixed(1).padStart(6)} s  to hash and register`);
  await Promise.all([timed(network, 'second', id, say), timed(network, 'third', id, say)]);
  let killedAt: number | null = null;
  await timed(network, 'last', id, say, async ({ doneBytes, size }) => {
    if (killedAt !== null || doneBytes < HALF * size) return;
    killedAt = doneBytes / size;
    await network.child('first').kill();
    say(`          the first node is killed at ${Math.round(killedAt * 100)}% of the last one's download`);
  });
  if (killedAt === null) throw new Error('The last download was over before the first node could be killed');
  startMs = performance.now();
  for (const node of nodes.slice(1)) {
    const copy = await digestsOf(join(network.folder, 'downloads', node, path.split('/').at(-1) ?? ''));
    compare(original, copy, `the copy of ${node}`);
    if (copy.size !== original.size) throw new Error(`${node} has ${copy.size} files, not ${original.size}`);
  }
  say(
    `  SHA-256 of ${original.size} ${original.size === 1 ? 'file' : 'files'} agrees in all three copies  ${secondsSince(startMs).toFixed(1)} s`,
  );
  await until('All four as owners', async () => {
    const { hits } = await network.ask('last', 'search', { words: '', offset: 0, limit: 10 });
    return hits.find((hit) => hit.id === id)?.owners.length === 4 ? true : null;
  });
  await network.start('first');
};

export interface TransferOptions {
  readonly mebibytes: number;
  readonly files: number;
  readonly keep: boolean;
  readonly say: Say;
}

/** @throws where anything is not as it was shared. */
export const playTransfers = async ({ mebibytes, files, keep, say }: TransferOptions): Promise<void> => {
  const { network, folder, deaths, close } = await openNetwork(nodes);
  let failed = true;
  try {
    await startServers(network);
    await Promise.all(nodes.map((name) => network.start(name)));
    for (const name of nodes) {
      await network.ask(name, 'register', { name, password: PASSWORD, code: null });
      await network.ask(name, 'login', { name, password: PASSWORD });
    }
    const [file, small] = [join(folder, 'một gibibyte.bin'), join(folder, 'Thư mục nhiều tệp nhỏ')];
    writeBigFile(file, mebibytes);
    say(`A file of ${formatSize(mebibytes * MEBIBYTE)}`);
    await goThrough(network, file, say);
    writeFolder(small, files);
    say(`A folder of ${files} files, ${Math.ceil(files / 10)} of them empty`);
    await goThrough(network, small, say);
    if (deaths.length > 0) throw new Error(deaths.join('\n'));
    failed = false;
  } finally {
    await close(failed && keep);
    if (failed && keep) say(`Everything is left in ${folder}`);
  }
};

if (import.meta.main) {
  leaveOnSignal();
  const { values } = parseArgs({ options: { mebibytes: { type: 'string' }, files: { type: 'string' }, keep: { type: 'boolean' } } });
  await playTransfers({
    mebibytes: Number(values.mebibytes ?? 1024),
    files: Number(values.files ?? 1000),
    keep: values.keep === true,
    say: (line) => console.log(line),
  });
  process.exit(0);
}
