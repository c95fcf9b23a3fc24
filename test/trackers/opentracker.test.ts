/** The tracker client against opentracker itself, on loopback: HTTP and UDP, two nodes that hear of each other. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Reactor } from '../../src/bus/reactor.ts';
import { TrackerFollower } from '../../src/data/trackers/follower.ts';
import { TrackerClient } from '../../src/data/trackers/tracker-client.ts';
import { createRandom } from '../../src/ports/counter-random.ts';
import type { PeerId, WireHash } from '../../src/protocol/bittorrent/ids.ts';
import { fromHex, toHex } from '../../src/protocol/digest.ts';
import { createClock, monotonicMicros } from '../../src/system/clock.ts';
import { createCrypto } from '../../src/system/crypto.ts';
import { createTcpTransport } from '../../src/transports/tcp/tcp.ts';
import { createUdpDatagrams } from '../../src/transports/udp/udp.ts';
import { Program } from '../interop/process.ts';
import { versionOf } from '../interop/programs.ts';

const version = versionOf('opentracker');
const options = { skip: version === null ? 'opentracker is not installed (Debian: apt-get install opentracker)' : false, timeout: 60_000 };

const HOST = '127.0.0.1';
const hashes = ['aa'.repeat(20), 'bb'.repeat(20)].map((hex) => fromHex(hex) as WireHash);

const freePort = async (): Promise<number> => {
  const server = net.createServer().listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

/** Whether somebody takes connections there. */
const answers = async (port: number): Promise<boolean> => {
  const socket = net.connect(port, HOST);
  const found = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'close').then(() => false)]).catch(() => false);
  socket.destroy();
  return found;
};

/** An opentracker that knows those hashes; its port. */
const startOpentracker = async (context: TestContext): Promise<number> => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-opentracker-'));
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'whitelist'), hashes.map((hash) => `${toHex(hash).toUpperCase()}\n`).join(''));
  const port = await freePort();
  const program = new Program(
    'opentracker',
    'opentracker',
    ['-i', HOST, '-p', `${port}`, '-P', `${port}`, '-u', 'nobody', '-d', folder, '-w', 'whitelist'],
    {
      cwd: folder,
    },
  );
  context.after(async () => {
    program.killNow();
    await program.ended;
    rmSync(folder, { recursive: true, force: true });
  });
  for (let tries = 0; !(await answers(port)); tries++) {
    assert.ok(tries < 1_000, `opentracker does not answer: ${program.lastWords()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return port;
};

/** A node that follows one torrent, on system ports. */
const startNode = (context: TestContext, name: string, url: string, peerPort: number, leftBytes: number, wireHashes = hashes) => {
  const reactor = new Reactor(monotonicMicros);
  const clock = createClock(reactor);
  const crypto = createCrypto(reactor);
  const transport = createTcpTransport(reactor);
  const datagrams = createUdpDatagrams(reactor);
  const client = new TrackerClient({ ports: { clock, crypto, transport, datagrams }, client: 'Shoal/test' });
  const seen: number[] = [];
  let replies = 0;
  const follower = new TrackerFollower(
    { clock, random: createRandom(name), client },
    {
      tiers: [[url]],
      wireHashes,
      peerId: new Uint8Array(Buffer.from(`-SH0100-${name.padEnd(12, 'x')}`)) as PeerId,
      key: toHex(crypto.secretBytes(4)),
      private: false,
      port: () => peerPort,
      facts: () => ({ leftBytes, uploadedBytes: 0, downloadedBytes: 0, want: 50 }),
      peers: (peers) => {
        replies++;
        seen.push(...peers.filter(({ host }) => host === HOST).map(({ port }) => port));
      },
    },
  );
  context.after(() => {
    client.close();
    transport.shutdown();
    datagrams.shutdown();
    clock.close();
    crypto.close();
  });
  const act = (run: () => void): void => reactor.step({ port: 'process', id: 0, kind: 'test' }, run);
  /** Looks after each step. */
  const until = (happened: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!happened()) return;
        reactor.taps.off('stepped', look);
        resolve();
      };
      reactor.taps.on('stepped', look);
      look();
    });
  return { follower, act, until, seen, answered: () => replies };
};

for (const scheme of ['http', 'udp'] as const) {
  test(`opentracker by ${scheme}: a seed and a download hear of each other, are counted, and leave`, options, async (context) => {
    const port = await startOpentracker(context);
    const url = `${scheme}://${HOST}:${port}/announce`;
    const seed = startNode(context, 'seed', url, 7_001, 0);
    seed.act(() => seed.follower.start());
    await seed.until(() => seed.answered() === 2);
    const download = startNode(context, 'download', url, 7_002, 1_000);
    download.act(() => download.follower.start());
    await download.until(() => download.answered() === 2);
    // Compact replies name no peer ids: it tells the node of itself too.
    assert.deepEqual(
      download.seen.filter((each) => each !== 7_002),
      [7_001, 7_001],
      'of both hashes',
    );
    const [status] = download.follower.status();
    assert.deepEqual([status?.state, status?.seeders, status?.leechers], ['working', 1, 1]);
    assert.ok((status?.nextInSeconds ?? 0) >= 60);
    let stopped = false;
    seed.act(() => seed.follower.stop(() => (stopped = true)));
    await seed.until(() => stopped);
    let scraped = false;
    download.act(() => download.follower.scrape(() => (scraped = true)));
    await download.until(() => scraped);
    assert.deepEqual(download.follower.swarm, { seeders: 0, leechers: 1 }, 'the seed has said goodbye');
  });
}

test('opentracker: a torrent that it does not know is refused, in its own words', options, async (context) => {
  const port = await startOpentracker(context);
  const node = startNode(context, 'stranger', `http://${HOST}:${port}/announce`, 7_003, 0, [fromHex('cc'.repeat(20)) as WireHash]);
  node.act(() => node.follower.start());
  await node.until(() => node.follower.status()[0]?.state === 'failed');
  assert.match(node.follower.status()[0]?.message ?? '', /not authorized/u);
});
