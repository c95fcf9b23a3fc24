import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { createRandom } from '../../src/ports/counter-random.ts';
import { FaultProxy, GOOD } from './fault-proxy.ts';

/** A server that answers with what it is sent, behind a fault proxy. */
let echo: Server;
let proxy: FaultProxy;
let port = 0;
let served: Socket[] = [];

beforeEach(async () => {
  served = [];
  echo = createServer((socket) => {
    served.push(socket);
    socket.on('error', () => {}).pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  proxy = new FaultProxy('client → echo', (echo.address() as AddressInfo).port, createRandom(1));
  port = await proxy.open();
});
afterEach(async () => {
  await proxy.close();
  for (const socket of served) socket.destroy();
  echo.close();
});

const dial = async (): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
};

/** However it ends. */
const closed = (socket: Socket | undefined): Promise<void> =>
  new Promise((resolve) => socket?.on('error', () => {}).once('close', () => resolve()));

const read = async (socket: Socket, bytes: number): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for (let got = 0; got < bytes;) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    chunks.push(chunk);
    got += chunk.length;
  }
  return Buffer.concat(chunks);
};

test('what goes through is the same, however it is delayed and sliced', async () => {
  for (const quality of [GOOD, { delayMs: 5, jitterMs: 20, sliceBytesMax: 0 }, { delayMs: 0, jitterMs: 2, sliceBytesMax: 300 }]) {
    proxy.quality = quality;
    const socket = await dial();
    const sent = randomFillSync(Buffer.alloc(700_000));
    const back = read(socket, sent.length);
    for (let at = 0; at < sent.length; at += 70_000) socket.write(sent.subarray(at, at + 70_000));
    assert.ok((await back).equals(sent));
    socket.destroy();
  }
});

test('the end of a direction is passed on after what was sent, and the other direction goes on', async () => {
  proxy.quality = { delayMs: 5, jitterMs: 5, sliceBytesMax: 3 };
  const socket = await dial();
  const back = read(socket, 10);
  socket.end('0123456789');
  assert.equal((await back).toString(), '0123456789');
  await once(socket, 'end');
});

test('a silence holds one direction back, and what was held comes when it is healed', async () => {
  const socket = await dial();
  socket.write('a');
  await read(socket, 1);
  proxy.silence('back');
  socket.write('b');
  const [heard] = (await once(served[0] as Socket, 'data')) as [Buffer];
  assert.equal(heard.toString(), 'b');
  assert.equal(socket.bytesRead, 1);
  const back = read(socket, 1);
  proxy.heal();
  assert.equal((await back).toString(), 'b');
  socket.destroy();
});

test('a reset is seen by both sides; whoever dials again is served', async () => {
  const socket = await dial();
  socket.write('a');
  await read(socket, 1);
  const there = closed(served[0]);
  proxy.reset();
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNRESET');
  await there;
  const again = await dial();
  again.write('b');
  assert.equal((await read(again, 1)).toString(), 'b');
  again.destroy();
});

test('half open: one side is gone, the other does not hear of it', async () => {
  const socket = await dial();
  socket.write('a');
  await read(socket, 1);
  const gone = closed(served[0]);
  proxy.halfOpen('there');
  await gone;
  socket.write('is anybody there?');
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(socket.closed, false);
  const over = closed(socket);
  proxy.reset();
  await over;
});

test('where nobody listens behind it, the connection ends', async () => {
  const nowhere = new FaultProxy('client → nobody', 1, createRandom(1));
  const socket = connect(await nowhere.open(), '127.0.0.1');
  await closed(socket);
  await nowhere.close();
});
