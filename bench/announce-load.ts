/**
 * The load of the announce benchmark, a process of its own: says to be a proxy, signs an account in, puts contents into
 * the catalog and lets nodes enter, then announces for them as fast as it is answered. Prints one line of JSON a round.
 */
import { parseArgs } from 'node:util';
import { Reactor } from '../src/bus/reactor.ts';
import { loadConfig } from '../src/config/load.ts';
import { describeTorrent } from '../src/domain/catalog/torrent.ts';
import { dialLink } from '../src/links/dial.ts';
import type { Link } from '../src/links/link.ts';
import { silentLog } from '../src/ports/log.ts';
import type { AnnounceItem, Operation, OperationResults, ProxyFrame, ReplyFrame } from '../src/protocol/control/messages.ts';
import { makeTestTorrent, testBytes, valueOf } from '../src/protocol/bittorrent/torrent.test-kit.ts';
import { createClock, monotonicMicros } from '../src/system/clock.ts';
import { createTcpTransport } from '../src/transports/tcp/tcp.ts';
import { cpuSecondsOf } from './processes.ts';

const { values: options } = parseArgs({
  options: {
    config: { type: 'string' },
    tracker: { type: 'string' },
    contents: { type: 'string', default: '1000' },
    nodes: { type: 'string', default: '1000' },
    swarms: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '5' },
  },
});
const [contents, nodes, swarmsPerNode, seconds, rounds] = [
  options.contents,
  options.nodes,
  options.swarms,
  options.seconds,
  options.rounds,
].map(Number) as [number, number, number, number, number];
const trackerPid = Number(options.tracker);
/** Peers asked for in each announce. */
const WANT = 50;
/** The batches that are compared, and how many frames of each are under way at one time. */
const BATCHES = [
  { items: 1, underWayMax: 128 },
  { items: 64, underWayMax: 4 },
] as const;
const REQUESTS_UNDER_WAY_MAX = 32;

const config = valueOf(loadConfig(options.config ?? ''));
if (config.role !== 'proxy') throw new Error('--config must be that of a proxy');
const { network, secrets } = config;
const [main] = network.replicas;
if (main === undefined || secrets.clusterKey === null) throw new Error('The network has no tracker, or no cluster key');

const reactor = new Reactor(monotonicMicros);
const deps = { clock: createClock(reactor), transport: createTcpTransport(reactor), log: silentLog };
const identity = { networkId: network.networkId, name: config.name, incarnation: `load-${process.pid}`, software: 'bench' };

let answered: () => void = () => {};
const replies = new Map<number, (reply: ReplyFrame) => void>();
let lastRequest = 0;

const open = (): Promise<Link<ProxyFrame>> =>
  new Promise((resolve, reject) => {
    const dial = { type: 'proxy', address: main.address, identity, security: secrets.clusterKey } as const;
    const link: Link<ProxyFrame> = dialLink<ProxyFrame>(deps, dial as Parameters<typeof dialLink>[1], {
      up: () => resolve(link),
      frame(frame) {
        if (frame.kind === 'announced') answered();
        if (frame.kind === 'reply') replies.get(frame.requestId.n)?.(frame);
      },
      down: (reason) => reject(new Error(reason.message)),
    });
  });

const link = await open();

/** What is sent from outside a step is sent in one of its own. */
const inStep = (run: () => void): void => reactor.step({ port: 'process', id: 0, kind: 'send' }, run);

const nodeName = (index: number): string => `node${String(index).padStart(6, '0')}`;
const hostOf = (index: number): string => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;

const ask = <O extends Operation>(operation: O, node: number, token: string | null, tail: Uint8Array = new Uint8Array(0)) =>
  new Promise<OperationResults[O['op']]>((resolve, reject) => {
    const n = ++lastRequest;
    replies.set(n, ({ body }) => {
      replies.delete(n);
      if (body.ok) resolve(body.value as OperationResults[O['op']]);
      else reject(new Error(`${operation.op}: ${body.message}`));
    });
    const from = { node: nodeName(node), host: hostOf(node) };
    const requestId = { client: `${String(process.pid).padStart(32, '0')}`, n };
    const common = { minSeq: 0, require: 'any', deadlineMs: 30_000, epoch: 0 } as const;
    inStep(() => void link.send({ kind: 'request', requestId, token, operation, ...common, from, tail }));
  });

const inTurns = async (count: number, work: (index: number) => Promise<unknown>): Promise<void> => {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: REQUESTS_UNDER_WAY_MAX }, one));
};

/** Register, log in, enter, own. Returns the ids of the contents. */
const prepare = async (): Promise<string[]> => {
  const account = { name: 'load', password: 'not a secret' };
  await ask({ op: 'register', ...account, code: null }, 0, null);
  const { token } = await ask({ op: 'login', ...account }, 0, null);
  await inTurns(nodes, (index) => {
    const addresses = [{ host: hostOf(index), port: 7_000 }];
    return ask({ op: 'enter', node: nodeName(index), name: nodeName(index), incarnation: 'one', addresses }, index, token);
  });
  const ids: string[] = [];
  await inTurns(contents, async (index) => {
    const torrent = makeTestTorrent([{ path: [`file-${index}`], bytes: testBytes(1_000, index) }], { name: `content-${index}` }).bytes;
    const content = valueOf(describeTorrent(torrent, []));
    ids[index] = content.id;
    await ask({ op: 'own', content, node: nodeName(0) }, 0, token, torrent);
  });
  return ids;
};

const ids = await prepare();
let sequence = 0;

/** The swarms of a node, `count` of them from `first` on: every content gets nodes × swarms / contents peers. */
const itemsOf = (node: number, first: number, count: number): AnnounceItem[] =>
  Array.from({ length: count }, (_, n) => ({
    content: ids[(node * swarmsPerNode + ((first + n) % swarmsPerNode)) % contents] as string,
    event: 'none',
    leftBytes: node % 5 === 0 ? 0 : 1_000,
    uploadedBytes: 0,
    downloadedBytes: 0,
    want: WANT,
  }));

/** Announces in frames of so many items until `over`, with so many under way. Returns the announces that were answered. */
const announce = (items: number, underWayMax: number, over: (frames: number) => boolean): Promise<number> =>
  new Promise((resolve) => {
    let sent = 0;
    let back = 0;
    const send = (): void => {
      const node = sent % nodes;
      const first = Math.floor(sent / nodes) * items;
      sent++;
      link.send({ kind: 'announce', node: nodeName(node), incarnation: 'one', sequence: ++sequence, items: itemsOf(node, first, items) });
    };
    answered = () => {
      back++;
      if (!over(sent)) send();
      else if (back === sent) resolve(back * items);
    };
    inStep(() => {
      for (let n = 0; n < underWayMax; n++) send();
    });
  });

const fill = Math.ceil(swarmsPerNode / 64) * nodes;
await announce(Math.min(64, swarmsPerNode), 4, (frames) => frames >= fill);
for (let round = 0; round < rounds; round++) {
  for (const { items, underWayMax } of BATCHES) {
    const cpuBefore = cpuSecondsOf(trackerPid);
    const ownBefore = process.cpuUsage();
    const beganAt = performance.now();
    const count = await announce(items, underWayMax, () => performance.now() - beganAt >= seconds * 1_000);
    const took = (performance.now() - beganAt) / 1_000;
    const own = process.cpuUsage(ownBefore);
    const cpu = cpuSecondsOf(trackerPid) - cpuBefore;
    console.log(JSON.stringify({ items, perSecond: count / took, perCpuSecond: count / cpu, load: (own.user + own.system) / 1e6 / took }));
  }
}
process.exit(0);
