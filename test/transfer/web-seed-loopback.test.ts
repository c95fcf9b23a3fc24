/** A download from a real web server, over TCP on loopback. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Reactor } from '../../src/bus/reactor.ts';
import { BufferPool } from '../../src/data/buffers.ts';
import { Content } from '../../src/data/content.ts';
import { Exchange } from '../../src/data/exchange.ts';
import { OpenFiles } from '../../src/data/open-files.ts';
import { PeerPort } from '../../src/data/peer-port.ts';
import { RateGate } from '../../src/data/rate-gate.ts';
import { Storage } from '../../src/data/storage.ts';
import { Uplink } from '../../src/data/uplink.ts';
import { createLayout } from '../../src/domain/transfer/torrent-layout.ts';
import { createRandom } from '../../src/ports/counter-random.ts';
import { makePeerId } from '../../src/protocol/bittorrent/ids.ts';
import { readMetainfo } from '../../src/protocol/bittorrent/metainfo.ts';
import { redress } from '../../src/protocol/bittorrent/redress.ts';
import { makeTestTorrent, testBytes, valueOf } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { createClock, monotonicMicros } from '../../src/system/clock.ts';
import { createCrypto } from '../../src/system/crypto.ts';
import { createDisk } from '../../src/system/disk.ts';
import { createTcpTransport } from '../../src/transports/tcp/tcp.ts';

const cause = { port: 'process', id: 0, kind: 'test' } as const;
const FILES = [
  { path: ['đĩa', 'lớn 100%.bin'], bytes: testBytes(9_000_000, 3) },
  { path: ['nhỏ.txt'], bytes: testBytes(10, 4) },
];

/** Serves the files of the torrent, ranges and all, by Node's own server. */
const serve = async (context: TestContext): Promise<{ readonly url: string; readonly server: Server; connections(): number }> => {
  const byPath = new Map(FILES.map(({ bytes, path }) => [['bộ', ...path].join('/'), bytes]));
  let connections = 0;
  const server = createServer((request, response) => {
    const bytes = byPath.get(decodeURIComponent(request.url ?? '').replace(/^\/pub\//u, ''));
    const [, first, last] = /^bytes=(\d+)-(\d+)$/u.exec(request.headers.range ?? '') ?? [];
    if (bytes === undefined) return void response.writeHead(404).end('not here');
    const [from, to] = [Number(first), Number(last) + 1];
    response.writeHead(206, { 'Content-Range': `bytes ${from}-${to - 1}/${bytes.length}`, 'Content-Length': to - from });
    return void response.end(bytes.subarray(from, to));
  });
  server.on('connection', () => void connections++);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  context.after(() => server.closeAllConnections());
  context.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/pub`, server, connections: () => connections };
};

test('over TCP a folder comes from a web server, byte for byte', { timeout: 60_000 }, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-web-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const web = await serve(context);
  const made = makeTestTorrent(FILES, { name: 'bộ', pieceLength: 131_072 });
  const metainfo = valueOf(readMetainfo(valueOf(redress(made.bytes, { trackers: [], webSeeds: [web.url] }))));
  const layout = valueOf(createLayout(metainfo));

  const reactor = new Reactor(monotonicMicros);
  const clock = createClock(reactor);
  const crypto = createCrypto(reactor);
  const disk = createDisk(reactor);
  const transport = createTcpTransport(reactor);
  context.after(() => {
    transport.shutdown();
    crypto.close();
    (clock as { close?: () => void }).close?.();
  });
  const paths = layout.files.map((_, n) => join(folder, `${n}`));
  for (const path of paths) writeFileSync(path, '');
  const pool = new BufferPool(crypto, 16 * 1024 * 1024);
  const open = new OpenFiles(disk, 16);
  const storage = new Storage({ layout, disk, clock, open, files: paths.map((path) => ({ path, facts: null, adopted: false })) });
  const content = new Content({ metainfo, layout, storage, clock, crypto, pool });
  const shared = { transport, clock, crypto, encryption: 'allowed', node: 'n', client: 'Shoal test', peersMax: 8 } as const;
  const port = new PeerPort({ ...shared, peerId: makePeerId(crypto.secretBytes(12)) });
  const exchange = await new Promise<Exchange>((resolve, reject) => {
    const exchange = new Exchange({
      clock,
      random: createRandom('web'),
      content,
      pool,
      uplink: new Uplink(new RateGate(clock, 0)),
      downGate: new RateGate(clock, 0),
      dialler: port,
      web: { clock, transport, client: 'Shoal test', localHosts: ['127.0.0.1'] },
      peersMax: 8,
      uploadSlots: 4,
      events: {
        stored() {},
        complete: () => resolve(exchange),
        supply() {},
        banned: (name) => reject(new Error(`${name} is banned`)),
        failed: ({ message }) => reject(new Error(message)),
      },
    });
    reactor.step(cause, () =>
      port.listen({ host: '127.0.0.1', port: 0 }, (listening) => {
        if (!listening.ok) return reject(new Error(listening.error.message));
        port.register(exchange);
        return exchange.start();
      }),
    );
  });
  for (const { index, path } of layout.files) {
    const source = FILES.find((file) => file.path.join('/') === path.slice(1).join('/'));
    assert.equal(Buffer.compare(readFileSync(paths[index] ?? ''), source?.bytes ?? new Uint8Array(0)), 0, path.join('/'));
  }
  assert.deepEqual([...exchange.sources.values()], [9_000_010]);
  assert.ok(web.connections() <= 2, `${web.connections()} connections for many requests`);
  await new Promise<void>((resolve) => reactor.step(cause, () => storage.freeze(() => resolve())));
  reactor.step(cause, () => {
    exchange.stop('the test is over');
    port.unregister(exchange);
    port.close();
  });
});
