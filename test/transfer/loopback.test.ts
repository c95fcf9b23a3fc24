/** Two nodes on system ports: real files, worker threads, and TCP on loopback. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Library } from '../../src/actors/library/library.ts';
import type { LibraryCallName } from '../../src/actors/library/parts.ts';
import { Reactor } from '../../src/bus/reactor.ts';
import { createRandom } from '../../src/ports/counter-random.ts';
import { silentLog } from '../../src/ports/log.ts';
import { utc } from '../../src/ports/zone.ts';
import type { ApiCalls } from '../../src/protocol/api.ts';
import { testBytes } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import type { Result } from '../../src/protocol/result.ts';
import { createClock, monotonicMicros } from '../../src/system/clock.ts';
import { createCrypto } from '../../src/system/crypto.ts';
import { createDisk } from '../../src/system/disk.ts';
import { createPrograms } from '../../src/system/programs.ts';
import { createTcpTransport } from '../../src/transports/tcp/tcp.ts';
import { createUdpDatagrams } from '../../src/transports/udp/udp.ts';
import { EVERYDAY, FakeTracker, LIMITS } from './library-kit.ts';

const cause = { port: 'process', id: 0, kind: 'test' } as const;

const startNode = async (name: string, folder: string, tracker: FakeTracker, context: TestContext, host = '127.0.0.1') => {
  const reactor = new Reactor(monotonicMicros);
  const clock = createClock(reactor);
  const crypto = createCrypto(reactor);
  const transport = createTcpTransport(reactor);
  const programs = createPrograms(reactor);
  const datagrams = createUdpDatagrams(reactor);
  const ports = {
    clock,
    crypto,
    disk: createDisk(reactor),
    log: silentLog,
    random: createRandom(name),
    transport,
    datagrams,
    programs,
    zone: utc,
  };
  mkdirSync(join(folder, name));
  const library: Library = new Library({
    reactor,
    ports,
    network: tracker.network({ clock, node: name, host }, () => library.peerAddress?.port ?? 0),
    config: {
      network: { name: 'test', proxies: [] },
      downloadFolder: join(folder, name, 'downloads'),
      ...EVERYDAY,
      limits: { ...LIMITS, pieceBufferBytesMax: 16 * 1024 * 1024 },
      peer: {
        listen: { host: host.includes(':') ? '::' : host, port: 0 },
        advertise: [],
        bind: host.includes(':') ? [host] : [],
        encryption: 'allowed',
      },
    },
    dataFolder: join(folder, name, 'data'),
    passkey: (done) => done({ ok: false, error: { code: 'offline', message: 'no network' } }),
    client: 'Shoal test',
  });
  const step = <T>(body: (done: (value: T) => void) => void): Promise<T> =>
    new Promise((resolve) => reactor.step(cause, () => body(resolve)));
  const started = await step<Result<void>>((done) => library.start(done));
  assert.ok(started.ok);
  context.after(async () => {
    await step<void>((done) => library.stop(() => done()));
    transport.shutdown();
    datagrams.shutdown();
    crypto.close();
    (clock as { close?: () => void }).close?.();
  });
  const call = <K extends LibraryCallName>(call: K, args: ApiCalls[K]['args']): Promise<Result<ApiCalls[K]['result']>> =>
    step((done) => library.call(call, args, done));
  /** Waits until `happened` says so of the transfers; asked again after every step of the node. */
  const until = (happened: () => Promise<boolean>): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => void happened().then((yes) => (yes ? resolve() : reactor.taps.once('stepped', () => setImmediate(look))));
      look();
    });
  const state = async (id: string): Promise<string | undefined> => {
    const listed = await call('transfers', { id: null });
    return listed.ok ? listed.value.transfers.find((transfer) => transfer.id === id)?.state : undefined;
  };
  return { call, state, until };
};

test('over TCP and real disks a folder goes from one node to another, byte for byte', { timeout: 60_000 }, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-loopback-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const tracker = new FakeTracker();
  const anna = await startNode('anna', folder, tracker, context);
  const shared = join(folder, 'anna', 'bộ ảnh');
  mkdirSync(join(shared, 'trong'), { recursive: true });
  const contents = new Map([
    ['lớn.bin', testBytes(12_000_000, 3)],
    ['trong/nhỏ.txt', testBytes(10, 4)],
    ['trong/rỗng.txt', new Uint8Array(0)],
  ]);
  for (const [path, bytes] of contents) writeFileSync(join(shared, path), bytes);
  if (process.platform !== 'win32') symlinkSync('lớn.bin', join(shared, 'liên kết'));
  const begun = await anna.call('share', { paths: [shared], name: null, tags: ['ảnh'], v1: false, pieceLength: null });
  assert.ok(begun.ok);
  await anna.until(async () => {
    const state = await anna.call('shareJob', { job: begun.value.job });
    return state.ok && (state.value.state === 'done' || state.value.state === 'failed');
  });
  const job = await anna.call('shareJob', { job: begun.value.job });
  assert.ok(job.ok && job.value.state === 'done', JSON.stringify(job));
  assert.equal(job.value.skipped, process.platform === 'win32' ? 0 : 1, 'the link is counted, not followed');
  const id = job.value.id as string;
  const binh = await startNode('binh', folder, tracker, context);
  const got = await binh.call('get', { what: 'bộ ảnh', to: null, files: [], sequential: false });
  assert.ok(got.ok, JSON.stringify(got));
  await binh.until(async () => (await binh.state(id)) === 'seeding');
  for (const [path, bytes] of contents)
    assert.equal(Buffer.compare(readFileSync(join(folder, 'binh', 'downloads', 'bộ ảnh', path)), bytes), 0, path);
  const listed = await binh.call('transfers', { id });
  assert.equal(listed.ok && listed.value.transfers[0]?.sources[0]?.node, 'anna');
});

const hasV6 = Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'));

test('peers of IPv6 alone, bound to ::1, give and get', { timeout: 60_000, skip: !hasV6 }, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-loopback-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const tracker = new FakeTracker();
  const anna = await startNode('anna', folder, tracker, context, '::1');
  const bytes = testBytes(1_000_000, 5);
  writeFileSync(join(folder, 'anna', 'six.bin'), bytes);
  await anna.call('share', { paths: [join(folder, 'anna', 'six.bin')], name: null, tags: [], v1: false, pieceLength: null });
  await anna.until(async () => tracker.catalog.size === 1);
  const [id = ''] = tracker.catalog.keys();
  const binh = await startNode('binh', folder, tracker, context, '::1');
  assert.ok((await binh.call('get', { what: id, to: null, files: [], sequential: false })).ok);
  await binh.until(async () => (await binh.state(id)) === 'seeding');
  assert.deepEqual(readFileSync(join(folder, 'binh', 'downloads', 'six.bin')), Buffer.from(bytes));
});
